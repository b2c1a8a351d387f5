import { formatInstant, type Instant } from '../platform/instant.ts';

/** What a row refers to, by the numbers that this database gave. */
export interface RowReferences {
  readonly endpointId: number;
  readonly modelVersionId: number;
  readonly featureSchemaId: number;
}

/** How often one version answered on one endpoint from one schema within an hour, and first and last when. */
interface HourCount extends RowReferences {
  readonly hour: Instant;
  readonly samplingRate: number | null;
  count: number;
  firstAt: Instant;
  lastAt: Instant;
}

/** Counts for the hourly rollup, while rows are added. */
export interface HourCounts {
  readonly byKey: Map<string, HourCount>;
  /** Rows mostly come in the order of time, so the same hour again. */
  last: HourCount | null;
}

const HOUR = 3_600_000_000;

export const hourCounts = (): HourCounts => ({ byKey: new Map(), last: null });

export const countAnswer = (
  counts: HourCounts,
  references: RowReferences,
  occurredAt: Instant,
  samplingRate: number | null,
): void => {
  const hour = Math.floor(occurredAt / HOUR) * HOUR;
  const { last } = counts;
  const isSame =
    last !== null &&
    last.hour === hour &&
    last.samplingRate === samplingRate &&
    last.modelVersionId === references.modelVersionId &&
    last.endpointId === references.endpointId &&
    last.featureSchemaId === references.featureSchemaId;
  const found = isSame ? last : findHour(counts, { ...references, hour, samplingRate }, occurredAt);
  found.count += 1;
  if (occurredAt < found.firstAt) found.firstAt = occurredAt;
  if (occurredAt > found.lastAt) found.lastAt = occurredAt;
  counts.last = found;
};

const findHour = (
  { byKey }: HourCounts,
  of: Omit<HourCount, 'count' | 'firstAt' | 'lastAt'>,
  occurredAt: Instant,
): HourCount => {
  const { endpointId, modelVersionId, featureSchemaId, hour, samplingRate } = of;
  const key = `${endpointId} ${modelVersionId} ${featureSchemaId} ${hour} ${samplingRate}`;
  const existing = byKey.get(key);
  if (existing !== undefined) return existing;
  const started = {
    endpointId,
    modelVersionId,
    featureSchemaId,
    hour,
    samplingRate,
    count: 0,
    firstAt: occurredAt,
    lastAt: occurredAt,
  };
  byKey.set(key, started);
  return started;
};

/** The counts as the parameters of `countedHours`. */
export const hourColumns = ({ byKey }: HourCounts): readonly unknown[] => {
  const counts = [...byKey.values()];
  return [
    counts.map(({ modelVersionId }) => modelVersionId),
    counts.map(({ endpointId }) => endpointId),
    counts.map(({ featureSchemaId }) => featureSchemaId),
    counts.map(({ hour }) => formatInstant(hour)),
    counts.map(({ samplingRate }) => samplingRate),
    counts.map(({ count }) => count),
    counts.map(({ firstAt }) => formatInstant(firstAt)),
    counts.map(({ lastAt }) => formatInstant(lastAt)),
  ];
};

/** Counts from parameters `first` to `first + 7`, as the rows that `countedFrom` takes. */
export const countedHours = (first: number): string => {
  const types = [
    'int',
    'int',
    'int',
    'timestamptz',
    'float8',
    'bigint',
    'timestamptz',
    'timestamptz',
  ];
  const columns = types.map((type, index) => `$${first + index}::${type}[]`).join(', ');
  return `SELECT version, endpoint, schema, hour, sum(n)::bigint, min(first_at), max(last_at),
      sum(n * coalesce((1 / rate)::numeric, 1)), sum(n * coalesce(((1 - rate) / (rate * rate))::numeric, 0))
    FROM unnest(${columns}) AS h (version, endpoint, schema, hour, rate, n, first_at, last_at) GROUP BY 1, 2, 3, 4`;
};

/**
 * Adds rows of `hours` to the rollup: version, endpoint, schema, hour, count, first and last time, and the sums of
 * `ESTIMATE_SUMS`. In one order by all writers, so that none waits for another that waits for it.
 */
export const countedFrom = (hours: string): string => `counted AS (
    INSERT INTO prediction_rollup AS r
      (model_version_id, endpoint_id, feature_schema_id, hour, count, first_at, last_at, estimated, variance)
    SELECT * FROM ${hours} ORDER BY 1, 2, 3, 4
    ON CONFLICT (model_version_id, endpoint_id, feature_schema_id, hour) DO UPDATE
    SET count = r.count + excluded.count, first_at = least(r.first_at, excluded.first_at),
      last_at = greatest(r.last_at, excluded.last_at), estimated = r.estimated + excluded.estimated,
      variance = r.variance + excluded.variance
  )`;
