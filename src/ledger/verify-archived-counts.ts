import type { Session } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { ArchiveFile } from '../prediction/archive-index.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { Discrepancies } from './discrepancy.ts';
import { type Decimal, decimalOf, numericOf } from './exact-decimal.ts';

interface HourCount {
  count: number;
  firstAt: Instant;
  lastAt: Instant;
  /** Sums as the rollup has them, of 1 / rate and of (1 - rate) / rate². */
  estimated: Decimal;
  variance: Decimal;
}

/** What archives hold by version, endpoint, schema and hour. */
export type HourCounts = Map<string, HourCount>;

const HOUR = 3_600_000_000;

const keyOf = (version: number, endpoint: number, schema: number, hour: Instant): string =>
  JSON.stringify([version, endpoint, schema, formatInstant(hour)]);

type Counted = Pick<
  PredictionLog,
  'modelVersionId' | 'endpointId' | 'featureSchemaId' | 'occurredAt' | 'samplingRate'
>;

const ONE = decimalOf('1');

/** What one record adds to the sums: the same as `ESTIMATE_SUMS` says in SQL. */
const termsOf = (rate: number | null): readonly [estimated: Decimal, variance: Decimal] =>
  rate === null ? [ONE, 0n] : [numericOf(1 / rate), numericOf((1 - rate) / (rate * rate))];

export const countHours = (counts: HourCounts, predictions: readonly Counted[]): void => {
  for (const prediction of predictions) {
    const { modelVersionId, endpointId, featureSchemaId, occurredAt, samplingRate } = prediction;
    const hour = Math.floor(occurredAt / HOUR) * HOUR;
    const key = keyOf(modelVersionId, endpointId, featureSchemaId, hour);
    const [estimated, variance] = termsOf(samplingRate);
    const found = counts.get(key);
    if (found === undefined) {
      counts.set(key, { count: 1, firstAt: occurredAt, lastAt: occurredAt, estimated, variance });
      continue;
    }
    found.count += 1;
    found.firstAt = Math.min(found.firstAt, occurredAt);
    found.lastAt = Math.max(found.lastAt, occurredAt);
    found.estimated += estimated;
    found.variance += variance;
  }
};

interface RollupRow {
  readonly version: number;
  readonly endpoint: number;
  readonly schema: number;
  readonly hour: Instant;
  readonly count: bigint;
  readonly first_at: Instant;
  readonly last_at: Instant;
  readonly estimated: string;
  readonly variance: string;
}

const isCountedBy = (row: RollupRow, found: HourCount): boolean =>
  row.first_at === found.firstAt &&
  row.last_at === found.lastAt &&
  isDecimal(row.estimated, found.estimated) &&
  isDecimal(row.variance, found.variance);

/** Whether a text is that of a number; one that is none, such as NaN, is not. */
const isDecimal = (text: string, value: Decimal): boolean =>
  /^\d+(\.\d+)?$/.test(text) && decimalOf(text) === value;

/** Compares the hourly counts of archived weeks with what their files hold; both ways. */
export const verifyArchivedCounts = async (
  session: Session,
  files: readonly ArchiveFile[],
  counts: HourCounts,
  discrepancies: Discrepancies,
): Promise<void> => {
  const add = (row: string, message: string): void =>
    discrepancies.add({ kind: 'ALTERED', source: 'prediction_rollup', row, message });
  const weeks = new Map(files.map((file) => [file.partition, file]));
  for (const { from, to } of weeks.values()) {
    const rows = await session.query<RollupRow>({
      text: `SELECT model_version_id AS version, endpoint_id AS endpoint, feature_schema_id AS schema, hour, count,
          first_at, last_at, estimated::text AS estimated, variance::text AS variance FROM prediction_rollup WHERE hour >= $1::timestamptz AND hour < $2::timestamptz`,
      values: [formatInstant(from), formatInstant(to)],
    });
    for (const row of rows) {
      const key = keyOf(row.version, row.endpoint, row.schema, row.hour);
      const found = counts.get(key);
      counts.delete(key);
      if (Number(row.count) !== (found?.count ?? 0)) {
        const message = `it counts ${row.count} predictions of that hour, and ${found?.count ?? 0} are in the archive`;
        add(key, message);
      } else if (found !== undefined && !isCountedBy(row, found)) {
        add(key, 'its first or last time, or its estimate, is not that of its archived records');
      }
    }
    for (const [key, { count }] of counts) {
      const hour = Date.parse((JSON.parse(key) as readonly string[])[3] ?? '') * 1000;
      if (hour < from || hour >= to) continue;
      add(
        key,
        `it is not there any more, and ${count} predictions of that hour are in the archive`,
      );
    }
  }
};
