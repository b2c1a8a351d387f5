import { putBytes, putLatin1 } from '../platform/byte-writer.ts';
import { DOT, LOWER_E, MINUS, PLUS, ZERO } from './ascii.ts';
import { endOfDigits, endOfSame, type LineReading, NOT_READ } from './line-reading.ts';

/** The text of a number that was written with so many significant digits; null where it has none. */
export type NumberText = (value: number, digits: number) => string | null;

/** Most digits that make a whole number exact, and a decimal fraction the shortest text of its double. */
const PLAIN_DIGITS = 15;

/** Digits up to which a number written with a fraction or an exponent stands for the nearest double. */
const EXACT_DIGITS = 17;

/** More zeros after the point, and the text of a double has an exponent. */
const MOST_ZEROS = 5;

/** Longest number in bytes: none is so small or large that it becomes 0 or infinite. */
const LONGEST = 40;

/**
 * A JSON number. `wholeDigits` is up to how many digits a whole one is its own text; so is a fraction when
 * `isPlainFraction`. Every other becomes what `textOf` makes of it.
 */
export const readNumber = (
  reading: LineReading,
  at: number,
  wholeDigits: number,
  isPlainFraction: boolean,
  textOf: NumberText | null,
): number => {
  const { line, found } = reading;
  const start = line[at] === MINUS ? at + 1 : at;
  let end = endOfDigits(line, start);
  const whole = end - start;
  if (whole === 0 || (whole > 1 && line[start] === ZERO)) return NOT_READ;
  if (line[end] !== DOT && !isExponent(line[end])) {
    if (whole <= wholeDigits) {
      // What is plainly a whole number, but for -0 where it is the text of something else.
      putBytes(found, line, at, end);
      return end;
    }
    if (whole > PLAIN_DIGITS) return NOT_READ;
  }
  let digits = whole;
  let isPlain = isPlainFraction;
  if (line[end] === DOT) {
    const first = end + 1;
    const zeros = line[start] === ZERO ? endOfZeros(line, first) - first : 0;
    end = endOfDigits(line, first);
    if (end === first) return NOT_READ;
    digits = (line[start] === ZERO ? 0 : whole) + end - first - zeros;
    isPlain &&= line[end - 1] !== ZERO && digits <= PLAIN_DIGITS && zeros <= MOST_ZEROS;
  }
  if (isExponent(line[end])) {
    end = endOfExponent(line, end);
    if (end < 0) return NOT_READ;
    isPlain = false;
  }
  if (digits > EXACT_DIGITS || end - at > LONGEST) return NOT_READ;
  if (isPlain) {
    putBytes(found, line, at, end);
    return end;
  }
  const text = textOf?.(Number(line.toString('latin1', at, end)), digits) ?? null;
  if (text === null) return NOT_READ;
  putLatin1(found, text);
  return end;
};

const isExponent = (byte: number | undefined): boolean => ((byte ?? 0) | 0x20) === LOWER_E;

/** At most two digits. */
const endOfExponent = (line: Buffer, at: number): number => {
  const sign = line[at + 1];
  const first = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
  const end = endOfDigits(line, first);
  return end > first && end <= first + 2 ? end : NOT_READ;
};

const endOfZeros = (line: Buffer, at: number): number => {
  let end = at;
  while (line[end] === ZERO) end += 1;
  return end;
};

/** `"NaN"`, `"Infinity"`, `"-Infinity"` or `"-0"`, without quotes. */
export const readNamedNumber = (reading: LineReading, at: number): number => {
  const { line, found } = reading;
  for (const name of NAMED_NUMBERS) {
    const end = endOfSame(line, at, name);
    if (end < 0) continue;
    putBytes(found, line, at + 1, end - 1);
    return end;
  }
  return NOT_READ;
};

const NAMED_NUMBERS = ['"NaN"', '"Infinity"', '"-Infinity"', '"-0"'].map((name) =>
  Buffer.from(name),
);
