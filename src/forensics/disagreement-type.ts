import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import {
  connectionType,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOfList,
} from '../platform/pagination.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { CountEstimateRef, ESTIMATE_NUMBERS } from '../prediction/count-estimate.ts';
import { MAX_WINDOW_DAYS, type TimeWindow } from '../prediction/prediction-filter-input.ts';
import { orderByArgument, PredictionLogConnection, predictionPage } from '../prediction/search.ts';
import type { Condition } from '../prediction/sql-condition.ts';
import { ModelVersionRef, modelVersionById } from '../registry/model-version.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { DeploymentRef } from '../serving/deployment-type.ts';
import { EndpointRef } from '../serving/endpoint.ts';
import { beliefAt, type DeploymentBelief, deploymentsAt } from '../serving/timeline.ts';
import { type Cell, cutWindow, type Disagreement, disagreementsOf } from './disagreement.ts';

const DAY = 86_400_000_000;
const HOUR = 3_600_000_000;

interface Row {
  readonly model_version_id: number;
  readonly feature_schema_id: number;
  readonly from: Instant;
  readonly to: Instant;
  readonly count: bigint;
  readonly estimated: number;
  readonly variance: number;
  readonly first_at: Instant;
  readonly last_at: Instant;
}

// Whole hours from the counts; only hours in which the window or a belief begins or ends are read from the rows.
const CELLS = `SELECT model_version_id, feature_schema_id, hour AS "from", hour + interval '1 hour' AS "to", count,
    first_at, last_at, estimated::double precision, variance::double precision
  FROM prediction_rollup
  WHERE endpoint_id = $1 AND hour >= $2 AND hour < $3 AND hour <> ALL($4::timestamptz[])
  UNION ALL
  SELECT l.model_version_id, l.feature_schema_id, piece.started, piece.ended, count(*),
    min(l.occurred_at), max(l.occurred_at), ${ESTIMATE_NUMBERS}
  FROM unnest($5::timestamptz[], $6::timestamptz[]) AS piece (started, ended)
  JOIN prediction_log l ON l.occurred_at >= piece.started AND l.occurred_at < piece.ended AND l.endpoint_id = $1
  GROUP BY 1, 2, 3, 4`;

const cellsOf = async (
  { database }: Context,
  endpointId: number,
  { from, to }: { readonly from: Instant; readonly to: Instant },
  changes: readonly Instant[],
): Promise<readonly Cell[]> => {
  const { cutHours, pieces } = cutWindow(from, to, changes);
  const rows = await database.query<Row>({
    name: 'serving_cells',
    text: CELLS,
    values: [
      endpointId,
      formatInstant(Math.floor(from / HOUR) * HOUR),
      formatInstant(to),
      cutHours.map(formatInstant),
      pieces.map((piece) => formatInstant(piece.from)),
      pieces.map((piece) => formatInstant(piece.to)),
    ],
  });
  return rows.map((row) => ({
    modelVersionId: row.model_version_id,
    featureSchemaId: row.feature_schema_id,
    from: row.from,
    to: row.to,
    count: Number(row.count),
    estimated: row.estimated,
    variance: row.variance,
    firstAt: row.first_at,
    lastAt: row.last_at,
  }));
};

/** A disagreement on an endpoint, with what was believed instead. */
interface FoundDisagreement extends Disagreement {
  readonly endpointId: number;
  readonly believed: readonly DeploymentBelief[];
}

/** Refuses a window that does not bound what is read. */
const boundedWindow = ({ from, to }: TimeWindow): { from: Instant; to: Instant } => {
  const days = from == null || to == null ? Infinity : Math.ceil((to - from) / DAY);
  if (from != null && to != null && from < to && days <= MAX_WINDOW_DAYS) return { from, to };
  const message = `Give \`from\` and a later \`to\`, at most ${MAX_WINDOW_DAYS} days apart.`;
  throw argumentError({ path: ['during'], message });
};

const findDisagreements = async (
  context: Context,
  endpointId: number,
  during: TimeWindow,
  knownAt: Instant | null,
): Promise<readonly FoundDisagreement[]> => {
  const window = boundedWindow(during);
  const histories = await deploymentsOf(context).load(endpointId);
  const recordedBy = knownAt ?? undefined;
  const beliefs = histories
    .map((history) => beliefAt(history, recordedBy))
    .filter((belief) => belief !== null);
  const changes = beliefs.flatMap(({ startedAt, endedAt }) =>
    endedAt === null ? [startedAt] : [startedAt, endedAt],
  );
  const cells = await cellsOf(context, endpointId, window, changes);
  const expected = new Map<number, number>();
  for (const id of new Set(cells.map(({ modelVersionId }) => modelVersionId))) {
    const version = referenced(await modelVersionById(context.database).load(id));
    expected.set(id, version.featureSchemaId);
  }
  const inForce = (at: Instant) => deploymentsAt(histories, at, recordedBy);
  const found = disagreementsOf(cells, {
    isDeployed: (version, at) =>
      inForce(at).some(({ deployment }) => deployment.modelVersionId === version),
    isExpected: (version, schema) => expected.get(version) === schema,
  });
  return found.map((one) => ({ ...one, endpointId, believed: inForce(one.firstAt) }));
};

const KindEnum = builder.enumType('DisagreementKind', {
  description: 'How the log contradicts the registry.',
  values: {
    VERSION_NOT_DEPLOYED: {
      description: 'The version answered while it was not believed to serve the endpoint.',
    },
    SCHEMA_NOT_EXPECTED: {
      description: 'The features were built with another schema than the version was trained on.',
    },
  } as const,
});

const DisagreementRef = builder.objectRef<FoundDisagreement>('ServingDisagreement').implement({
  description:
    'A time in which the log shows, for one version and schema, what the registry did not believe. It ends where that version answers as believed again, or after a day without such a prediction.',
  fields: (t) => ({
    kind: t.field({
      type: KindEnum,
      description: 'What contradicts.',
      resolve: ({ kind }) => kind,
    }),
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'Version that answered.',
      resolve: async ({ modelVersionId }, _, { database }) =>
        referenced(await modelVersionById(database).load(modelVersionId)),
    }),
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description: 'Schema that the features were built with, as logged.',
      resolve: async ({ featureSchemaId }, _, { database }) =>
        referenced(await featureSchemaById(database).load(featureSchemaId)),
    }),
    firstAt: t.expose('firstAt', { type: 'DateTime', description: 'First such prediction.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'Last such prediction.' }),
    predictionCount: t.expose('count', {
      type: 'SafeInt',
      description: 'Number of such predictions that are recorded: exact.',
    }),
    predictionEstimate: t.field({
      type: CountEstimateRef,
      description: 'The same, and how many they stand for where services sample.',
      resolve: (disagreement) => disagreement,
    }),
    believed: t.field({
      type: [DeploymentRef],
      description: 'Deployments believed in force when it began, primary first.',
      resolve: ({ believed }) => [...believed],
    }),
    predictions: t.field({
      type: PredictionLogConnection,
      description: 'The predictions.',
      complexity: pageCost,
      args: { ...pageArguments, orderBy: t.arg(orderByArgument) },
      resolve: (disagreement, { orderBy, ...args }, context) =>
        predictionPage(
          context,
          { condition: conditionOf(disagreement), versions: null },
          orderBy,
          args,
          { from: disagreement.firstAt, to: disagreement.lastAt + 1 },
        ),
    }),
  }),
});

const conditionOf =
  ({
    endpointId,
    modelVersionId,
    featureSchemaId,
    firstAt,
    lastAt,
  }: FoundDisagreement): Condition =>
  (parameter) =>
    `l.model_version_id = ${parameter(modelVersionId, 'int')}
      AND l.endpoint_id = ${parameter(endpointId, 'int')}
      AND l.feature_schema_id = ${parameter(featureSchemaId, 'int')}
      AND l.occurred_at BETWEEN ${parameter(formatInstant(firstAt), 'timestamptz')}
        AND ${parameter(formatInstant(lastAt), 'timestamptz')}`;

const DisagreementConnection = connectionType(
  DisagreementRef,
  'ServingDisagreement',
  'disagreements',
);

builder.objectField(EndpointRef, 'disagreements', (t) =>
  t.field({
    type: DisagreementConnection,
    description: `Where the log contradicts the registry, in order of time: versions that answered without being believed to serve, and features built with another schema than the version expects. The window is at most ${MAX_WINDOW_DAYS} days. Reads hourly counts, and rows only of hours in which the window or a deployment begins or ends.`,
    complexity: (args: PageArguments) => ({ ...pageCost(args), field: 40 }),
    args: {
      ...pageArguments,
      during: t.arg({
        type: TimeWindowInput,
        required: true,
        description: 'When the predictions were made.',
      }),
      knownAt: t.arg({
        type: 'DateTime',
        description:
          'Hold the log, as it is now, against what had been recorded of deployments by then; now when omitted.',
      }),
    },
    resolve: async ({ id }, { during, knownAt, ...args }, context) =>
      pageOfList(
        args,
        await findDisagreements(context, id, during, knownAt ?? null),
        ({ kind, modelVersionId, featureSchemaId, firstAt }) => [
          kind,
          ...[modelVersionId, featureSchemaId, firstAt].map(String),
        ],
      ),
  }),
);
