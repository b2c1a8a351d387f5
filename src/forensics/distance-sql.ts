import type { FeatureType } from '../evidence/feature-field.ts';
import type { FeatureScalar } from '../prediction/feature-decode.ts';
import type { Parameter } from '../prediction/sql-condition.ts';
import { SMALLEST_RATIO } from './gower.ts';

const BIGGEST = 2n ** 63n - 1n;

const SQL_TYPES: Readonly<Record<FeatureType, 'float8' | 'int8' | 'text'>> = {
  BOOL: 'int8',
  INT64: 'int8',
  FP32: 'float8',
  FP64: 'float8',
  STRING: 'text',
  TIMESTAMP: 'int8',
};

/** What the log stores for a value. */
const storedOf = (value: FeatureScalar): unknown =>
  typeof value === 'boolean' ? BigInt(value) : value;

const isStorable = (bound: number | bigint): boolean =>
  typeof bound === 'number' || (bound <= BIGGEST && bound >= -BIGGEST);

/** Bounds beyond which the distance is 1 for certain, so that nothing within can overflow. */
const boundsOf = (
  value: number | bigint,
  range: number,
): readonly [number | bigint, number | bigint] => {
  if (typeof value === 'number') return [value - 2 * range, value + 2 * range];
  const reach = BigInt(Math.ceil(2 * range));
  return [value - reach, value + reach];
};

/** The difference of integers, which leaves 64 bits only where the range does not fit in them either. */
const differenceOf = (x: string, y: string, type: string, range: number): string => {
  if (type === 'float8') return `abs(${x} - ${y})`;
  return range < 2 ** 60 ? `abs(${x} - ${y})::float8` : `abs(${x}::numeric - ${y})::float8`;
};

/**
 * `ofElements` of the Gower distance as SQL, between the value of a row at the place `x` and a given value: the same
 * operations in the same order, so with the same result. No input makes it fail.
 */
export const elementDistance = (
  x: string,
  given: FeatureScalar | null,
  { type, range }: { readonly type: FeatureType; readonly range: number | null },
  parameter: Parameter,
): string => {
  if (given === null) return `CASE WHEN ${x} IS NULL THEN 0 ELSE 1 END::float8`;
  const value = type === 'TIMESTAMP' ? BigInt(Number(given)) : storedOf(given);
  const sqlType = SQL_TYPES[type];
  const y = parameter(value, sqlType);
  const isNumber =
    typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
  if (range === null || range === 0 || !isNumber) {
    return `CASE WHEN ${x} = ${y} THEN 0 ELSE 1 END::float8`;
  }
  const [low, high] = boundsOf(value, range);
  const difference = differenceOf(x, y, sqlType, range);
  const isFar = [
    ...(isStorable(low) ? [`OR ${x} <= ${parameter(low, sqlType)}`] : []),
    ...(isStorable(high) ? [`OR ${x} >= ${parameter(high, sqlType)}`] : []),
  ];
  return `CASE WHEN ${x} = ${y} THEN 0 WHEN ${x} IS NULL ${isFar.join(' ')} THEN 1
    WHEN ${difference} < ${parameter(range * SMALLEST_RATIO, 'float8')} THEN 0
    ELSE least(1, ${difference} / ${parameter(range, 'float8')}) END`;
};
