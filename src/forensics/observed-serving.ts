import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import { type Context, perRequest } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import {
  type CountEstimate,
  CountEstimateRef,
  ESTIMATE_NUMBERS,
} from '../prediction/count-estimate.ts';
import { type ModelVersion, ModelVersionRef, modelVersionById } from '../registry/model-version.ts';
import { type ServingState, ServingStateRef } from '../serving/endpoint-type.ts';
import { beliefAt } from '../serving/timeline.ts';

/** Longest time to look before and after an instant, in seconds. */
const MAX_SECONDS = 3600;

/** What the log shows of one version and schema around an instant. */
interface ObservedVersion extends CountEstimate {
  readonly version: ModelVersion;
  readonly featureSchemaId: number;
  /** Of these, predictions at whose instant the version was not believed to serve. */
  readonly unbelieved: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

interface Row {
  readonly model_version_id: number;
  readonly feature_schema_id: number;
  readonly count: bigint;
  readonly unbelieved: bigint;
  readonly estimated: number;
  readonly variance: number;
  readonly first_at: Instant;
  readonly last_at: Instant;
}

// `endpoint_id` is in no index of its own; the time bounds the rows.
const OBSERVED = `SELECT l.model_version_id, l.feature_schema_id, count(*) AS count,
    count(*) FILTER (WHERE NOT EXISTS (
      SELECT FROM unnest($5::int[], $6::timestamptz[], $7::timestamptz[]) AS believed (version, started, ended)
      WHERE believed.version = l.model_version_id AND l.occurred_at >= believed.started
        AND l.occurred_at < believed.ended)) AS unbelieved,
    min(l.occurred_at) AS first_at, max(l.occurred_at) AS last_at, ${ESTIMATE_NUMBERS}
  FROM prediction_log l
  WHERE l.endpoint_id = $1 AND l.occurred_at >= $2 AND l.occurred_at < $3 AND l.recorded_at <= $4
  GROUP BY 1, 2 ORDER BY estimated DESC, 1, 2`;

const readObserved = async (
  { database }: Context,
  { endpoint, at, recordedBy, histories }: ServingState,
  seconds: number,
): Promise<readonly ObservedVersion[]> => {
  if (seconds < 1 || seconds > MAX_SECONDS) {
    const message = `${seconds} seconds; give 1 to ${MAX_SECONDS}.`;
    refuseArguments([{ path: ['withinSeconds'], message }]);
  }
  const beliefs = histories
    .map((history) => beliefAt(history, recordedBy ?? undefined))
    .filter((belief) => belief !== null);
  const rows = await database.query<Row>({
    name: 'observed_serving',
    text: OBSERVED,
    values: [
      endpoint.id,
      formatInstant(at - seconds * 1_000_000),
      formatInstant(at + seconds * 1_000_000),
      recordedBy === null ? 'infinity' : formatInstant(recordedBy),
      beliefs.map(({ deployment }) => deployment.modelVersionId),
      beliefs.map(({ startedAt }) => formatInstant(startedAt)),
      beliefs.map(({ endedAt }) => (endedAt === null ? 'infinity' : formatInstant(endedAt))),
    ],
  });
  return Promise.all(
    rows.map(async (row) => ({
      version: referenced(await modelVersionById(database).load(row.model_version_id)),
      featureSchemaId: row.feature_schema_id,
      count: Number(row.count),
      estimated: row.estimated,
      variance: row.variance,
      unbelieved: Number(row.unbelieved),
      firstAt: row.first_at,
      lastAt: row.last_at,
    })),
  );
};

/** One statement for each state and width, however often its fields are asked for. */
const observedOf = perRequest((context: Context) => {
  const read = new WeakMap<ServingState, Map<number, Promise<readonly ObservedVersion[]>>>();
  return (state: ServingState, seconds: number): Promise<readonly ObservedVersion[]> => {
    const widths = read.get(state) ?? new Map<number, Promise<readonly ObservedVersion[]>>();
    read.set(state, widths);
    const observed = widths.get(seconds) ?? readObserved(context, state, seconds);
    widths.set(seconds, observed);
    return observed;
  };
});

const isAsBelieved = ({ version, featureSchemaId, unbelieved }: ObservedVersion): boolean =>
  unbelieved === 0 && featureSchemaId === version.featureSchemaId;

const ObservedVersionRef = builder.objectRef<ObservedVersion>('ObservedVersion').implement({
  description: 'A version that the log shows answering, from features of one schema.',
  fields: (t) => ({
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The version.',
      resolve: ({ version }) => version,
    }),
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description: 'Schema that the features were built with, as logged.',
      resolve: async ({ featureSchemaId }, _, { database }) =>
        referenced(await featureSchemaById(database).load(featureSchemaId)),
    }),
    predictionCount: t.expose('count', {
      type: 'SafeInt',
      description: 'Recorded predictions seen.',
    }),
    predictionEstimate: t.field({
      type: CountEstimateRef,
      description: 'The same, and how many they stand for where services sample.',
      resolve: (observed) => observed,
    }),
    unbelievedCount: t.expose('unbelieved', {
      type: 'SafeInt',
      description:
        'Of these, predictions made at an instant when the version was not believed to serve.',
    }),
    isExpectedSchema: t.boolean({
      description: 'Whether that schema is the one the version was trained on.',
      resolve: ({ version, featureSchemaId }) => featureSchemaId === version.featureSchemaId,
    }),
    firstAt: t.expose('firstAt', { type: 'DateTime', description: 'First of them.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'Last of them.' }),
  }),
});

const widthArguments = builder.args((t) => ({
  withinSeconds: t.int({
    required: true,
    defaultValue: 300,
    description: `How long before and after \`at\` to look, in seconds: 1 to ${MAX_SECONDS}.`,
  }),
}));

builder.objectFields(ServingStateRef, (t) => ({
  observed: t.field({
    type: [ObservedVersionRef],
    description:
      'Versions that the log shows answering around that instant, most often by estimate first: fact beside belief. Only records that had been recorded by `knownAt`, when that was given.',
    complexity: 10,
    args: widthArguments,
    resolve: async (state, { withinSeconds }, context) => [
      ...(await observedOf(context)(state, withinSeconds)),
    ],
  }),
  isConsistent: t.boolean({
    nullable: true,
    description:
      'Whether every prediction seen around that instant came from a version that was believed to serve when it was made, from features of the schema that the version was trained on; null when none was seen.',
    complexity: 10,
    args: widthArguments,
    resolve: async (state, { withinSeconds }, context) => {
      const observed = await observedOf(context)(state, withinSeconds);
      return observed.length === 0 ? null : observed.every(isAsBelieved);
    },
  }),
}));
