import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { STATUS_BYTE } from './feature-status.ts';
import { codecOf } from './schema-codec.ts';

const STATUSES = Object.values(STATUS_BYTE).join(', ');

/** Whether row `l` of this schema has as many values as it says, as SQL. Where not, the row was altered. */
export const fitsSchema = (schema: FeatureSchema): string => {
  const { layout } = codecOf(schema);
  const used = { numbers: 0, integers: 0, texts: 0 };
  for (const { column, length } of layout) used[column] += length;
  return `cardinality(l.numbers) = ${used.numbers} AND cardinality(l.integers) = ${used.integers}
    AND cardinality(l.texts) = ${used.texts} AND coalesce(length(l.statuses), ${layout.length}) = ${layout.length}`;
};

const statusAt = (position: number): string =>
  `CASE WHEN l.statuses IS NULL THEN ${STATUS_BYTE.PRESENT} ELSE get_byte(l.statuses, ${position}) END`;

/**
 * Whether `storedReadings` reads row `l` of this schema, and none of the values at these positions was erased, as SQL.
 */
export const isReadable = (schema: FeatureSchema, positions: readonly number[]): string => {
  const conditions = codecOf(schema).layout.flatMap(({ field, column, offset }, position) => {
    const status = statusAt(position);
    const value = `l.${column}[${offset + 1}]`;
    return [
      `${status} IN (${STATUSES})`,
      ...(positions.includes(position) ? [`${status} <> ${STATUS_BYTE.ERASED}`] : []),
      ...(field.shape.length > 0
        ? []
        : [`(${value} IS NOT NULL OR ${status} <> ${STATUS_BYTE.PRESENT})`]),
      ...(field.type === 'BOOL' && field.shape.length === 0
        ? [`coalesce(${value}, 0) IN (0, 1)`]
        : []),
    ];
  });
  // CASE, because AND may look at a status before it is known to be there.
  return `CASE WHEN ${fitsSchema(schema)} THEN ${conditions.join(' AND ') || 'TRUE'} ELSE FALSE END`;
};
