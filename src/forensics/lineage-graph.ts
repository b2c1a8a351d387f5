import type { Context } from '../platform/context.ts';
import type { Instant } from '../platform/instant.ts';
import { predictionByIdentity } from '../prediction/prediction-by-identity.ts';
import { identityKey, type PredictionLog, parseIdentityKey } from '../prediction/prediction-log.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { deploymentsAt } from '../serving/timeline.ts';
import {
  type Direction,
  type Expand,
  type Link,
  NODE_KINDS,
  type NodeKind,
  type Relation,
  type Vertex,
} from './lineage-walk.ts';

interface EdgeTable {
  readonly relation: Relation;
  readonly source: NodeKind;
  readonly target: NodeKind;
  /** Gives the columns `source` and `target`. */
  readonly rows: string;
}

const NOT_RETRACTED = `NOT (SELECT f.is_retracted FROM deployment_fact f
  WHERE f.deployment_id = d.id ORDER BY f.sequence DESC LIMIT 1)`;

/** Where the links between the registry's objects are stored. */
const EDGES: readonly EdgeTable[] = [
  {
    relation: 'TRAINED_FROM',
    source: 'CODE_COMMIT',
    target: 'MODEL_VERSION',
    rows: 'SELECT code_commit_id AS source, id AS target FROM model_version',
  },
  {
    relation: 'IMPLEMENTS',
    source: 'CODE_COMMIT',
    target: 'FEATURE_SCHEMA',
    rows: `SELECT DISTINCT code_commit_id AS source, feature_schema_id AS target FROM feature_transformation
      WHERE code_commit_id IS NOT NULL`,
  },
  {
    relation: 'USED_DATA',
    source: 'DATASET_SNAPSHOT',
    target: 'MODEL_VERSION',
    rows: 'SELECT DISTINCT dataset_snapshot_id AS source, model_version_id AS target FROM dataset_use',
  },
  {
    relation: 'EXPECTS_SCHEMA',
    source: 'FEATURE_SCHEMA',
    target: 'MODEL_VERSION',
    rows: 'SELECT feature_schema_id AS source, id AS target FROM model_version',
  },
  {
    relation: 'BUILT_FOR',
    source: 'RUNTIME_ENVIRONMENT',
    target: 'MODEL_VERSION',
    rows: 'SELECT runtime_environment_id AS source, id AS target FROM model_version',
  },
  {
    relation: 'CONTAINS',
    source: 'ARTIFACT',
    target: 'MODEL_VERSION',
    rows: 'SELECT DISTINCT artifact_id AS source, model_version_id AS target FROM artifact_use',
  },
  {
    relation: 'DERIVED_FROM',
    source: 'MODEL_VERSION',
    target: 'MODEL_VERSION',
    rows: 'SELECT parent_id AS source, id AS target FROM model_version WHERE parent_id IS NOT NULL',
  },
  {
    relation: 'DERIVED_FROM',
    source: 'DATASET_SNAPSHOT',
    target: 'DATASET_SNAPSHOT',
    rows: 'SELECT source_id AS source, derived_id AS target FROM dataset_derivation',
  },
  {
    relation: 'DEPLOYED_AS',
    source: 'MODEL_VERSION',
    target: 'DEPLOYMENT',
    rows: `SELECT d.model_version_id AS source, d.id AS target FROM deployment d WHERE ${NOT_RETRACTED}`,
  },
];

/** The end of a link where a walk stands. */
const NEAR_END = { UPSTREAM: 'target', DOWNSTREAM: 'source' } as const;

/** Kinds of rows from which links leave in a direction. */
const nearKinds = (direction: Direction): readonly NodeKind[] =>
  NODE_KINDS.filter((kind) => EDGES.some((edge) => edge[NEAR_END[direction]] === kind));

/** A statement that takes one array of row numbers for each of `nearKinds`. */
const registryStatement = (direction: Direction) => {
  const near = NEAR_END[direction];
  const kinds = nearKinds(direction);
  const branches = EDGES.map(
    (edge, index) => `SELECT ${index} AS edge, e.source, e.target FROM (${edge.rows}) e
      WHERE e.${near} = ANY($${kinds.indexOf(edge[near]) + 1}::int[])`,
  );
  return {
    name: `lineage_${direction.toLowerCase()}`,
    text: `${branches.join(' UNION ALL ')} ORDER BY edge, source, target`,
    kinds,
  };
};

const STATEMENTS = {
  UPSTREAM: registryStatement('UPSTREAM'),
  DOWNSTREAM: registryStatement('DOWNSTREAM'),
} as const;

const rowsOf = (frontier: readonly Vertex[], kind: NodeKind): readonly number[] =>
  frontier.filter((vertex) => vertex.kind === kind).map(({ key }) => Number(key));

/** Links between objects of the registry. One statement. */
const registryLinks = async (
  { database }: Context,
  direction: Direction,
  frontier: readonly Vertex[],
): Promise<readonly Link[]> => {
  const { name, text, kinds } = STATEMENTS[direction];
  const values = kinds.map((kind) => rowsOf(frontier, kind));
  if (values.every((rows) => rows.length === 0)) return [];
  const rows = await database.query<{ edge: number; source: number; target: number }>({
    name,
    text,
    values,
  });
  return rows.flatMap(({ edge, source, target }) => {
    const table = EDGES[edge];
    if (table === undefined) return [];
    return [
      {
        relation: table.relation,
        source: { kind: table.source, key: String(source) },
        target: { kind: table.target, key: String(target) },
      },
    ];
  });
};

/** What a prediction came from: the version that answered, the schema of its features, the deployment on record. */
const causesOf = async (context: Context, prediction: PredictionLog): Promise<readonly Link[]> => {
  const { modelVersionId, featureSchemaId, endpointId, occurredAt } = prediction;
  const target: Vertex = { kind: 'PREDICTION', key: identityKey(prediction) };
  const serving = deploymentsAt(await deploymentsOf(context).load(endpointId), occurredAt).filter(
    ({ deployment }) => deployment.modelVersionId === modelVersionId,
  );
  return [
    {
      relation: 'BUILT_FEATURES',
      source: { kind: 'FEATURE_SCHEMA', key: String(featureSchemaId) },
      target,
    },
    {
      relation: 'ANSWERED',
      source: { kind: 'MODEL_VERSION', key: String(modelVersionId) },
      target,
    },
    ...serving.map(({ deployment }) => ({
      relation: 'SERVED' as const,
      source: { kind: 'DEPLOYMENT' as const, key: String(deployment.id) },
      target,
    })),
  ];
};

const predictionCauses = async (
  context: Context,
  frontier: readonly Vertex[],
): Promise<readonly Link[]> => {
  const identities = frontier
    .filter(({ kind }) => kind === 'PREDICTION')
    .map(({ key }) => parseIdentityKey(key))
    .filter((identity) => identity !== null);
  const found = await Promise.all(
    identities.map((identity) => predictionByIdentity(context).load(identity)),
  );
  const links = await Promise.all(
    found.map((prediction) => (prediction === null ? [] : causesOf(context, prediction))),
  );
  return links.flat();
};

const COLUMNS = 'l.request_id, l.occurred_at, l.endpoint_id, l.item';

// Which versions a schema's features went to is in the rollup: the log has no index on the schema.
const PREDICTIONS = `
  SELECT 'ANSWERED' AS relation, near, ${COLUMNS} FROM unnest($1::int[]) AS near
  CROSS JOIN LATERAL newest_predictions(near, NULL, NULL, '-infinity', 'infinity', $4) l
  UNION ALL
  SELECT 'SERVED', near, ${COLUMNS} FROM unnest($2::int[]) AS near
  JOIN deployment d ON d.id = near
  CROSS JOIN LATERAL (SELECT f.* FROM deployment_fact f WHERE f.deployment_id = d.id
    ORDER BY f.sequence DESC LIMIT 1) f
  CROSS JOIN LATERAL newest_predictions(d.model_version_id, d.endpoint_id, NULL, f.started_at,
    coalesce(f.ended_at, 'infinity'), $4) l
  WHERE NOT f.is_retracted
  UNION ALL
  SELECT 'BUILT_FEATURES', near, ${COLUMNS} FROM (
    SELECT feature_schema_id AS near, model_version_id, min(first_at) AS first_at, max(last_at) AS last_at
    FROM prediction_rollup WHERE feature_schema_id = ANY($3::int[]) GROUP BY 1, 2) fed
  CROSS JOIN LATERAL newest_predictions(fed.model_version_id, NULL, fed.near, fed.first_at,
    fed.last_at + interval '1 microsecond', $4) l
  ORDER BY occurred_at DESC, request_id DESC, endpoint_id, item LIMIT $4`;

/** Relations that lead to predictions, in the order of the parameters above. */
const NEAR_KIND = {
  ANSWERED: 'MODEL_VERSION',
  SERVED: 'DEPLOYMENT',
  BUILT_FEATURES: 'FEATURE_SCHEMA',
} as const;

type Follows = (relation: Relation) => boolean;

interface PredictionRow {
  readonly relation: keyof typeof NEAR_KIND;
  readonly near: number;
  readonly request_id: string;
  readonly occurred_at: Instant;
  readonly endpoint_id: number;
  readonly item: number;
}

/** Links to predictions, newest first, at most `limit`. One statement. */
const predictionEffects = async (
  { database }: Context,
  frontier: readonly Vertex[],
  limit: number,
  follows: Follows,
): Promise<readonly Link[]> => {
  const near = (['ANSWERED', 'SERVED', 'BUILT_FEATURES'] as const).map((relation) =>
    follows(relation) ? rowsOf(frontier, NEAR_KIND[relation]) : [],
  );
  if (near.every((rows) => rows.length === 0)) return [];
  const rows = await database.query<PredictionRow>({
    name: 'lineage_predictions',
    text: PREDICTIONS,
    values: [...near, limit],
  });
  return rows.map((row) => ({
    relation: row.relation,
    source: { kind: NEAR_KIND[row.relation], key: String(row.near) },
    target: {
      kind: 'PREDICTION',
      key: identityKey({
        requestId: row.request_id,
        occurredAt: row.occurred_at,
        endpointId: row.endpoint_id,
        item: row.item,
      }),
    },
  }));
};

/**
 * Expands a walk: one statement a level for the registry, one more where predictions are wanted. Only links of
 * `relations` are followed when they are given.
 */
export const expandLineage = (
  context: Context,
  direction: Direction,
  options: {
    readonly relations: ReadonlySet<Relation> | null;
    /** Whether a walk downstream goes on to predictions. */
    readonly withPredictions: boolean;
  },
): Expand => {
  const follows: Follows = (relation) => options.relations?.has(relation) ?? true;
  return async (frontier, limit) => {
    const [registry, causes, effects] = await Promise.all([
      registryLinks(context, direction, frontier),
      direction === 'UPSTREAM' ? predictionCauses(context, frontier) : [],
      direction === 'DOWNSTREAM' && options.withPredictions
        ? predictionEffects(context, frontier, limit, follows)
        : [],
    ]);
    return [...registry, ...causes, ...effects].filter(({ relation }) => follows(relation));
  };
};
