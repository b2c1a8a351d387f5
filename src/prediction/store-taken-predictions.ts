import type { Session } from '../platform/database.ts';
import type { Exception } from './append-report.ts';
import { committedFrom, LEAF } from './commitment-sql.ts';
import { ESTIMATE_SUMS } from './count-estimate.ts';
import { countedFrom } from './hour-counts.ts';
import { ROW_COLUMNS, type RowBatch, reordered } from './log-rows.ts';
import type { PredictionBatch, StagedPrediction } from './prepare-predictions.ts';
import { bytesOf, lineText } from './raw-line.ts';

// The rows in the order in which they came, without the constraints of the log.
const STAGE = `CREATE TEMP TABLE prediction_stage (LIKE prediction_log,
  position integer GENERATED ALWAYS AS IDENTITY (START 0 MINVALUE 0)) ON COMMIT DROP`;

// Rows and counters are taken in one order by all writers, so that none waits for another that waits for it. What was
// stored is counted by RETURNING: Citus answers INSERT … SELECT … ON CONFLICT with the number of rows offered.
const APPEND = `WITH batch AS (SELECT $2::bigint AS id, $3::timestamptz AS recorded_at), stored AS (
    INSERT INTO prediction_log (${ROW_COLUMNS})
    SELECT ${ROW_COLUMNS} FROM prediction_stage
    ORDER BY request_id, occurred_at, endpoint_id, item, position
    ON CONFLICT DO NOTHING
    RETURNING request_id, occurred_at, endpoint_id, item, model_version_id, feature_schema_id, sampling_rate, ${LEAF}
  ), ${committedFrom('prediction_log', 'stored')}, hours AS (
    SELECT model_version_id, endpoint_id, feature_schema_id, date_trunc('hour', occurred_at, 'UTC') AS hour,
      count(*) AS count, min(occurred_at) AS first_at, max(occurred_at) AS last_at, ${ESTIMATE_SUMS}
    FROM stored GROUP BY 1, 2, 3, 4
  ), ${countedFrom('hours')}
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

/** Stores stamped rows of which some may be there already, in the order received, and tells those that are. */
export const storeTaken = async (
  session: Session,
  batch: PredictionBatch,
  { id, recordedAt }: RowBatch,
): Promise<readonly Exception<StagedPrediction>[]> => {
  const received = [...batch.staged.entries()].sort(
    ([, one], [, other]) => one.raw.line - other.raw.line,
  );
  const staged = received.map(([, prediction]) => prediction);
  const rows = reordered(
    batch.rows,
    received.map(([row]) => row),
  );
  await session.query({ text: STAGE });
  await session.copy(`prediction_stage (${ROW_COLUMNS})`, rows);
  const [appended] = await session.query<{ stored: number; missed: number[] | null }>({
    text: APPEND,
    values: [staged.length, String(id), recordedAt],
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
    } else if (missed.has(position) || stored.has(identityOf(record))) {
      exceptions.push({ staged: record, status: 'DUPLICATE', message: DUPLICATE });
    } else {
      stored.add(identityOf(record));
    }
  }
  if (conflicts.length > 0) await keepConflicts(session, staged, conflicts);
  return exceptions;
};

const DUPLICATE = 'This prediction is stored already, with the same content; nothing was changed';
const ERASED = 'This prediction was stored and erased by request; it is not stored again';
const CONFLICT =
  'A prediction with this request ID, time, endpoint and item is stored with other content; that one stands, and this one is kept as a conflict';

const identityOf = (staged: StagedPrediction): string => {
  const { requestId, occurredAt, references, item } = staged;
  return `${occurredAt} ${references.endpointId} ${item} ${requestId}`;
};

const repeatedPositions = (staged: readonly StagedPrediction[]): readonly number[] => {
  const first = new Map<string, number>();
  return staged.flatMap((record, position) => {
    const identity = identityOf(record);
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
    return record === undefined ? [] : [lineText(bytesOf(record.raw))];
  });
  const values = [positions, records];
  await session.query({ text: KEEP_CONFLICTS, values });
};
