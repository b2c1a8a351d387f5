import type { ByteWriter } from '../platform/byte-writer.ts';
import type { Instant } from '../platform/instant.ts';
import { NINE, SPACE, ZERO } from './ascii.ts';

// Readers of single JSON values that are written in the way in which nearly all are. Each checks the value at a place of
// a line, writes its text for COPY, and returns where it ends; or returns -1, and whoever reads everything reads the line.

/** The line that is being read, and what was found in it. */
export interface LineReading {
  /** With what stands before and behind it. */
  line: Buffer;
  /** Texts of values, one after another. */
  readonly found: ByteWriter;
  /** Whether the line is UTF-8 is still to be seen. */
  hasWideText: boolean;
  /** Set by `readInstant`. */
  instant: Instant;
}

export const NOT_READ = -1;

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

/** Where the digits that begin at `at` end, if there are any. */
export const endOfDigits = (line: Buffer, at: number): number => {
  let end = at;
  for (let byte = line[end] ?? 0; byte >= ZERO && byte <= NINE; byte = line[end] ?? 0) end += 1;
  return end;
};
