import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { isBounded } from './filter-bound.ts';
import type { PredictionFilter, TimeWindow } from './prediction-filter-input.ts';

/** Most versions whose predictions are read side by side. */
const MAX_VERSIONS = 32;

const conjunctsOf = (filter: PredictionFilter): readonly PredictionFilter[] => [
  filter,
  ...(filter.and ?? []).flatMap(conjunctsOf),
];

/** The window that alone bounds what a filter can match; null when keys or a version do. */
const windowOf = (filter: PredictionFilter): TimeWindow | null => {
  const parts = conjunctsOf(filter);
  const isNarrow = parts.some(
    ({ entityKeys, requestIds, traceId, modelVersion }) =>
      (entityKeys ?? requestIds ?? traceId ?? modelVersion) != null,
  );
  if (isNarrow) return null;
  return (
    parts.find(({ occurredAt }) => occurredAt != null && isBounded({ occurredAt }))?.occurredAt ??
    null
  );
};

/**
 * The versions that made the predictions of a filter's window. Each version's are in an index by time, all predictions are
 * in none. Null when the filter names keys or a version, and for so many versions that one pass is as good. At most one
 * statement.
 */
export const searchedVersions = async (
  database: Database,
  filter: PredictionFilter,
): Promise<readonly number[] | null> => {
  const window = windowOf(filter);
  if (window?.from == null || window.to == null) return null;
  const rows = await database.query<{ id: number }>({
    name: 'versions_that_answered',
    text: `SELECT v.id FROM model_version v WHERE EXISTS (SELECT FROM prediction_rollup r
        WHERE r.model_version_id = v.id AND r.hour >= date_trunc('hour', $1::timestamptz, 'UTC') AND r.hour < $2::timestamptz)
      ORDER BY v.id LIMIT ${MAX_VERSIONS + 1}`,
    values: [formatInstant(window.from), formatInstant(window.to)],
  });
  return rows.length > MAX_VERSIONS ? null : rows.map(({ id }) => id);
};
