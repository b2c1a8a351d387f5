import type { Session } from '../platform/database.ts';
import type { Exception } from './append-report.ts';
import { withoutArchivedWeeks } from './archived-weeks.ts';
import type { RecordStore } from './commit-batch.ts';
import { countedFrom, countedHours, hourColumns } from './hour-counts.ts';
import { ROW_COLUMNS, type RowBatch, stampRows } from './log-rows.ts';
import { forgetPartitions } from './partitions.ts';
import type { PredictionBatch, StagedPrediction } from './prepare-predictions.ts';
import { storeTaken } from './store-taken-predictions.ts';

const NEXT_BATCH = `SELECT nextval('ledger_batch_id_seq') AS id,
  to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "recordedAt"`;

/** Commits to rows that were all stored, and counts them. */
const COMMIT = `WITH committed AS (
    INSERT INTO ledger_batch (id, source, leaf_count, leaves, recorded_at)
    VALUES ($1::bigint, 'prediction_log', $2, $3::bytea, $4::timestamptz)
  ), hours AS (${countedHours(5)}), ${countedFrom('hours')}
  SELECT true AS done`;

/**
 * Stores a batch. Nearly always nothing of it is in the log yet, and COPY straight into the log takes half the time of a
 * detour that can tell rows apart. When a row is taken, that fails, and the next attempt takes the detour.
 */
const store = async (
  session: Session,
  predictions: PredictionBatch,
  attempt: number,
): Promise<readonly Exception<StagedPrediction>[]> => {
  const [batch] = await session.query<RowBatch>({ name: 'next_batch', text: NEXT_BATCH });
  if (batch === undefined) throw new Error('The database gave no batch.');
  const { staged, rows } = predictions;
  const stamped = stampRows(rows, batch);
  if (attempt > 1) return storeTaken(session, predictions, batch);
  await session.copy(`prediction_log (${ROW_COLUMNS})`, stamped);
  // In their own order, which tells nothing of the records.
  const leaves = Buffer.from(rows.leaves.toSorted().join(''), 'latin1');
  const values = [String(batch.id), staged.length, leaves, batch.recordedAt];
  await session.query({
    name: 'commit_predictions',
    text: COMMIT,
    values: [...values, ...hourColumns(rows.hours)],
  });
  return [];
};

export const predictionStore: RecordStore<StagedPrediction, PredictionBatch> = {
  kind: 'PREDICTION',
  prepare: withoutArchivedWeeks,
  store,
  recover: forgetPartitions,
};
