/**
 * One value each of a row in the text format of PostgreSQL's COPY: join the values with tabs and end the row with a
 * newline. Text must be storable (no U+0000, no half surrogate pair): the format itself cannot carry anything else.
 */
export const copyText = (value: string | null): string => {
  if (value === null) return NULL;
  return SPECIAL.test(value) ? value.replace(ALL_SPECIAL, escaped) : value;
};

/** A `float8`, every digit and the sign of zero kept. */
export const copyNumber = (value: number | null): string =>
  value === null ? NULL : numberText(value);

/** A `float8[]`, every digit and the sign of zero kept. */
export const copyNumbers = (values: readonly (number | null)[]): string =>
  arrayText(values, numberText);

/** An `int8[]`. */
export const copyIntegers = (values: readonly (bigint | null)[]): string =>
  arrayText(values, String);

/** A `text[]`. Every element is quoted, so that no text reads as NULL or as part of the array. */
export const copyTexts = (values: readonly (string | null)[]): string =>
  arrayText(values, quotedElement);

/** A `bytea`. */
export const copyBytes = (value: Uint8Array | null): string =>
  value === null
    ? NULL
    : `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;

const NULL = '\\N';

const SPECIAL = /[\\\t\n\r]/;
const ALL_SPECIAL = /[\\\t\n\r]/g;

const escaped = (character: string): string => {
  switch (character) {
    case '\t':
      return '\\t';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    default:
      return '\\\\';
  }
};

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** An element is escaped for the array literal first, and the result for COPY. */
const quotedElement = (value: string): string =>
  `"${SPECIAL_IN_ARRAY.test(value) ? copyText(value.replace(/["\\]/g, '\\$&')) : value}"`;

const SPECIAL_IN_ARRAY = /["\\\t\n\r]/;

const arrayText = <Value>(
  values: readonly (Value | null)[],
  elementText: (value: Value) => string,
): string => {
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    text += value === null ? 'NULL' : elementText(value);
  }
  return `${text}}`;
};
