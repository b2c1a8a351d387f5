import { type Instant, parseInstant } from '../platform/instant.ts';
import { COLON, DOT, QUOTE, UPPER_T, UPPER_Z, ZERO } from './ascii.ts';
import { endOfDigits, endOfSame, type LineReading, NOT_READ } from './line-reading.ts';

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
