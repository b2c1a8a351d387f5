import type { FeatureType } from '../evidence/feature-field.ts';
import { digestOfBytes } from '../platform/canonical-json.ts';
import { formatInstant } from '../platform/instant.ts';
import type { FeatureReading, FeatureScalar } from './feature-decode.ts';

/**
 * The exact text of a scalar: every digit of an integer, the shortest text that reads back as the same float (FP32 as
 * FP32), `NaN`, `Infinity`, `-Infinity`, `-0`, RFC 3339 in UTC, `true` or `false`, or the string itself.
 */
export const lexical = (type: FeatureType, value: FeatureScalar): string => {
  if (typeof value !== 'number') return String(value);
  if (type === 'TIMESTAMP') return formatInstant(value);
  if (Object.is(value, -0)) return '-0';
  return String(type === 'FP32' ? shortestFp32(value) : value);
};

/** The double with the fewest digits that rounds to this FP32 value. */
export const shortestFp32 = (value: number): number => {
  if (!Number.isFinite(value) || value === 0) return value;
  // Six digits always survive FP32, so fewer than six show as trailing zeros. Below 2^-126 precision fades.
  const first = Math.abs(value) < MIN_NORMAL_FP32 ? 1 : 6;
  for (let precision = first; precision < 9; precision += 1) {
    const nearest = Number(value.toPrecision(precision));
    if (Math.fround(nearest) === value) return nearest;
    // At a power of two the gap above is twice the gap below, so the next decimal away from zero may fit.
    if (isPowerOfTwo(value)) {
      const next = awayFromZero(value, precision);
      if (Math.fround(next) === value) return next;
    }
  }
  return Number(value.toPrecision(9));
};

const MIN_NORMAL_FP32 = 2 ** -126;

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(Math.abs(value)));

const awayFromZero = (value: number, precision: number): number => {
  const [digits = '', exponent = ''] = Math.abs(value)
    .toExponential(precision - 1)
    .split('e');
  const next = Number(digits.replace('.', '')) + 1;
  return Math.sign(value) * Number(`${next}e${Number(exponent) - precision + 1}`);
};

/**
 * SHA-256 over the canonical JSON of `[[name, type, status, text…], …]` in schema order; a null element of a vector is
 * null, and a value that is not there has no text.
 */
export const featuresDigest = (readings: readonly FeatureReading[]): string => {
  const rows = readings.map(({ field, status, value }) => [
    field.name,
    field.type,
    status,
    ...texts(field.type, value),
  ]);
  // Of well-formed strings and nulls, JSON.stringify already writes RFC 8785.
  return digestOfBytes(JSON.stringify(rows));
};

const texts = (type: FeatureType, value: FeatureReading['value']): readonly (string | null)[] => {
  if (value === null) return [];
  if (typeof value !== 'object') return [lexical(type, value)];
  return value.map((element) => (element === null ? null : lexical(type, element)));
};
