import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { byteWriter, putBytes, putHex, putLatin1, putWhole } from '../platform/byte-writer.ts';
import type { Instant } from '../platform/instant.ts';
import type { FeatureReading, SlotReader } from './feature-slot.ts';
import type { RowReferences } from './hour-counts.ts';
import { endOfSame } from './line-reading.ts';
import { endRow, type LogRows } from './log-rows.ts';
import { bytesOf, type RawLine } from './raw-line.ts';
import { type Cells, putTemplate, type RowTemplate } from './row-template.ts';

/** The cells that every pattern has. Those of features follow, then those of the output. */
export const CELL = {
  REQUEST_ID: 0,
  OCCURRED_AT: 1,
  ITEM: 2,
  ENTITY_KEY: 3,
  TRACE_ID: 4,
  STATUSES: 5,
  OBSERVED_AT: 6,
  SCORE: 7,
  LABEL: 8,
  LATENCY: 9,
  FIRST_FEATURE: 10,
} as const;

/** A line while it is read by a pattern. */
export interface PatternReading extends FeatureReading, Cells {
  occurredAt: Instant;
  /** Later times are refused. */
  latest: Instant;
  item: number;
}

export type PatternSlot = SlotReader<PatternReading>;

/** Bytes that are the same in every line of a pattern, and the value that follows. */
interface PatternStep {
  readonly before: Buffer;
  readonly read: PatternSlot;
  readonly cell: number;
}

/**
 * What the lines of one sender have in common: names, order, punctuation and what they refer to. A line that differs from
 * an earlier one only in plain values becomes a row without being parsed. Any other is read as if there were no patterns.
 */
export interface LinePattern {
  readonly steps: readonly PatternStep[];
  /** What follows the last value. */
  readonly after: Buffer;
  readonly references: RowReferences;
  readonly samplingRate: number | null;
  /** Statuses of features that the line does not have. */
  readonly statuses: Buffer;
  readonly hasStatuses: boolean;
  /** Of a row and of the text that its digest covers: up to the model version, and from the entity key to the latency. */
  readonly row: { readonly head: RowTemplate; readonly rate: Buffer };
  readonly text: { readonly head: RowTemplate; readonly rate: Buffer };
  readonly content: RowTemplate;
  /** Reused for each line. */
  readonly reading: PatternReading;
}

export const patternReading = (fields: number, cells: number): PatternReading => ({
  line: Buffer.alloc(0),
  found: byteWriter(2048),
  hasWideText: false,
  instant: 0,
  statuses: Buffer.alloc(fields),
  hasStatuses: false,
  observedAt: new Float64Array(fields),
  hasObservedAt: false,
  starts: new Int32Array(cells),
  ends: new Int32Array(cells),
  occurredAt: 0,
  latest: 0,
  item: 0,
});

/**
 * Reads a line into `pattern.reading`; false when it differs in more than plain values. What stands behind the line is
 * never taken for a part of it: then it would end elsewhere.
 */
export const matches = (pattern: LinePattern, raw: RawLine, latest: Instant): boolean => {
  const { reading, steps } = pattern;
  const { found, starts, ends } = reading;
  const { chunk: line, start, end } = raw;
  begin(pattern, line, latest);
  let at = start;
  for (let i = 0; i < steps.length; i += 1) {
    const step = steps[i];
    if (step === undefined) return false;
    at = endOfSame(line, at, step.before);
    if (at < 0) return false;
    starts[step.cell] = found.length;
    at = step.read(reading, at);
    if (at < 0) return false;
    ends[step.cell] = found.length;
  }
  if (endOfSame(line, at, pattern.after) !== end) return false;
  return !reading.hasWideText || isUtf8(bytesOf(raw));
};

const begin = ({ reading, statuses, hasStatuses }: LinePattern, line: Buffer, latest: Instant) => {
  reading.line = line;
  reading.latest = latest;
  reading.found.length = 0;
  reading.hasWideText = false;
  reading.item = 0;
  if (reading.hasStatuses) statuses.copy(reading.statuses);
  reading.hasStatuses = hasStatuses;
  if (reading.hasObservedAt) reading.observedAt.fill(Number.NaN);
  reading.hasObservedAt = false;
};

/** The text that a digest covers, one row at a time. */
const TEXT = byteWriter(4096);

/** Writes the row of the line that was read. */
export const putRow = (rows: LogRows, pattern: LinePattern): void => {
  const { reading, row, text, content, references, samplingRate } = pattern;
  putStatuses(reading);
  putObservedAt(reading);
  TEXT.length = 0;
  putTemplate(TEXT, text.head, reading);
  const start = TEXT.length;
  putTemplate(TEXT, content, reading);
  const end = TEXT.length;
  putBytes(TEXT, text.rate);
  const digest = hash('sha256', TEXT.bytes.subarray(0, TEXT.length), 'binary');
  putTemplate(rows.writer, row.head, reading);
  putBytes(rows.writer, TEXT.bytes, start, end);
  putBytes(rows.writer, row.rate);
  endRow(rows, digest, { occurredAt: reading.occurredAt, references, samplingRate });
};

const putStatuses = ({ found, starts, ends, statuses, hasStatuses }: PatternReading): void => {
  starts[CELL.STATUSES] = found.length;
  putLatin1(found, hasStatuses ? '\\\\x' : '\\N');
  if (hasStatuses) putHex(found, statuses, 0, statuses.length);
  ends[CELL.STATUSES] = found.length;
};

const putObservedAt = (reading: PatternReading): void => {
  const { found, starts, ends, observedAt, hasObservedAt } = reading;
  starts[CELL.OBSERVED_AT] = found.length;
  putBytes(found, OPEN);
  for (let i = 0; hasObservedAt && i < observedAt.length; i += 1) {
    const instant = observedAt[i] ?? Number.NaN;
    if (i > 0) putBytes(found, COMMA);
    if (Number.isNaN(instant)) putBytes(found, NULL);
    else putWhole(found, instant);
  }
  putBytes(found, CLOSE);
  ends[CELL.OBSERVED_AT] = found.length;
};

const OPEN = Buffer.from('{');
const CLOSE = Buffer.from('}');
const COMMA = Buffer.from(',');
const NULL = Buffer.from('NULL');
