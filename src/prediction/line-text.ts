import { putBytes } from '../platform/byte-writer.ts';
import { BACKSLASH, QUOTE, SPACE } from './ascii.ts';
import { type LineReading, NOT_READ } from './line-reading.ts';

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
  // Perhaps a byte order mark, which is for the slow way to judge.
  if (reading.line[at + 1] === 0xef) return NOT_READ;
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
