import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { type CountEstimate, ESTIMATE_SUMS } from './count-estimate.ts';
import {
  allOf,
  type Condition,
  type Parameter,
  parameterList,
  whereGiven,
} from './sql-condition.ts';

/** A half-open window; null at an open end. */
export interface Window {
  readonly from: Instant | null;
  readonly to: Instant | null;
}

/** What one version answered on one endpoint from features of one schema: how often, and first and last when. */
export interface AnsweredSpan extends CountEstimate {
  readonly modelVersionId: number;
  readonly endpointId: number;
  readonly featureSchemaId: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

const HOUR = 3_600_000_000;

/** The parts of a half-open window: whole hours, and what is left before and after them. */
export const splitByHour = (
  from: Instant | null,
  to: Instant | null,
): {
  /** Bounds of the whole hours; null at an open end. */
  readonly hours: Window | null;
  readonly ends: readonly { readonly from: Instant; readonly to: Instant }[];
} => {
  if (from !== null && to !== null && from >= to) return { hours: null, ends: [] };
  const first = from === null ? null : Math.ceil(from / HOUR) * HOUR;
  const last = to === null ? null : Math.floor(to / HOUR) * HOUR;
  if (from !== null && to !== null && first !== null && last !== null && first >= last) {
    return { hours: null, ends: [{ from, to }] };
  }
  const ends = [
    ...(from === null || first === null || from === first ? [] : [{ from, to: first }]),
    ...(to === null || last === null || to === last ? [] : [{ from: last, to }]),
  ];
  return { hours: { from: first, to: last }, ends };
};

interface SpanRow {
  readonly model_version_id: number;
  readonly endpoint_id: number;
  readonly feature_schema_id: number;
  readonly count: bigint;
  readonly estimated: number;
  readonly variance: number;
  readonly first_at: Instant;
  readonly last_at: Instant;
}

const KEY = 'model_version_id, endpoint_id, feature_schema_id';

const within = (column: string, { from, to }: Window): Condition =>
  allOf([
    ...whereGiven(
      from,
      (at) => (parameter: Parameter) =>
        `${column} >= ${parameter(formatInstant(at), 'timestamptz')}`,
    ),
    ...whereGiven(
      to,
      (at) => (parameter: Parameter) =>
        `${column} < ${parameter(formatInstant(at), 'timestamptz')}`,
    ),
  ]);

/**
 * Exact counts of the predictions in a window, in one statement: whole hours from the rollup, ragged ends from the rows.
 * `who` is a condition on the columns `model_version_id`, `endpoint_id` and `feature_schema_id`.
 */
export const answeredSpans = async (
  database: Database,
  who: Condition,
  { from, to }: Window,
): Promise<readonly AnsweredSpan[]> => {
  const { values, parameter } = parameterList();
  const { hours, ends } = splitByHour(from, to);
  const branches = [
    ...(hours === null
      ? []
      : [
          `SELECT ${KEY}, count, first_at, last_at, estimated, variance FROM prediction_rollup
          WHERE ${allOf([who, within('hour', hours)])(parameter)}`,
        ]),
    ...ends.map(
      (
        end,
      ) => `SELECT ${KEY}, count(*) AS count, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
            ${ESTIMATE_SUMS}
          FROM prediction_log
          WHERE ${allOf([who, within('occurred_at', end)])(parameter)} GROUP BY ${KEY}`,
    ),
  ];
  if (branches.length === 0) return [];
  const rows = await database.query<SpanRow>({
    text: `SELECT ${KEY}, sum(count)::bigint AS count, min(first_at) AS first_at, max(last_at) AS last_at,
        sum(estimated)::double precision AS estimated, sum(variance)::double precision AS variance
      FROM (${branches.join(' UNION ALL ')}) parts GROUP BY ${KEY} ORDER BY ${KEY}`,
    values,
  });
  return rows.map((row) => ({
    modelVersionId: row.model_version_id,
    endpointId: row.endpoint_id,
    featureSchemaId: row.feature_schema_id,
    count: Number(row.count),
    estimated: row.estimated,
    variance: row.variance,
    firstAt: row.first_at,
    lastAt: row.last_at,
  }));
};

/** Number of predictions counted in a window that the log no longer holds: their partition was dropped. One statement. */
export const expiredCount = async (
  database: Database,
  who: Condition,
  window: Window,
): Promise<number> => {
  const { values, parameter } = parameterList();
  const [row] = await database.query<{ count: bigint | null }>({
    text: `SELECT sum(count)::bigint AS count
      FROM (SELECT date_trunc('week', hour AT TIME ZONE 'UTC') AS week, sum(count) AS count FROM prediction_rollup
        WHERE ${allOf([who, within('hour', window)])(parameter)} GROUP BY 1) counted
      WHERE NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'prediction_log'::regclass
          AND c.relname = 'prediction_log_p' || to_char(week, 'YYYYMMDD'))`,
    values,
  });
  return Number(row?.count ?? 0n);
};
