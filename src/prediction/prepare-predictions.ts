import { setImmediate } from 'node:timers/promises';
import { putText } from '../platform/byte-writer.ts';
import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import {
  type AppendOptions,
  type PreparedBatch,
  type RejectedLine,
  rejectedLine,
  type StagedRecord,
} from './append-report.ts';
import { knownPatterns, learnPattern, patternOf } from './known-patterns.ts';
import { CELL, type LinePattern, putRow } from './line-pattern.ts';
import { endRow, type LogRows, logRows, type RowSubject } from './log-rows.ts';
import { decodePrediction, type PredictionRecord } from './prediction-record.ts';
import { parseLine, type RawLine, requestIdOf } from './raw-line.ts';
import { latestTime } from './record-members.ts';
import { resolveReferences } from './record-references.ts';
import { understand } from './understood-prediction.ts';

/** A prediction ready to be stored. */
export interface StagedPrediction extends StagedRecord, RowSubject {
  readonly item: number;
}

/** Predictions with their rows, in the same order. */
export interface PredictionBatch extends PreparedBatch<StagedPrediction> {
  readonly rows: LogRows;
}

/** Lines between which others may use the process. */
const LINES_AT_ONCE = 250;

/** Patterns looked for in a batch at most: its lines may all differ. */
const MAX_LEARNT = 4;

/** Reads, checks and encodes a batch; writes nothing. Rows by patterns come first, then all others. */
export const preparePredictions = async (
  database: Database,
  lines: readonly RawLine[],
  { undeclaredFeatures = 'reject' }: AppendOptions,
): Promise<PredictionBatch> => {
  const patterns = knownPatterns(database);
  const latest = latestTime();
  const rows = logRows(lines.reduce((sum, { start, end }) => sum + end - start, 1024));
  const staged: StagedPrediction[] = [];
  const others: RawLine[] = [];
  for (const [index, raw] of lines.entries()) {
    if (index % LINES_AT_ONCE === LINES_AT_ONCE - 1) await setImmediate();
    const pattern = raw.fault === undefined ? patternOf(patterns, raw, latest) : null;
    if (pattern === null) {
      others.push(raw);
    } else {
      putRow(rows, pattern);
      staged.push(stagedBy(pattern, raw));
    }
  }
  const rejected: RejectedLine[] = [];
  const decoded = decodeLines(others, latest, rejected);
  const records = decoded.map(({ record }) => record);
  const table = await resolveReferences(database, records);
  let learnt = 0;
  for (const { raw, record } of decoded) {
    const understood = understand(record, table, undeclaredFeatures);
    if (Array.isArray(understood)) {
      rejected.push(rejectedLine(raw, record.requestId, understood));
      continue;
    }
    const { requestId, item, occurredAt } = record;
    const { references, samplingRate, row, digest } = understood;
    const prediction = { raw, requestId, item, occurredAt, references, samplingRate };
    putText(rows.writer, row);
    endRow(rows, digest, prediction);
    staged.push(prediction);
    if (learnt === MAX_LEARNT || patternOf(patterns, raw, latest) !== null) continue;
    learnt += 1;
    learnPattern(patterns, raw, understood, latest);
  }
  return { received: lines.length, staged, rejected, undeclaredFeatures, rows };
};

const stagedBy = (
  { reading, references, samplingRate }: LinePattern,
  raw: RawLine,
): StagedPrediction => {
  const { found, ends, occurredAt, item } = reading;
  const [start, end] = [reading.starts[CELL.REQUEST_ID], ends[CELL.REQUEST_ID]];
  const requestId = found.bytes.toString('utf8', start, end);
  return { raw, requestId, item, occurredAt, references, samplingRate };
};

interface Decoded {
  readonly raw: RawLine;
  readonly record: PredictionRecord;
}

const decodeLines = (
  lines: readonly RawLine[],
  latest: Instant,
  rejected: RejectedLine[],
): readonly Decoded[] => {
  const decoded: Decoded[] = [];
  for (const raw of lines) {
    const parsed = parseLine(raw);
    if ('issue' in parsed) {
      rejected.push(rejectedLine(raw, null, [parsed.issue]));
      continue;
    }
    const record = decodePrediction(parsed.record, latest);
    if ('requestId' in record) decoded.push({ raw, record });
    else rejected.push(rejectedLine(raw, requestIdOf(parsed.record), record));
  }
  return decoded;
};
