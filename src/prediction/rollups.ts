import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';

/** Which predictions to count; everything that is not given is not restricted. */
export interface CountWindow {
  readonly modelVersionIds?: readonly number[];
  readonly endpointId?: number;
  /** Inclusive. */
  readonly from?: Instant;
  /** Exclusive. */
  readonly to?: Instant;
}

const HOUR = 3_600_000_000;

/** The parts of a half-open window: whole hours, and what is left before and after them. */
export const splitByHour = (
  from: Instant | null,
  to: Instant | null,
): {
  /** Bounds of the whole hours; null at an open end. */
  readonly hours: { readonly from: Instant | null; readonly to: Instant | null } | null;
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

/** The exact number of predictions, in one statement: whole hours from the rollup, ragged ends from the rows. */
export const countPredictions = async (
  database: Database,
  { modelVersionIds, endpointId, from, to }: CountWindow,
): Promise<number> => {
  const values: unknown[] = [];
  const parameter = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const at = (instant: Instant): string => parameter(formatInstant(instant), 'timestamptz');
  const whose = [
    ...(modelVersionIds === undefined
      ? []
      : [`model_version_id = ANY(${parameter([...modelVersionIds], 'integer[]')})`]),
    ...(endpointId === undefined ? [] : [`endpoint_id = ${parameter(endpointId, 'integer')}`]),
  ];
  const where = (conditions: readonly string[]): string =>
    conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const { hours, ends } = splitByHour(from ?? null, to ?? null);
  const counts = ends.map((end) => {
    const within = [`occurred_at >= ${at(end.from)}`, `occurred_at < ${at(end.to)}`];
    return `(SELECT count(*) FROM prediction_log ${where([...whose, ...within])})`;
  });
  if (hours !== null) {
    const within = [
      ...(hours.from === null ? [] : [`hour >= ${at(hours.from)}`]),
      ...(hours.to === null ? [] : [`hour < ${at(hours.to)}`]),
    ];
    counts.push(
      `(SELECT coalesce(sum(count), 0)::bigint FROM prediction_rollup ${where([...whose, ...within])})`,
    );
  }
  if (counts.length === 0) return 0;
  const [row] = await database.query<{ count: bigint }>({
    text: `SELECT (${counts.join(' + ')})::bigint AS count`,
    values,
  });
  return Number(row?.count ?? 0n);
};
