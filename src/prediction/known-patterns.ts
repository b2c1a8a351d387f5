import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { patternFrom } from './learn-pattern.ts';
import { type LinePattern, matches, putRow } from './line-pattern.ts';
import { logRows } from './log-rows.ts';
import { bytesOf, type RawLine } from './raw-line.ts';
import type { UnderstoodPrediction } from './understood-prediction.ts';

/** Patterns kept for a database: senders, times the members that they sometimes leave out. */
const CAPACITY = 16;

const known = new WeakMap<Database, LinePattern[]>();

/** The patterns of the lines that were sent to a database lately; the last to match comes first. */
export const knownPatterns = (database: Database): LinePattern[] => {
  const existing = known.get(database);
  if (existing !== undefined) return existing;
  const patterns: LinePattern[] = [];
  known.set(database, patterns);
  return patterns;
};

/** The pattern that reads a line; null when none does. */
export const patternOf = (
  patterns: LinePattern[],
  line: RawLine,
  latest: Instant,
): LinePattern | null => {
  const index = patterns.findIndex((pattern) => matches(pattern, line, latest));
  const pattern = patterns[index];
  if (pattern === undefined) return null;
  if (index > 0) patterns.unshift(...patterns.splice(index, 1));
  return pattern;
};

/** Learns the pattern of a line that was understood, unless the pattern would not make the same row of it. */
export const learnPattern = (
  patterns: LinePattern[],
  line: RawLine,
  understood: UnderstoodPrediction,
  latest: Instant,
): void => {
  const pattern = patternFrom(bytesOf(line), understood);
  if (pattern === null || !matches(pattern, line, latest)) return;
  const rows = logRows(2 * (line.end - line.start));
  putRow(rows, pattern);
  const { row } = understood;
  if (rows.writer.bytes.toString('utf8', 0, Buffer.byteLength(row)) !== row) return;
  patterns.unshift(pattern);
  patterns.length = Math.min(patterns.length, CAPACITY);
};
