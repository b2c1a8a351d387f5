import { GraphQLError } from 'graphql';
import { refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { needs } from '../platform/needs.ts';
import { expandLineage } from './lineage-graph.ts';
import { findVertex, type GlobalId } from './lineage-object.ts';
import { checkDepth, LineageLinkRef, MAX_VERTICES } from './lineage-type.ts';
import { chainTo, type Link, type Vertex, vertexName, walkFrom } from './lineage-walk.ts';

interface LineagePath {
  readonly links: readonly Link[];
}

const LineagePathRef = builder.objectRef<LineagePath>('LineagePath').implement({
  extensions: needs('registry:read'),
  description: 'A shortest chain of links between two vertices.',
  fields: (t) => ({
    links: t.field({
      type: [LineageLinkRef],
      description:
        'Links in order from start to end; each points from cause to effect, whichever way the chain goes.',
      resolve: ({ links }) => [...links],
    }),
    length: t.int({
      description: 'Number of links; 0 from an object to itself.',
      resolve: ({ links }) => links.length,
    }),
  }),
});

/** Upstream, because few things go into an object and many come out of it. */
const chainUpstream = async (
  context: Context,
  effect: Vertex,
  cause: Vertex,
  maxDepth: number,
): Promise<readonly Link[] | null> => {
  const expand = expandLineage(context, 'UPSTREAM', { relations: null, withPredictions: false });
  const walk = await walkFrom([effect], 'UPSTREAM', expand, {
    maxDepth,
    maxVertices: MAX_VERTICES,
  });
  const chain = chainTo(walk, cause, 'UPSTREAM');
  if (chain === null && walk.visits.length >= MAX_VERTICES) {
    throw new GraphQLError(
      `More than ${MAX_VERTICES} objects lie upstream within ${maxDepth} hops, so that no chain was found is not certain; give a smaller maxDepth.`,
      { extensions: { code: 'BAD_USER_INPUT' } },
    );
  }
  return chain;
};

const pathBetween = async (
  context: Context,
  from: GlobalId,
  to: GlobalId,
  maxDepth: number,
): Promise<LineagePath | null> => {
  checkDepth(maxDepth);
  const [start, end] = await Promise.all([findVertex(context, from), findVertex(context, to)]);
  refuseArguments([
    ...(start === null ? [{ path: ['from'], message: NO_VERTEX }] : []),
    ...(end === null ? [{ path: ['to'], message: NO_VERTEX }] : []),
  ]);
  if (start === null || end === null) return null;
  if (vertexName(start) === vertexName(end)) return { links: [] };
  const backwards = await chainUpstream(context, end, start, maxDepth);
  if (backwards !== null) return { links: [...backwards].reverse() };
  const chain = await chainUpstream(context, start, end, maxDepth);
  return chain === null ? null : { links: chain };
};

const NO_VERTEX =
  'This ID names no object of the lineage graph: give that of a commit, schema, snapshot, environment, artifact, model version, deployment or prediction.';

builder.queryField('lineagePath', (t) =>
  t.field({
    extensions: needs('predictions:read', 'registry:read'),
    type: LineagePathRef,
    nullable: true,
    description:
      'A shortest chain of lineage links from one object to another, all of them followed from cause to effect or all the other way; null when there is none within the depth.',
    complexity: 40,
    args: {
      from: t.arg.globalID({ required: true, description: 'Global ID of the start.' }),
      to: t.arg.globalID({ required: true, description: 'Global ID of the end.' }),
      maxDepth: t.arg.int({
        required: true,
        defaultValue: 10,
        description: 'Most links of the chain: 1 to 20.',
      }),
    },
    resolve: (_, { from, to, maxDepth }, context) => pathBetween(context, from, to, maxDepth),
  }),
);
