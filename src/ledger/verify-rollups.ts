import type { Session } from '../platform/database.ts';
import { CURRENT_ARCHIVE } from '../prediction/archive-index.ts';
import { ESTIMATE_SUMS } from '../prediction/count-estimate.ts';
import type { Discrepancies } from './discrepancy.ts';

/** Name of the partition that the rows of an hour are in. */
const PARTITION = `'prediction_log_p' || to_char(date_trunc('week', hour AT TIME ZONE 'UTC'), 'YYYYMMDD')`;

/** Weeks that were counted, have no partition and are in no archive. */
const LOST = `SELECT partition, sum(count)::bigint AS counted
  FROM (SELECT ${PARTITION} AS partition, count FROM prediction_rollup) r
  WHERE partition NOT IN (SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'prediction_log'::regclass)
    AND partition NOT IN (SELECT a.partition FROM log_archive a WHERE ${CURRENT_ARCHIVE})
  GROUP BY 1 ORDER BY 1 LIMIT 1000`;

/** Counts of hours whose week has a partition, beside what the rows give. */
const COMPARISON = `SELECT coalesce(r.hour, l.hour) AS hour, coalesce(r.model_version_id, l.model_version_id) AS version,
    coalesce(r.endpoint_id, l.endpoint_id) AS endpoint, coalesce(r.count, 0) AS counted, coalesce(l.count, 0) AS there
  FROM (SELECT * FROM prediction_rollup WHERE ${PARTITION} IN (SELECT c.relname FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'prediction_log'::regclass)) r FULL JOIN (
    SELECT model_version_id, endpoint_id, feature_schema_id, date_trunc('hour', occurred_at, 'UTC') AS hour,
      count(*) AS count, min(occurred_at) AS first_at, max(occurred_at) AS last_at, ${ESTIMATE_SUMS}
    FROM prediction_log GROUP BY 1, 2, 3, 4
  ) l USING (model_version_id, endpoint_id, feature_schema_id, hour)
  WHERE (r.count, r.first_at, r.last_at, r.estimated, r.variance)
    IS DISTINCT FROM (l.count, l.first_at, l.last_at, l.estimated, l.variance)
  ORDER BY 1, 2, 3 LIMIT 1000`;

interface Row {
  readonly hour: number;
  readonly version: number;
  readonly endpoint: number;
  readonly counted: bigint;
  readonly there: bigint;
}

/** Compares the hourly counts with the rows that they count. */
export const verifyRollups = async (
  session: Session,
  discrepancies: Discrepancies,
): Promise<void> => {
  for (const { partition, counted } of await session.query<{ partition: string; counted: bigint }>({
    text: LOST,
  })) {
    const message = `the partition is not there any more, with ${counted} predictions, and was not archived`;
    discrepancies.add({ kind: 'REMOVED', source: 'prediction_log', row: partition, message });
  }
  for (const { hour, version, endpoint, counted, there } of await session.query<Row>({
    text: COMPARISON,
  })) {
    const row = JSON.stringify([version, endpoint, new Date(hour / 1000).toISOString()]);
    const message =
      counted === there
        ? 'its first or last time, or its estimate, is not that of its records'
        : `it counts ${counted} predictions of that hour, and ${there} are there`;
    discrepancies.add({ kind: 'ALTERED', source: 'prediction_rollup', row, message });
  }
};
