import type { Database, Session } from '../platform/database.ts';
import type { AppendReport, Exception, StagedRecord } from './append-report.ts';
import { commitBatch, type RecordStore } from './commit-batch.ts';
import { prepareOutcomes } from './prepare-outcomes.ts';
import type { RawLine } from './raw-line.ts';

const STAGED_COLUMNS = 'request_id, endpoint_id, item, observed_at, label, value, digest';

// One table a connection, empty outside a transaction. No constraints: the outcomes have them.
const STAGE = `CREATE TEMP TABLE IF NOT EXISTS outcome_stage (
  position integer, request_id text COLLATE "C", endpoint_id integer, item integer, observed_at timestamptz(6),
  label text, value double precision, digest bytea
) ON COMMIT DELETE ROWS`;

// In one order by all writers, so that none waits for another that waits for it.
const APPEND = `WITH stored AS (
    INSERT INTO prediction_outcome (${STAGED_COLUMNS}, recorded_at)
    SELECT ${STAGED_COLUMNS}, (SELECT clock_timestamp()) FROM outcome_stage
    ORDER BY request_id, endpoint_id, item, observed_at, digest, position
    ON CONFLICT DO NOTHING
    RETURNING request_id, endpoint_id, item, observed_at, digest
  )
  SELECT CASE WHEN (SELECT count(*) FROM stored) < $1::integer THEN
    (SELECT array_agg(position) FROM (
      SELECT g.position, s.digest IS NULL OR g.position > min(g.position) OVER (
        PARTITION BY g.request_id, g.endpoint_id, g.item, g.observed_at, g.digest) AS is_known
      FROM outcome_stage g LEFT JOIN stored s USING (request_id, endpoint_id, item, observed_at, digest)
    ) AS compared WHERE is_known)
  END AS known`;

const store = async (
  session: Session,
  staged: readonly StagedRecord[],
): Promise<readonly Exception<StagedRecord>[]> => {
  await session.query({ text: STAGE });
  const rows = staged.map(({ row }, position) => `${position}\t${row}\n`);
  await session.copy(`outcome_stage (position, ${STAGED_COLUMNS})`, rows.join(''));
  const [appended] = await session.query<{ known: number[] | null }>({
    name: 'append_outcomes',
    text: APPEND,
    values: [staged.length],
  });
  return (appended?.known ?? []).flatMap((position) => {
    const record = staged[position];
    return record === undefined ? [] : [{ staged: record, status: 'DUPLICATE', message: KNOWN }];
  });
};

const KNOWN = 'This outcome is stored already; nothing was changed';

export const outcomeStore: RecordStore<StagedRecord> = {
  kind: 'OUTCOME',
  prepare: async () => {},
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
