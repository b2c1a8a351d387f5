// Readers of single JSON values that are written in the way in which nearly all are. Each checks the value at a place of
// a line, writes its text for COPY, and returns where it ends; or returns -1, and whoever reads everything reads the line.
import { type ByteWriter, putBytes, putLatin1 } from '../platform/byte-writer.ts';
import { type Instant, parseInstant } from '../platform/instant.ts';

/** The line that is being read, and what was found in it. */
export interface LineReading {
  line: Buffer;
  /** Texts of values, one after another. */
  readonly found: ByteWriter;
  /** Whether the line is UTF-8 is still to be seen. */
  hasWideText: boolean;
  /** Set by `readInstant`. */
  instant: Instant;
}

export const NOT_READ = -1;

/** Where the text that is open at `at` ends: the place of its closing quote. No escapes. */
const endOfText = (reading: LineReading, at: number): number => {
  const { line } = reading;
  for (let end = at + 1; end < line.length; end += 1) {
    const byte = line[end] ?? 0;
    if (byte === QUOTE) return end;
    if (byte === BACKSLASH || byte < SPACE) return NOT_READ;
    if (byte > 127) reading.hasWideText = true;
  }
  return NOT_READ;
};

/** A text of at least `least` and at most `most` bytes, without its quotes. */
export const readText = (reading: LineReading, at: number, least: number, most: number): number => {
  if (reading.line[at] !== QUOTE) return NOT_READ;
  const end = endOfText(reading, at);
  const length = end - at - 1;
  if (length < least || length > most) return NOT_READ;
  putBytes(reading.found, reading.line, at + 1, end);
  return end + 1;
};

/** A text with its quotes: as it stands in JSON, it also stands in a PostgreSQL array. */
export const readQuoted = (reading: LineReading, at: number): number => {
  if (reading.line[at] !== QUOTE) return NOT_READ;
  const end = endOfText(reading, at);
  if (end < 0) return NOT_READ;
  putBytes(reading.found, reading.line, at, end + 1);
  return end + 1;
};

/** A text with its quotes that is one of `categories`. */
export const readCategory = (
  reading: LineReading,
  at: number,
  categories: ReadonlySet<unknown>,
): number => {
  const end = readQuoted(reading, at);
  if (end < 0) return NOT_READ;
  return categories.has(reading.line.toString('utf8', at + 1, end - 1)) ? end : NOT_READ;
};

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
 * `isPlainFraction`. Every other is written by `textOf`.
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
  const text = textOf === null ? null : textOf(Number(line.toString('latin1', at, end)), digits);
  if (text === null) return NOT_READ;
  putLatin1(found, text);
  return end;
};

const endOfDigits = (line: Buffer, at: number): number => {
  let end = at;
  for (let byte = line[end] ?? 0; byte >= ZERO && byte <= NINE; byte = line[end] ?? 0) end += 1;
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

/** Where `bytes` end if the line has them at `at`. */
export const endOfSame = (line: Buffer, at: number, bytes: Buffer): number => {
  const { length } = bytes;
  if (at + length > line.length) return NOT_READ;
  for (let i = 0; i < length; i += 1) if (line[at + i] !== bytes[i]) return NOT_READ;
  return at + length;
};

export const skipSpaces = (line: Buffer, at: number): number => {
  let next = at;
  while (line[next] === SPACE) next += 1;
  return next;
};

/** The day of the last time that was read: most are of the same. */
const DAY = { text: Buffer.alloc(10), start: 0 };

/**
 * A time such as `"2026-04-03T14:03:27.123456Z"`, in UTC, to the second, millisecond or microsecond; sets
 * `reading.instant` and writes nothing.
 */
export const readInstant = (reading: LineReading, at: number): number => {
  const { line } = reading;
  if (line[at] !== QUOTE || line[at + 11] !== UPPER_T) return NOT_READ;
  if (line[at + 14] !== COLON || line[at + 17] !== COLON) return NOT_READ;
  const hour = twoDigits(line, at + 12);
  const minute = twoDigits(line, at + 15);
  const second = twoDigits(line, at + 18);
  if (!(hour < 24 && minute < 60 && second < 60)) return NOT_READ;
  let end = at + 20;
  let micros = 0;
  if (line[end] === DOT) {
    const first = end + 1;
    end = endOfDigits(line, first);
    const digits = end - first;
    if (digits === 0 || digits > 6) return NOT_READ;
    for (let place = 0; place < 6; place += 1) {
      micros = micros * 10 + (place < digits ? (line[first + place] ?? 0) - ZERO : 0);
    }
  }
  if (line[end] !== UPPER_Z || line[end + 1] !== QUOTE) return NOT_READ;
  const day = startOfDay(line, at + 1);
  if (day === null) return NOT_READ;
  reading.instant = day + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
  return end + 2;
};

const startOfDay = (line: Buffer, at: number): Instant | null => {
  if (endOfSame(line, at, DAY.text) < 0) {
    const start = parseInstant(`${line.toString('latin1', at, at + 10)}T00:00:00Z`);
    if (typeof start === 'string') return null;
    line.copy(DAY.text, 0, at, at + 10);
    DAY.start = start;
  }
  return DAY.start;
};

/** NaN when they are not digits. */
const twoDigits = (line: Buffer, at: number): number => {
  const tens = (line[at] ?? 0) - ZERO;
  const ones = (line[at + 1] ?? 0) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
};

const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
const BACKSLASH = 0x5c;
const LOWER_E = 0x65;
