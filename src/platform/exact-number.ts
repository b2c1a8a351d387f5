/** A `bigint` beyond this many digits serves nobody and costs quadratic time. */
const MAX_INTEGER_DIGITS = 1000;

/** No double has more significant decimal digits than this. */
const MAX_DOUBLE_DIGITS = 767;

/**
 * The exact value of a JSON number token: an integer written plainly is a `bigint` when a double cannot
 * count that far, anything else is a double. Returns a sentence when that would lose digits.
 */
export const exactNumber = (token: string): number | bigint | string => {
  if (/^-?\d+$/.test(token)) return exactInteger(token);
  const value = Number(token);
  if (!Number.isFinite(value)) {
    return `The number ${shown(token)} is beyond the largest double, 1.7976931348623157e+308; write it as a string`;
  }
  const { digits, exponent } = decimal(token);
  if (value === 0) {
    return digits === ''
      ? value
      : `The number ${shown(token)} is smaller than the smallest double, 5e-324; write 0, or write it as a string`;
  }
  if (digits.length <= 17 || isSameValue(digits, exponent, Math.abs(value))) return value;
  return `The number ${shown(token)} has more digits than a double holds; write the nearest double, ${value}, or write it as a string`;
};

const exactInteger = (token: string): number | bigint | string => {
  const value = Number(token);
  if (Number.isSafeInteger(value)) return value;
  return token.length > MAX_INTEGER_DIGITS
    ? `The integer ${shown(token)} has more than ${MAX_INTEGER_DIGITS} digits; write it as a string`
    : BigInt(token);
};

/** Significant digits d and exponent e of a token, so that its magnitude is d × 10^e. */
const decimal = (token: string): { readonly digits: string; readonly exponent: number } => {
  const [mantissa = '', exponent = '0'] = token.replace(/^-/, '').split(/e/i);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const written = (whole + fraction).replace(/^0+/, '');
  const digits = withoutTrailingZeros(written);
  return {
    digits,
    exponent: Number(exponent) - fraction.length + written.length - digits.length,
  };
};

/** `/0+$/` takes quadratic time on long runs of zeros. */
const withoutTrailingZeros = (digits: string): string => {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end -= 1;
  return digits.slice(0, end);
};

/** Whether digits × 10^exponent is exactly the double: both sides as integers, scaled by 2 and 10. */
const isSameValue = (digits: string, exponent: number, value: number): boolean => {
  if (digits.length > MAX_DOUBLE_DIGITS) return false;
  let mantissa = value;
  let power = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    power -= 1;
  }
  const left = BigInt(digits) * 10n ** BigInt(Math.max(exponent, 0)) * 2n ** BigInt(-power);
  return left === BigInt(mantissa) * 10n ** BigInt(Math.max(-exponent, 0));
};

const shown = (token: string): string => (token.length > 60 ? `${token.slice(0, 60)}…` : token);
