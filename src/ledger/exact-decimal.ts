/** Digits after the point that are kept: more than the smallest term of a sum over sampling rates has. */
const PLACES = 40;

/** A decimal number that is not negative, times ten to the power of 40. */
export type Decimal = bigint;

/** Reads the text of a `numeric`. */
export const decimalOf = (text: string): Decimal => {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(PLACES, '0').slice(0, PLACES));
};

/** Digits that PostgreSQL leaves of a 64-bit float when it makes a `numeric` of it. */
const DIGITS = 15;

/** A positive float as PostgreSQL makes a `numeric` of it: an exact half goes to the even digit. */
export const numericOf = (value: number): Decimal => {
  // As many digits are exact.
  const [mantissa = '', exponent = ''] = value.toExponential(100).split('e');
  const digits = mantissa.replace('.', '');
  const head = BigInt(digits.slice(0, DIGITS));
  const tail = digits.slice(DIGITS);
  const half = '5'.padEnd(tail.length, '0');
  const goesUp = tail > half || (tail === half && head % 2n === 1n);
  return (head + (goesUp ? 1n : 0n)) * 10n ** BigInt(PLACES + Number(exponent) + 1 - DIGITS);
};
