import type { Session } from '../platform/database.ts';
import type { Exception } from './append-report.ts';
import type { RecordStore } from './commit-batch.ts';
import {
  BATCH,
  COMMITMENT_COLUMNS,
  COMMITMENT_VALUES,
  committedFrom,
  LEAF,
} from './commitment-sql.ts';
import { ESTIMATE_SUMS } from './count-estimate.ts';
import { ensurePartitions, forgetPartitions } from './partitions.ts';
import type { StagedPrediction } from './prepare-predictions.ts';
import { lineText } from './raw-line.ts';

const STAGED_COLUMNS = `request_id, occurred_at, endpoint_id, item, model_version_id, feature_schema_id, entity_key,
  trace_id, numbers, integers, texts, statuses, feature_observed_at, undeclared, score, label, output, latency_ms, digest,
  sampling_rate`;

// One table a connection, empty outside a transaction. No constraints: the log has them.
const STAGE = `CREATE TEMP TABLE IF NOT EXISTS prediction_stage (
  position integer, request_id text COLLATE "C", occurred_at timestamptz(6), endpoint_id integer, item integer,
  model_version_id integer, feature_schema_id integer, entity_key text, trace_id text, numbers double precision[],
  integers bigint[], texts text[], statuses bytea, feature_observed_at bigint[], undeclared text,
  score double precision, label text, output text, latency_ms double precision, digest bytea,
  sampling_rate double precision
) ON COMMIT DELETE ROWS`;

// Rows and counters are taken in one order by all writers, so that none waits for another that waits for it. What was
// stored is counted by RETURNING: Citus answers INSERT … SELECT … ON CONFLICT with the number of rows offered.
const APPEND = `WITH ${BATCH}, stored AS (
    INSERT INTO prediction_log (${STAGED_COLUMNS}, ${COMMITMENT_COLUMNS})
    SELECT ${STAGED_COLUMNS}, ${COMMITMENT_VALUES} FROM prediction_stage
    ORDER BY request_id, occurred_at, endpoint_id, item, position
    ON CONFLICT DO NOTHING
    RETURNING request_id, occurred_at, endpoint_id, item, model_version_id, feature_schema_id, sampling_rate, ${LEAF}
  ), ${committedFrom('prediction_log', 'stored')}, hours AS (
    SELECT model_version_id, endpoint_id, feature_schema_id, date_trunc('hour', occurred_at, 'UTC') AS hour,
      count(*) AS count, min(occurred_at) AS first_at, max(occurred_at) AS last_at, ${ESTIMATE_SUMS}
    FROM stored GROUP BY 1, 2, 3, 4
  ), counted AS (
    INSERT INTO prediction_rollup AS r
      (model_version_id, endpoint_id, feature_schema_id, hour, count, first_at, last_at, estimated, variance)
    SELECT * FROM hours ORDER BY 1, 2, 3, 4
    ON CONFLICT (model_version_id, endpoint_id, feature_schema_id, hour) DO UPDATE
    SET count = r.count + excluded.count, first_at = least(r.first_at, excluded.first_at),
      last_at = greatest(r.last_at, excluded.last_at), estimated = r.estimated + excluded.estimated,
      variance = r.variance + excluded.variance
  )
  SELECT (SELECT count(*) FROM stored)::integer AS stored,
    CASE WHEN (SELECT count(*) FROM stored) < $1::integer THEN
      (SELECT array_agg(position) FROM prediction_stage g WHERE NOT EXISTS (SELECT FROM stored s
        WHERE (s.request_id, s.occurred_at, s.endpoint_id, s.item)
          = (g.request_id, g.occurred_at, g.endpoint_id, g.item)))
    END AS missed`;

/** Compares records with the rows that hold their identity. What was erased stays so. */
const COMPARE = `SELECT g.position, l.digest IS NULL AS is_erased, l.digest = g.digest AS is_same
  FROM prediction_stage g JOIN prediction_log l USING (request_id, occurred_at, endpoint_id, item)
  WHERE g.position = ANY($1::integer[]) ORDER BY g.position`;

const KEEP_CONFLICTS = `INSERT INTO prediction_conflict
    (request_id, occurred_at, endpoint_id, item, digest, record, recorded_at)
  SELECT request_id, occurred_at, endpoint_id, item, digest, record, (SELECT clock_timestamp())
  FROM prediction_stage JOIN unnest($1::integer[], $2::text[]) AS sent (position, record) USING (position)
  ORDER BY request_id, occurred_at, endpoint_id, item, digest
  ON CONFLICT DO NOTHING`;

const store = async (
  session: Session,
  staged: readonly StagedPrediction[],
): Promise<readonly Exception<StagedPrediction>[]> => {
  await session.query({ text: STAGE });
  const rows = staged.map(({ row }, position) => `${position}\t${row}\n`);
  await session.copy(`prediction_stage (position, ${STAGED_COLUMNS})`, rows.join(''));
  const [appended] = await session.query<{ stored: number; missed: number[] | null }>({
    name: 'append_predictions',
    text: APPEND,
    values: [staged.length],
  });
  if (appended?.stored === staged.length) return [];
  return tellApart(session, staged, new Set(appended?.missed ?? []));
};

/** Tells duplicates from conflicts among records whose identity was taken, by earlier rows or within the batch. */
const tellApart = async (
  session: Session,
  staged: readonly StagedPrediction[],
  missed: ReadonlySet<number>,
): Promise<readonly Exception<StagedPrediction>[]> => {
  const compared = await session.query<{
    position: number;
    is_erased: boolean;
    is_same: boolean | null;
  }>({
    name: 'compare_predictions',
    text: COMPARE,
    values: [[...new Set([...missed, ...repeatedPositions(staged)])]],
  });
  const exceptions: Exception<StagedPrediction>[] = [];
  const conflicts: number[] = [];
  const stored = new Set<string>();
  for (const { position, is_erased: isErased, is_same: isSame } of compared) {
    const record = staged[position];
    if (record === undefined) continue;
    if (isErased) {
      exceptions.push({ staged: record, status: 'DUPLICATE', message: ERASED });
    } else if (isSame !== true) {
      conflicts.push(position);
      exceptions.push({ staged: record, status: 'CONFLICT', message: CONFLICT });
    } else if (missed.has(position) || stored.has(record.identity)) {
      exceptions.push({ staged: record, status: 'DUPLICATE', message: DUPLICATE });
    } else {
      stored.add(record.identity);
    }
  }
  if (conflicts.length > 0) await keepConflicts(session, staged, conflicts);
  return exceptions;
};

const DUPLICATE = 'This prediction is stored already, with the same content; nothing was changed';
const ERASED = 'This prediction was stored and erased by request; it is not stored again';
const CONFLICT =
  'A prediction with this request ID, time, endpoint and item is stored with other content; that one stands, and this one is kept as a conflict';

const repeatedPositions = (staged: readonly StagedPrediction[]): readonly number[] => {
  const first = new Map<string, number>();
  return staged.flatMap(({ identity }, position) => {
    const earlier = first.get(identity);
    if (earlier === undefined) first.set(identity, position);
    return earlier === undefined ? [] : [earlier, position];
  });
};

const keepConflicts = async (
  session: Session,
  staged: readonly StagedPrediction[],
  positions: readonly number[],
): Promise<void> => {
  const records = positions.flatMap((position) => {
    const record = staged[position];
    return record === undefined ? [] : [lineText(record.raw.bytes)];
  });
  const values = [positions, records];
  await session.query({ name: 'keep_conflicts', text: KEEP_CONFLICTS, values });
};

export const predictionStore: RecordStore<StagedPrediction> = {
  kind: 'PREDICTION',
  prepare: (database, staged) =>
    ensurePartitions(
      database,
      staged.map(({ occurredAt }) => occurredAt),
    ),
  store,
  recover: forgetPartitions,
};
