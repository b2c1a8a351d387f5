import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import { parseInstant } from '../platform/instant.ts';
import { unstorableText } from '../platform/storable-text.ts';
import type { FeatureIssueCode, Refusal } from './feature-issue.ts';
import { shortestFp32 } from './feature-lexical.ts';

/** The arrays of a row while it is encoded. */
export interface FeatureColumns {
  readonly numbers: (number | null)[];
  readonly integers: (bigint | null)[];
  readonly texts: (string | null)[];
}

/** Appends one value to its column, or says why it cannot. A closure per field: no lookup by type on the hot path. */
export type ScalarEncoder = (value: unknown, columns: FeatureColumns) => Refusal | null;

export const scalarEncoder = (field: FeatureFieldDefinition): ScalarEncoder => {
  switch (field.type) {
    case 'FP64':
      return encodeFp64;
    case 'FP32':
      return encodeFp32;
    case 'INT64':
      return encodeInt64;
    case 'BOOL':
      return encodeBool;
    case 'TIMESTAMP':
      return encodeTimestamp;
    case 'STRING':
      return field.categories === null
        ? encodeString
        : encodeCategory(new Set(field.categories), field.categories);
  }
};

const refusal = (code: FeatureIssueCode, reason: string): Refusal => ({ code, reason });

const NOT_A_NUMBER = refusal(
  'WRONG_TYPE',
  'which is not a number; write a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"',
);

/** The double that a wire value stands for; `undefined` when it stands for none. */
const doubleOf = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Infinity;
  if (value === '-Infinity') return -Infinity;
  return value === '-0' ? -0 : undefined;
};

const encodeFp64: ScalarEncoder = (value, columns) => {
  const double = doubleOf(value);
  if (double === undefined) return NOT_A_NUMBER;
  if (typeof value === 'bigint' && !(Number.isFinite(double) && BigInt(double) === value)) {
    return refusal(
      'NOT_REPRESENTABLE',
      Number.isFinite(double)
        ? `which FP64 does not hold exactly; write the nearest, ${double.toExponential()}, or declare the feature INT64`
        : 'which is beyond the largest FP64, 1.7976931348623157e+308; declare the feature STRING',
    );
  }
  columns.numbers.push(double);
  return null;
};

const encodeFp32: ScalarEncoder = (value, columns) => {
  const double = doubleOf(value);
  if (double === undefined) return NOT_A_NUMBER;
  const single = Math.fround(double);
  const isExact =
    typeof value === 'bigint'
      ? Number.isFinite(single) && BigInt(single) === value
      : single === double || Number.isNaN(double);
  if (!isExact) {
    const reason = inexactFp32(typeof value === 'bigint' ? value : double, single);
    if (reason !== null) return refusal('NOT_REPRESENTABLE', reason);
  }
  columns.numbers.push(single);
  return null;
};

/** Nine significant digits are what it takes to name any FP32; more of them claim a precision that would be lost. */
const inexactFp32 = (value: number | bigint, single: number): string | null => {
  if (!Number.isFinite(single)) {
    return `which is beyond the largest FP32, 3.4028235e+38; write "Infinity" if that is what the model saw, or declare the feature FP64`;
  }
  if (single === 0) {
    return 'which is smaller than the smallest FP32, 1e-45; write 0 if that is what the model saw, or declare the feature FP64';
  }
  const text = String(value);
  return text.length <= 9 || significantDigits(text) <= 9 ? null : nearestFp32(single);
};

const nearestFp32 = (single: number): string =>
  `which FP32 does not hold exactly; write the nearest, ${shortestFp32(single)}, or declare the feature FP64`;

const significantDigits = (text: string): number =>
  text.replace(/e.*$|[-.]/g, '').replace(/^0+|0+$/g, '').length;

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

const encodeInt64: ScalarEncoder = (value, columns) => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) {
    columns.integers.push(BigInt(value));
    return null;
  }
  const integer = integerOf(value);
  if (typeof integer !== 'bigint') return integer;
  if (integer < MIN_INT64 || integer > MAX_INT64) return BEYOND_INT64;
  columns.integers.push(integer);
  return null;
};

const BEYOND_INT64 = refusal(
  'NOT_REPRESENTABLE',
  'which is outside INT64, -9223372036854775808 to 9223372036854775807; declare the feature FP64 or STRING',
);

const integerOf = (value: unknown): bigint | Refusal => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string') {
    if (!/^(?:0|-?[1-9]\d*)$/.test(value)) return NOT_AN_INTEGER;
    return value.length > 20 ? BEYOND_INT64 : BigInt(value);
  }
  if (typeof value !== 'number') return NOT_AN_INTEGER;
  if (Math.abs(value) > 2 ** 63) return BEYOND_INT64;
  if (Object.is(value, -0)) {
    return refusal('NOT_REPRESENTABLE', 'which INT64 does not hold; write 0');
  }
  return Number.isInteger(value)
    ? refusal('NOT_REPRESENTABLE', 'which may have lost digits; write all digits of the integer')
    : refusal('NOT_REPRESENTABLE', 'which is not an integer; round it or declare the feature FP64');
};

const NOT_AN_INTEGER = refusal(
  'WRONG_TYPE',
  'which is not an integer; write a JSON integer, or a string of its decimal digits',
);

const encodeBool: ScalarEncoder = (value, columns) => {
  if (typeof value !== 'boolean') {
    return refusal('WRONG_TYPE', 'which is not a boolean; write true or false');
  }
  columns.integers.push(value ? 1n : 0n);
  return null;
};

const encodeTimestamp: ScalarEncoder = (value, columns) => {
  if (typeof value !== 'string') {
    return refusal(
      'WRONG_TYPE',
      'which is not a time; write an RFC 3339 string such as "2026-04-03T14:03:27.123456Z"',
    );
  }
  const instant = parseInstant(value);
  if (typeof instant === 'string') return refusal('INVALID_TIME', `but ${instant}`);
  columns.integers.push(BigInt(instant));
  return null;
};

const encodeString: ScalarEncoder = (value, columns) => {
  if (typeof value !== 'string') {
    return refusal('WRONG_TYPE', 'which is not a string; put it in quotes');
  }
  const problem = unstorableText(value);
  if (problem !== null) return refusal('INVALID_TEXT', `which ${problem}`);
  columns.texts.push(value);
  return null;
};

const encodeCategory =
  (categories: ReadonlySet<unknown>, listed: readonly string[]): ScalarEncoder =>
  (value, columns) => {
    if (!categories.has(value)) {
      if (typeof value !== 'string') return encodeString(value, columns);
      const some = listed.slice(0, 5).map((category) => JSON.stringify(category));
      const more = listed.length > 5 ? ` or another of the ${listed.length} declared` : '';
      return refusal(
        'UNKNOWN_CATEGORY',
        `which is not a declared category; send ${some.join(', ')}${more}, or register a schema that declares it`,
      );
    }
    return encodeString(value, columns);
  };
