import type { Session } from '../platform/database.ts';
import { ESTIMATE_SUMS } from '../prediction/count-estimate.ts';
import type { Discrepancies } from './discrepancy.ts';

/** Counts of hours whose rows are there, beside what the rows give. */
const COMPARISON = `SELECT coalesce(r.hour, l.hour) AS hour, coalesce(r.model_version_id, l.model_version_id) AS version,
    coalesce(r.endpoint_id, l.endpoint_id) AS endpoint, coalesce(r.count, 0) AS counted, coalesce(l.count, 0) AS there
  FROM prediction_rollup r FULL JOIN (
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
