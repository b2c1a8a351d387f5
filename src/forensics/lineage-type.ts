import { LineageNodeRef } from '../evidence/lineage-node.ts';
import { refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { forbidden } from '../platform/forbidden.ts';
import { needs } from '../platform/needs.ts';
import {
  type Page,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOfList,
} from '../platform/pagination.ts';
import { isIntact } from './hop-integrity.ts';
import { expandLineage } from './lineage-graph.ts';
import { objectOf, vertexOf } from './lineage-object.ts';
import {
  type Direction,
  type Link,
  type NodeKind,
  type Relation,
  type Vertex,
  type Visit,
  vertexName,
  walkFrom,
} from './lineage-walk.ts';

/** Most hops of a walk, and most vertices that it collects. */
const MAX_DEPTH = 20;
export const MAX_VERTICES = 5000;

const NodeKindEnum = builder.enumType('LineageNodeKind', {
  description: 'Kind of lineage vertex.',
  values: {
    CODE_COMMIT: { description: 'A `CodeCommit`.' },
    DATASET_SNAPSHOT: { description: 'A `DatasetSnapshot`.' },
    FEATURE_SCHEMA: { description: 'A `FeatureSchema`.' },
    RUNTIME_ENVIRONMENT: { description: 'A `RuntimeEnvironment`.' },
    ARTIFACT: { description: 'An `Artifact`.' },
    MODEL_VERSION: { description: 'A `ModelVersion`.' },
    DEPLOYMENT: { description: 'A `Deployment` that was not retracted.' },
    PREDICTION: { description: 'A `PredictionLog`.' },
  } as const,
});

const RelationEnum = builder.enumType('LineageRelation', {
  description: 'Kind of lineage link, named from cause to effect.',
  values: {
    TRAINED_FROM: { description: 'Commit to the model version it trained.' },
    IMPLEMENTS: {
      description: 'Commit to the feature schema, a transformation of which it holds.',
    },
    USED_DATA: { description: 'Dataset snapshot to the model version that used it, in any role.' },
    EXPECTS_SCHEMA: { description: 'Feature schema to the model version that expects it.' },
    BUILT_FOR: { description: 'Environment to the model version built for it.' },
    CONTAINS: { description: 'Artifact to the model version that contains it.' },
    DERIVED_FROM: {
      description: 'Model version or dataset snapshot to one derived from it.',
    },
    DEPLOYED_AS: { description: 'Model version to its deployment.' },
    BUILT_FEATURES: {
      description: 'Feature schema to the prediction whose features were built with it, as logged.',
    },
    ANSWERED: { description: 'Model version to its prediction, as logged.' },
    SERVED: {
      description:
        'Deployment on record for that version, endpoint and instant to the prediction made under it.',
    },
  } as const,
});

export const LineageLinkRef = builder.objectRef<Link>('LineageLink').implement({
  extensions: needs('registry:read'),
  description: 'One link of the lineage graph.',
  fields: (t) => ({
    source: t.field({
      type: LineageNodeRef,
      description: 'Cause.',
      resolve: ({ source }, _, context) => objectOf(context, source),
    }),
    target: t.field({
      type: LineageNodeRef,
      description: 'Effect.',
      resolve: ({ target }, _, context) => objectOf(context, target),
    }),
    relation: t.field({
      type: RelationEnum,
      description: 'Kind of link.',
      resolve: ({ relation }) => relation,
    }),
  }),
});

type Edge = Page<Visit>['edges'][number];

const LineageEdgeRef = builder.objectRef<Edge>('LineageEdge').implement({
  extensions: needs('registry:read'),
  description: 'A vertex reached by a lineage walk.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Cursor of this vertex.', complexity: 0 }),
    node: t.field({
      type: LineageNodeRef,
      description: 'The vertex.',
      complexity: 0,
      resolve: ({ node }, _, context) => objectOf(context, node.vertex),
    }),
    kind: t.field({
      type: NodeKindEnum,
      description: 'Kind of the vertex.',
      resolve: ({ node }) => node.vertex.kind,
    }),
    depth: t.int({
      description: 'Hops from the start of the walk, from 1.',
      resolve: ({ node }) => node.depth,
    }),
    links: t.field({
      type: [LineageLinkRef],
      description: 'Links by which the walk reached the vertex, from vertices one hop nearer.',
      resolve: ({ node }) => [...node.links],
    }),
    isIntact: t.boolean({
      nullable: true,
      description:
        'Whether what is stored of the vertex still gives the digest it was recorded under, recomputed past every cache; null for an artifact, whose digest is that of bytes kept elsewhere.',
      complexity: 10,
      resolve: ({ node }, _, context) => isIntact(context, node.vertex),
    }),
  }),
});

interface LineagePage extends Page<Visit> {
  readonly isTruncated: boolean;
}

const LineageConnectionRef = builder.objectRef<LineagePage>('LineageConnection').implement({
  extensions: needs('registry:read'),
  description:
    'A page of a lineage walk, breadth first. Each vertex appears once, at its smallest depth.',
  fields: (t) => ({
    edges: t.field({
      type: [LineageEdgeRef],
      description: 'Vertices of this page, with how the walk reached them.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ edges }) => [...edges],
    }),
    nodes: t.field({
      type: [LineageNodeRef],
      description: 'Vertices of this page.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ edges }, _, context) =>
        Promise.all(edges.map(({ node }) => objectOf(context, node.vertex))),
    }),
    pageInfo: t.field({
      type: builder.pageInfoRef(),
      description: "This page's place in the walk.",
      complexity: 0,
      resolve: ({ pageInfo }) => pageInfo,
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: `Whether the walk ended at \`maxDepth\` or after ${MAX_VERTICES} vertices while more could be reached.`,
    }),
  }),
});

interface WalkArguments extends PageArguments {
  readonly kinds?: readonly NodeKind[] | null | undefined;
  readonly relations?: readonly Relation[] | null | undefined;
  readonly maxDepth: number;
}

/** Refuses a depth that no walk goes. */
export const checkDepth = (maxDepth: number): void => {
  if (maxDepth >= 1 && maxDepth <= MAX_DEPTH) return;
  refuseArguments([
    {
      path: ['maxDepth'],
      message: `A walk goes 1 to ${MAX_DEPTH} hops; ${maxDepth} were asked for.`,
    },
  ]);
};

const lineagePage = async (
  context: Context,
  start: Vertex,
  direction: Direction,
  { kinds, relations, maxDepth, ...args }: WalkArguments,
): Promise<LineagePage> => {
  checkDepth(maxDepth);
  const wanted = new Set(kinds ?? []);
  // Before the walk: where a page leads would tell which there are.
  if (wanted.has('PREDICTION') && !context.actor.scopes.has('predictions:read')) {
    throw forbidden('PREDICTION', ['predictions:read']);
  }
  const expand = expandLineage(context, direction, {
    relations: relations == null ? null : new Set(relations),
    withPredictions: wanted.has('PREDICTION'),
  });
  const { visits, isTruncated } = await walkFrom([start], direction, expand, {
    maxDepth,
    maxVertices: MAX_VERTICES,
  });
  const shown = kinds == null ? visits : visits.filter(({ vertex: { kind } }) => wanted.has(kind));
  return { ...pageOfList(args, shown, ({ vertex }) => [vertexName(vertex)]), isTruncated };
};

const walkArguments = builder.args((t) => ({
  ...pageArguments,
  kinds: t.field({
    type: [NodeKindEnum],
    description: 'Give only these kinds of vertices; the walk still leads through the others.',
  }),
  relations: t.field({
    type: [RelationEnum],
    description: 'Follow only these links; all when omitted.',
  }),
  maxDepth: t.int({
    required: true,
    defaultValue: 5,
    description: `Most hops from the start: 1 to ${MAX_DEPTH}.`,
  }),
}));

const walkCost = (args: PageArguments) => ({ ...pageCost(args), field: 20 });

builder.interfaceFields(LineageNodeRef, (t) => ({
  upstream: t.field({
    type: LineageConnectionRef,
    description: 'Everything this object was made from, nearest first. One statement a hop.',
    complexity: walkCost,
    args: walkArguments,
    resolve: (object, args, context, { parentType }) =>
      lineagePage(context, vertexOf(parentType.name, object), 'UPSTREAM', args),
  }),
  downstream: t.field({
    type: LineageConnectionRef,
    description:
      'Everything made from this object, nearest first; predictions, newest first, only when `kinds` asks for them. One or two statements a hop.',
    complexity: walkCost,
    args: walkArguments,
    resolve: (object, args, context, { parentType }) =>
      lineagePage(context, vertexOf(parentType.name, object), 'DOWNSTREAM', args),
  }),
}));
