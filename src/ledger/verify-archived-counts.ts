import type { Session } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { ArchiveFile } from '../prediction/archive-index.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { Discrepancies } from './discrepancy.ts';

interface HourCount {
  count: number;
  firstAt: Instant;
  lastAt: Instant;
}

/** What archives hold by version, endpoint, schema and hour. */
export type HourCounts = Map<string, HourCount>;

const HOUR = 3_600_000_000;

const keyOf = (version: number, endpoint: number, schema: number, hour: Instant): string =>
  JSON.stringify([version, endpoint, schema, formatInstant(hour)]);

type Counted = Pick<
  PredictionLog,
  'modelVersionId' | 'endpointId' | 'featureSchemaId' | 'occurredAt'
>;

export const countHours = (counts: HourCounts, predictions: readonly Counted[]): void => {
  for (const { modelVersionId, endpointId, featureSchemaId, occurredAt } of predictions) {
    const hour = Math.floor(occurredAt / HOUR) * HOUR;
    const key = keyOf(modelVersionId, endpointId, featureSchemaId, hour);
    const found = counts.get(key);
    if (found === undefined) {
      counts.set(key, { count: 1, firstAt: occurredAt, lastAt: occurredAt });
      continue;
    }
    found.count += 1;
    found.firstAt = Math.min(found.firstAt, occurredAt);
    found.lastAt = Math.max(found.lastAt, occurredAt);
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
}

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
          first_at, last_at FROM prediction_rollup WHERE hour >= $1::timestamptz AND hour < $2::timestamptz`,
      values: [formatInstant(from), formatInstant(to)],
    });
    for (const row of rows) {
      const key = keyOf(row.version, row.endpoint, row.schema, row.hour);
      const { count, firstAt, lastAt } = counts.get(key) ?? {
        count: 0,
        firstAt: null,
        lastAt: null,
      };
      counts.delete(key);
      if (Number(row.count) !== count) {
        add(
          key,
          `it counts ${row.count} predictions of that hour, and ${count} are in the archive`,
        );
      } else if (row.first_at !== firstAt || row.last_at !== lastAt) {
        add(key, 'its first or last time is not that of its archived records');
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
