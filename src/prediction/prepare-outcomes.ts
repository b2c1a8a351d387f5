import { hash } from 'node:crypto';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import {
  type PreparedBatch,
  type RejectedLine,
  rejectedLine,
  type StagedRecord,
} from './append-report.ts';
import { copyNumber, copyText } from './copy-text.ts';
import { decodeOutcome, type OutcomeRecord } from './outcome-record.ts';
import { parseLine, type RawLine, requestIdOf } from './raw-line.ts';
import { latestTime } from './record-members.ts';
import { resolveReferences, unknownEndpoint } from './record-references.ts';

/** An outcome ready to be stored. */
export interface StagedOutcome extends StagedRecord {
  /** The row in COPY's text format, but for its position. */
  readonly row: string;
}

/** Reads and checks a batch of outcomes; writes nothing. */
export const prepareOutcomes = async (
  database: Database,
  lines: readonly RawLine[],
): Promise<PreparedBatch<StagedOutcome>> => {
  const rejected: RejectedLine[] = [];
  const latest = latestTime();
  const decoded: { readonly raw: RawLine; readonly record: OutcomeRecord }[] = [];
  for (const raw of lines) {
    const parsed = parseLine(raw);
    if ('issue' in parsed) {
      rejected.push(rejectedLine(raw, null, [parsed.issue]));
      continue;
    }
    const record = decodeOutcome(parsed.record, latest);
    if ('requestId' in record) decoded.push({ raw, record });
    else rejected.push(rejectedLine(raw, requestIdOf(parsed.record), record));
  }
  const records = decoded.map(({ record }) => record);
  const { endpoints } = await resolveReferences(database, records);
  const staged: StagedOutcome[] = [];
  for (const { raw, record } of decoded) {
    const { requestId, endpoint: route } = record;
    const endpoint = endpoints.get(route);
    if (endpoint === undefined) {
      rejected.push(rejectedLine(raw, requestId, [unknownEndpoint(route)]));
    } else {
      staged.push({ raw, requestId, row: outcomeRow(record, endpoint.id) });
    }
  }
  return { received: lines.length, staged, rejected, undeclaredFeatures: 'reject' };
};

const saidBy = ({ item, observedAt, label, value }: OutcomeRecord): string =>
  `${item}\t${formatInstant(observedAt)}\t${copyText(label)}\t${copyNumber(value)}`;

/**
 * SHA-256, in hexadecimal, of an outcome: over UTF-8 text made of `outcome/1`, request ID, endpoint
 * (`environment/name`), item, time, label and value in COPY's text format, joined by tabs.
 */
export const outcomeDigest = (record: OutcomeRecord): string => {
  const named = `outcome/1\t${copyText(record.requestId)}\t${copyText(record.endpoint)}\t${saidBy(record)}`;
  return hash('sha256', named, 'hex');
};

/** Columns of an outcome in COPY's text format. */
const outcomeRow = (record: OutcomeRecord, endpointId: number): string =>
  `${copyText(record.requestId)}\t${endpointId}\t${saidBy(record)}\t\\\\x${outcomeDigest(record)}`;
