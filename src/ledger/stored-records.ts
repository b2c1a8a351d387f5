import type { Session } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { predictionDigest } from '../prediction/prediction-digest.ts';
import { type PredictionLog, selectPredictions } from '../prediction/prediction-log.ts';
import { outcomeDigest } from '../prediction/prepare-outcomes.ts';
import { commitmentOf, type Hash, sameHash } from './merkle-hash.ts';

/** A record as it stands in the database. */
export interface StoredRecord {
  readonly batchId: bigint;
  /** What names the row, as JSON. */
  readonly row: string;
  readonly recordedAt: Instant;
  /** The leaf that its content gives now; null when it was erased. */
  readonly leaf: Hash | null;
}

export type RecordSource = 'prediction_log' | 'prediction_outcome';

/** The leaf of a record, or another one where the digest that is stored is not that of the content. */
const leafOf = (salt: Uint8Array, stored: Uint8Array | null, computed: string): Hash => {
  const digest = new Uint8Array(Buffer.from(computed, 'hex'));
  return commitmentOf(salt, stored !== null && sameHash(stored, digest) ? digest : salt);
};

/** What rows of the registry are called by records: by ID, past every cache. */
export interface ReferenceNames {
  readonly endpoints: ReadonlyMap<number, string>;
  readonly modelVersions: ReadonlyMap<number, string>;
  readonly featureSchemas: ReadonlyMap<number, string>;
}

export const readNames = async (session: Session): Promise<ReferenceNames> => {
  const read = async (text: string): Promise<ReadonlyMap<number, string>> => {
    const rows = await session.query<{ id: number; name: string }>({ text });
    return new Map(rows.map(({ id, name }) => [id, name]));
  };
  return {
    endpoints: await read("SELECT id, environment || '/' || name AS name FROM endpoint"),
    modelVersions: await read('SELECT id, digest AS name FROM model_version'),
    featureSchemas: await read('SELECT id, digest AS name FROM feature_schema'),
  };
};

/** A prediction as it stands in the log or in an archive. */
export const storedPrediction = (
  prediction: Omit<PredictionLog, 'observations' | 'archive'>,
  names: ReferenceNames,
): StoredRecord => {
  const { requestId, occurredAt, endpointId, item, batchId, recordedAt, salt } = prediction;
  // References that lead nowhere give a digest that nothing was recorded with.
  const digest = predictionDigest(prediction, {
    endpoint: names.endpoints.get(endpointId) ?? '',
    modelVersion: names.modelVersions.get(prediction.modelVersionId) ?? '',
    featureSchema: names.featureSchemas.get(prediction.featureSchemaId) ?? '',
  });
  return {
    batchId,
    row: JSON.stringify([requestId, formatInstant(occurredAt), endpointId, item]),
    recordedAt,
    leaf: salt === null ? null : leafOf(salt, prediction.digest, digest),
  };
};

const storedPredictions = async (
  session: Session,
  names: ReferenceNames,
  from: bigint,
  to: bigint,
): Promise<readonly StoredRecord[]> => {
  const rows = await selectPredictions(
    session,
    'predictions_of_batches',
    'WHERE l.batch_id BETWEEN $1::text::bigint AND $2::text::bigint',
    [String(from), String(to)],
  );
  return rows.map((prediction) => storedPrediction(prediction, names));
};

interface OutcomeRow {
  readonly request_id: string;
  readonly endpoint_id: number;
  readonly item: number;
  readonly observed_at: Instant;
  readonly label: string | null;
  readonly value: number | null;
  readonly digest: Uint8Array;
  readonly salt: Uint8Array;
  readonly batch_id: bigint;
  readonly recorded_at: Instant;
}

const storedOutcomes = async (
  session: Session,
  names: ReferenceNames,
  from: bigint,
  to: bigint,
): Promise<readonly StoredRecord[]> => {
  const rows = await session.query<OutcomeRow>({
    name: 'outcomes_of_batches',
    text: `SELECT request_id, endpoint_id, item, observed_at, label, value, digest, salt,
        batch_id, recorded_at
      FROM prediction_outcome WHERE batch_id BETWEEN $1::text::bigint AND $2::text::bigint`,
    values: [String(from), String(to)],
  });
  return rows.map((row) => {
    const { request_id: requestId, endpoint_id: endpointId, item } = row;
    const digest = outcomeDigest({
      requestId,
      item,
      endpoint: names.endpoints.get(endpointId) ?? '',
      observedAt: row.observed_at,
      label: row.label,
      value: row.value,
    });
    return {
      batchId: row.batch_id,
      row: JSON.stringify([requestId, endpointId, item, formatInstant(row.observed_at)]),
      recordedAt: row.recorded_at,
      leaf: leafOf(row.salt, row.digest, digest),
    };
  });
};

/** Records whose batches lie in a range of IDs, by their table. */
export const READERS = {
  prediction_log: storedPredictions,
  prediction_outcome: storedOutcomes,
} as const;
