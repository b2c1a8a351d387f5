import { builder } from '../platform/builder.ts';
import type { Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { unstorableText } from '../platform/storable-text.ts';
import type { ArchiveFile } from './archive-index.ts';
import type { EncodedFeatures } from './feature-layout.ts';
import { OBSERVATIONS, type Observations, observationsOf, outcomesOf } from './observations.ts';

/** What makes a prediction itself: all four together. */
export interface PredictionIdentity {
  readonly requestId: string;
  readonly occurredAt: Instant;
  readonly endpointId: number;
  readonly item: number;
}

/** One recorded prediction, as stored: features still encoded by the schema they were built with. */
export interface PredictionLog extends PredictionIdentity {
  readonly modelVersionId: number;
  readonly featureSchemaId: number;
  readonly entityKey: string | null;
  readonly traceId: string | null;
  readonly features: EncodedFeatures;
  readonly score: number | null;
  readonly label: string | null;
  /** Exact JSON text; null when none was recorded. */
  readonly output: string | null;
  readonly latencyMs: number | null;
  /** Rate at which the record was kept; null for 1. */
  readonly samplingRate: number | null;
  /** Null when the content was erased. */
  readonly digest: Uint8Array | null;
  readonly recordedAt: Instant;
  /** What its leaf in the ledger is salted with; null when the content was erased. */
  readonly salt: Uint8Array | null;
  /** Batch of the ledger that has its leaf. */
  readonly batchId: bigint;
  readonly observations: Observations;
  /** The file that it was read from; null when it is in the log. */
  readonly archive: ArchiveFile | null;
}

/** Columns that say which prediction a row is, and what the model was given. */
export interface GivenRow {
  readonly request_id: string;
  readonly occurred_at: Instant;
  readonly endpoint_id: number;
  readonly item: number;
  readonly feature_schema_id: number;
  readonly numbers: (number | null)[];
  readonly integers: (bigint | null)[];
  readonly texts: (string | null)[];
  readonly statuses: Uint8Array | null;
  readonly feature_observed_at: (bigint | null)[];
  readonly undeclared: string | null;
}

/** A row of the log as selected by `PREDICTION_COLUMNS`. */
export interface PredictionRow extends GivenRow {
  readonly model_version_id: number;
  readonly entity_key: string | null;
  readonly trace_id: string | null;
  readonly score: number | null;
  readonly label: string | null;
  readonly output: string | null;
  readonly latency_ms: number | null;
  readonly sampling_rate: number | null;
  readonly digest: Uint8Array | null;
  readonly recorded_at: Instant;
  readonly salt: Uint8Array | null;
  readonly batch_id: bigint;
  readonly observations: string;
}

const COLUMNS = `l.request_id, l.occurred_at, l.endpoint_id, l.item, l.model_version_id, l.feature_schema_id,
  l.entity_key, l.trace_id, l.numbers, l.integers, l.texts, l.statuses, l.feature_observed_at, l.undeclared,
  l.score, l.label, l.output, l.latency_ms, l.sampling_rate, l.digest, l.recorded_at, l.salt, l.batch_id`;

/** Columns of a row `l` of the log, and its outcomes: what can be read on the node that has it. */
export const LOGGED = `${COLUMNS}, ${outcomesOf('l.request_id')} AS outcomes`;

/** The same of one request, whose ID is `$1`. */
export const LOGGED_OF_REQUEST = `${COLUMNS}, ${outcomesOf('$1')} AS outcomes`;

/** Columns of what a statement that selects `LOGGED` found, as `l`, with what was learned about it. */
export const PREDICTION_COLUMNS = `${COLUMNS}, ${OBSERVATIONS} AS observations`;

/** What a model was given, and which prediction that was. */
export type GivenFeatures = PredictionIdentity &
  Pick<PredictionLog, 'featureSchemaId' | 'features'>;

export const givenFeaturesOf = (row: GivenRow): GivenFeatures => ({
  requestId: row.request_id,
  occurredAt: row.occurred_at,
  endpointId: row.endpoint_id,
  item: row.item,
  featureSchemaId: row.feature_schema_id,
  features: {
    numbers: row.numbers,
    integers: row.integers,
    texts: row.texts,
    statuses: row.statuses,
    observedAt: row.feature_observed_at,
    undeclared: row.undeclared,
  },
});

/** A row without what was observed of it. */
export const storedPredictionOf = (
  row: Omit<PredictionRow, 'observations'>,
): Omit<PredictionLog, 'observations' | 'archive'> => ({
  ...givenFeaturesOf(row),
  modelVersionId: row.model_version_id,
  entityKey: row.entity_key,
  traceId: row.trace_id,
  score: row.score,
  label: row.label,
  output: row.output,
  latencyMs: row.latency_ms,
  samplingRate: row.sampling_rate,
  digest: row.digest,
  recordedAt: row.recorded_at,
  salt: row.salt,
  batchId: row.batch_id,
});

export const predictionOf = (
  row: PredictionRow,
  archive: ArchiveFile | null = null,
): PredictionLog => ({
  ...storedPredictionOf(row),
  observations: observationsOf(row.observations),
  archive,
});

/**
 * What a statement that selects `LOGGED` finds. One statement, prepared when it has a name: one whose text varies has
 * none, since connections keep prepared statements for good. OFFSET keeps the rows apart from what is selected beside them:
 * Citus has that on its coordinator, and the rows elsewhere.
 */
export const readPredictions = async (
  database: Pick<Session, 'query'>,
  name: string | null,
  found: string,
  values: readonly unknown[],
): Promise<PredictionLog[]> => {
  const text = `SELECT ${PREDICTION_COLUMNS} FROM (${found} OFFSET 0) l`;
  const rows = await database.query<PredictionRow>({
    ...(name !== null && { name }),
    text,
    values,
  });
  return rows.map((row) => predictionOf(row));
};

/** Rows of the log, by a condition on `l`; the caller bounds them. */
export const selectPredictions = (
  database: Pick<Session, 'query'>,
  name: string,
  rest: string,
  values: readonly unknown[],
): Promise<PredictionLog[]> =>
  readPredictions(database, name, `SELECT ${LOGGED} FROM prediction_log l ${rest}`, values);

/** The digest of a prediction as texts have it; null when the content was erased. */
export const digestText = ({ digest }: Pick<PredictionLog, 'digest'>): string | null =>
  digest === null ? null : `sha256:${Buffer.from(digest).toString('hex')}`;

/** The text that identifies a prediction inside a global ID. */
export const identityKey = (prediction: PredictionIdentity): string =>
  [prediction.occurredAt, prediction.endpointId, prediction.item, prediction.requestId].join('.');

const MAX_INT4 = 2 ** 31 - 1;

/** Reads what `identityKey` wrote; null for anything else. */
export const parseIdentityKey = (key: string): PredictionIdentity | null => {
  const match = /^(-?\d{1,16})\.(\d{1,10})\.(\d{1,10})\.([\s\S]+)$/.exec(key);
  if (match === null) return null;
  const [, occurredAt, endpointId, item, requestId = ''] = match;
  const numbers = [Number(endpointId), Number(item)];
  if (numbers.some((number) => number > MAX_INT4) || unstorableText(requestId) !== null)
    return null;
  return {
    requestId,
    occurredAt: Number(occurredAt),
    endpointId: Number(endpointId),
    item: Number(item),
  };
};

export const PredictionLogRef = builder.objectRef<PredictionLog>('PredictionLog');
