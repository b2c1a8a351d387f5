import type { Context } from '../platform/context.ts';
import type { Instant } from '../platform/instant.ts';
import {
  type AnsweredSpan,
  answeredSpans,
  expiredCount,
  type Window,
} from '../prediction/rollups.ts';
import { allOf, anyOf, type Condition, type Parameter } from '../prediction/sql-condition.ts';
import { deploymentById } from '../serving/deployment-history.ts';
import { newestBelief } from '../serving/deployment-type.ts';
import type { DeploymentBelief } from '../serving/timeline.ts';
import { uncountedGaps } from './archived-gaps.ts';
import type { EvidenceGap } from './finding.ts';
import type { Roots } from './impact-root.ts';
import { expandLineage } from './lineage-graph.ts';
import { type Vertex, walkFrom } from './lineage-walk.ts';

export const LIMITS = { maxDepth: 20, maxVertices: 5000 };

/** What depends on some objects. */
export interface Impact {
  readonly roots: readonly Vertex[];
  readonly window: Window;
  /** Rows of the versions made from the roots, the roots' own included. */
  readonly modelVersionIds: readonly number[];
  readonly featureSchemaIds: readonly number[];
  /** Every deployment of those versions, newest start first. */
  readonly deployments: readonly DeploymentBelief[];
  /** Where the affected predictions were made. */
  readonly spans: readonly AnsweredSpan[];
  readonly gaps: readonly EvidenceGap[];
  /** Whether more lies downstream than was looked at. */
  readonly isTruncated: boolean;
  /** Which rows of the log are affected. */
  readonly condition: Condition;
}

const keysOf = (vertices: readonly Vertex[], kind: Vertex['kind']): readonly number[] =>
  vertices.filter((vertex) => vertex.kind === kind).map(({ key }) => Number(key));

/** Everything in the registry that is made from some vertices, those included. */
const descendants = async (
  context: Context,
  roots: readonly Vertex[],
): Promise<{ readonly vertices: readonly Vertex[]; readonly isTruncated: boolean }> => {
  const expand = expandLineage(context, 'DOWNSTREAM', { relations: null, withPredictions: false });
  const { visits, isTruncated } = await walkFrom(roots, 'DOWNSTREAM', expand, LIMITS);
  return { vertices: [...roots, ...visits.map(({ vertex }) => vertex)], isTruncated };
};

const isAny =
  (column: string, ids: readonly number[]): Condition =>
  (parameter: Parameter) =>
    `${column} = ANY(${parameter([...ids], 'int[]')})`;

const beliefsOf = async (
  context: Context,
  ids: readonly number[],
): Promise<readonly DeploymentBelief[]> => {
  const found = await deploymentById(context).loadMany(ids);
  return found
    .flatMap((histories) => (histories instanceof Error ? [] : histories))
    .map(newestBelief)
    .filter((belief) => belief !== null);
};

const later = (one: Instant | null, other: Instant | null): Instant | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

const earlier = (one: Instant | null, other: Instant | null): Instant | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

/** A deployment affects what its version answered on its endpoint while it was in force. */
const impactOfDeployment = async (
  context: Context,
  roots: Roots,
  belief: DeploymentBelief,
  during: Window,
): Promise<Impact> => {
  const { modelVersionId, endpointId } = belief.deployment;
  const window = {
    from: later(during.from, belief.startedAt),
    to: earlier(during.to, belief.endedAt),
  };
  const condition = allOf([
    isAny('model_version_id', [modelVersionId]),
    isAny('endpoint_id', [endpointId]),
  ]);
  return {
    roots: roots.vertices,
    window,
    modelVersionIds: [],
    featureSchemaIds: [],
    deployments: [belief],
    condition,
    isTruncated: false,
    ...(await counted(context, condition, window, roots.gaps)),
  };
};

const counted = async (
  { database }: Context,
  condition: Condition,
  window: Window,
  known: readonly EvidenceGap[],
): Promise<Pick<Impact, 'spans' | 'gaps'>> => {
  const [spans, expired, uncounted] = await Promise.all([
    answeredSpans(database, condition, window),
    expiredCount(database, condition, window),
    uncountedGaps(database, window),
  ]);
  const message = `${expired} of the affected predictions were counted but are no longer in the log; they are in the counts and in no list.`;
  const gaps: readonly EvidenceGap[] =
    expired === 0 ? [] : [{ subject: 'predictions', reason: 'EXPIRED', message }];
  return { spans, gaps: [...known, ...gaps, ...uncounted] };
};

/** What depends on the roots. A constant number of statements for each level of the graph, however many predictions. */
export const impactOf = async (context: Context, roots: Roots, window: Window): Promise<Impact> => {
  const [root] = roots.vertices;
  if (root?.kind === 'DEPLOYMENT') {
    const [belief] = await beliefsOf(context, [Number(root.key)]);
    if (belief !== undefined) return impactOfDeployment(context, roots, belief, window);
  }
  const { vertices, isTruncated } = await descendants(context, roots.vertices);
  const modelVersionIds = keysOf(vertices, 'MODEL_VERSION');
  const featureSchemaIds = keysOf(vertices, 'FEATURE_SCHEMA');
  const beliefs = await beliefsOf(context, keysOf(vertices, 'DEPLOYMENT'));
  const condition = anyOf([
    isAny('model_version_id', modelVersionIds),
    isAny('feature_schema_id', featureSchemaIds),
  ]);
  return {
    roots: roots.vertices,
    window,
    modelVersionIds,
    featureSchemaIds,
    deployments: [...beliefs].sort(
      (a, b) => b.startedAt - a.startedAt || b.deployment.id - a.deployment.id,
    ),
    condition,
    isTruncated,
    ...(await counted(context, condition, window, roots.gaps)),
  };
};
