import type { Database, Session } from '../platform/database.ts';
import type { AppendReport, Exception, PreparedBatch } from './append-report.ts';
import { commitBatch, type RecordStore } from './commit-batch.ts';
import {
  BATCH,
  COMMITMENT_COLUMNS,
  COMMITMENT_VALUES,
  committedFrom,
  LEAF,
} from './commitment-sql.ts';
import { prepareOutcomes, type StagedOutcome } from './prepare-outcomes.ts';
import type { RawLine } from './raw-line.ts';

const STAGED_COLUMNS = 'request_id, endpoint_id, item, observed_at, label, value, digest';

// One table a connection, empty outside a transaction. No constraints: the outcomes have them.
const STAGE = `CREATE TEMP TABLE IF NOT EXISTS outcome_stage (
  position integer, request_id text COLLATE "C", endpoint_id integer, item integer, observed_at timestamptz(6),
  label text, value double precision, digest bytea
) ON COMMIT DELETE ROWS`;

/** Whether the prediction of a staged outcome was erased: then this would bring back what is known of it. */
const IS_ERASED = `EXISTS (SELECT FROM erased_record e
  WHERE e.request_id = g.request_id AND e.endpoint_id = g.endpoint_id AND e.item = g.item)`;

// In one order by all writers, so that none waits for another that waits for it.
const APPEND = `WITH ${BATCH}, stored AS (
    INSERT INTO prediction_outcome (${STAGED_COLUMNS}, ${COMMITMENT_COLUMNS})
    SELECT ${STAGED_COLUMNS}, ${COMMITMENT_VALUES} FROM outcome_stage g
    WHERE NOT ${IS_ERASED}
    ORDER BY request_id, endpoint_id, item, observed_at, digest, position
    ON CONFLICT DO NOTHING
    RETURNING request_id, endpoint_id, item, observed_at, digest, ${LEAF}
  ), ${committedFrom('prediction_outcome', 'stored')}
  SELECT CASE WHEN (SELECT count(*) FROM stored) < $1::integer THEN
    (SELECT array_agg(position) FROM (
      SELECT g.position, s.digest IS NULL OR g.position > min(g.position) OVER (
        PARTITION BY g.request_id, g.endpoint_id, g.item, g.observed_at, g.digest) AS is_known
      FROM outcome_stage g LEFT JOIN stored s USING (request_id, endpoint_id, item, observed_at, digest)
    ) AS compared WHERE is_known)
  END AS known,
  (SELECT array_agg(position) FROM outcome_stage g WHERE ${IS_ERASED}) AS erased`;

const store = async (
  session: Session,
  { staged }: PreparedBatch<StagedOutcome>,
): Promise<readonly Exception<StagedOutcome>[]> => {
  await session.query({ text: STAGE });
  const rows = staged.map(({ row }, position) => `${position}\t${row}\n`);
  await session.copy(`outcome_stage (position, ${STAGED_COLUMNS})`, rows.join(''));
  const [appended] = await session.query<{ known: number[] | null; erased: number[] | null }>({
    name: 'append_outcomes',
    text: APPEND,
    values: [staged.length],
  });
  const erased = new Set(appended?.erased ?? []);
  return (appended?.known ?? []).flatMap((position) => {
    const record = staged[position];
    const message = erased.has(position) ? ERASED : KNOWN;
    return record === undefined ? [] : [{ staged: record, status: 'DUPLICATE', message }];
  });
};

const KNOWN = 'This outcome is stored already; nothing was changed';
const ERASED = 'The prediction was erased, and so is what came of it; nothing was changed';

export const outcomeStore: RecordStore<StagedOutcome, PreparedBatch<StagedOutcome>> = {
  kind: 'OUTCOME',
  prepare: async (_, batch) => batch,
  store,
  recover: () => {},
};

/**
 * Appends outcomes in one transaction, also those whose prediction has not arrived. The same one again changes nothing;
 * a different one for the same prediction is kept beside the first, as history.
 */
export const appendOutcomes = async (
  database: Database,
  lines: readonly RawLine[],
): Promise<AppendReport> =>
  commitBatch(database, await prepareOutcomes(database, lines), outcomeStore);
