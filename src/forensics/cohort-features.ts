import type { FeatureSchema } from '../evidence/feature-schema.ts';
import type { Session } from '../platform/database.ts';
import { fitsSchema } from '../prediction/readable-row.ts';
import { type Condition, parameterList } from '../prediction/sql-condition.ts';
import { type CountedFeature, featureExpressions } from './feature-key-sql.ts';

/** How many rows fell into one group of one feature. */
export interface FeatureGroup {
  /** See `feature-key.ts`. */
  readonly key: number;
  /** The category, in a group of a category that has a bin. */
  readonly category: string | null;
  readonly count: number;
}

interface Row {
  readonly key: number;
  readonly category: string | null;
  readonly count: bigint;
}

const OCCURRED = '(extract(epoch FROM l.occurred_at) * 1000000)::bigint';

/**
 * Counts every feature of every row of a cohort by status and bin, in one pass and one statement: a grouping set a
 * feature, so memory holds the groups and never the values.
 */
export const countFeatures = async (
  session: Session,
  condition: Condition,
  schemas: readonly FeatureSchema[],
  features: readonly CountedFeature[],
): Promise<readonly FeatureGroup[]> => {
  if (features.length === 0 || schemas.length === 0) return [];
  const { values, parameter } = parameterList();
  const hasAges = schemas.some((schema) =>
    schema.fields.some((field) => field.maxAgeSeconds !== null),
  );
  const most = Math.max(...schemas.map((schema) => schema.fields.length));
  const readable = schemas.map((schema) => `WHEN ${schema.id} THEN ${fitsSchema(schema)}`);
  const parts = features.map((feature, place) =>
    featureExpressions(feature, place, schemas, parameter),
  );
  const taken = parts.flatMap(({ status, value }, place) => [
    `${status} AS s${place}`,
    `${value} AS x${place}`,
  ]);
  const keyed = parts.flatMap(({ key, category }, place) => [
    `${key} AS k${place}`,
    ...(category === null ? [] : [`${category} AS c${place}`]),
  ]);
  const sets = parts.map(({ category }, place) =>
    category === null ? `(k${place})` : `(k${place}, c${place})`,
  );
  const keys = parts.map((_, place) => `k${place}`);
  const categories = parts.flatMap(({ category }, place) =>
    category === null ? [] : [`c${place}`],
  );
  // OFFSET 0 keeps each step from being repeated by the next. In a group, every key but one is null.
  const rows = await session.query<Row>({
    text: `SELECT coalesce(${keys.join(', ')}) AS key, coalesce(${[...categories, 'NULL'].join(', ')})::text AS category,
        count(*) AS count
      FROM (SELECT ${keyed.join(', ')} FROM (SELECT ${taken.join(', ')} FROM (
        SELECT l.feature_schema_id, l.numbers, l.integers, l.texts,
          coalesce(l.statuses, ${parameter(new Uint8Array(most), 'bytea')}) AS statuses,
          coalesce(CASE l.feature_schema_id ${readable.join(' ')} END, FALSE) AS fits
          ${hasAges ? `, ${OCCURRED} AS occurred, l.feature_observed_at AS observed` : ''}
        FROM prediction_log l WHERE ${condition(parameter)} OFFSET 0) r OFFSET 0) v) keyed
      GROUP BY GROUPING SETS (${sets.join(', ')})`,
    values,
  });
  return rows.map(({ key, category, count }) => ({ key, category, count: Number(count) }));
};
