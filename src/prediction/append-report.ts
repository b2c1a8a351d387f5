import type { RawLine } from './raw-line.ts';
import { type RecordIssues, type Rejection, type RejectionCode, rejectionOf } from './rejection.ts';

/** What became of a record that was not simply stored. */
export interface RecordResult {
  /** As in the `RawLine`. */
  readonly line: number;
  /** Null when the record has none that can be read. */
  readonly requestId: string | null;
  readonly status: 'DUPLICATE' | 'CONFLICT' | 'REJECTED';
  /** Why it was rejected; null otherwise. */
  readonly code: RejectionCode | null;
  readonly path: string | null;
  readonly value: string | null;
  readonly message: string;
  /** The rejected record that keeps it. */
  readonly rejectedId: bigint | null;
}

/** What became of a batch. Every record received is in one of the four other counts. */
export interface AppendReport {
  readonly received: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly rejected: number;
  /** Records that were not simply stored, in the order received. */
  readonly results: readonly RecordResult[];
}

/** How to append. */
export interface AppendOptions {
  /** What to do with features that the schema does not declare; `reject` when not given. */
  readonly undeclaredFeatures?: 'reject' | 'keep';
}

/** A record that is refused. */
export interface RejectedLine {
  readonly raw: RawLine;
  readonly requestId: string | null;
  readonly rejection: Rejection;
}

export const rejectedLine = (
  raw: RawLine,
  requestId: string | null,
  issues: RecordIssues,
): RejectedLine => ({ raw, requestId, rejection: rejectionOf(issues) });

/** A record ready to be stored. */
export interface StagedRecord {
  readonly raw: RawLine;
  readonly requestId: string;
}

/** A batch that is read, checked and encoded; nothing is stored yet. */
export interface PreparedBatch<Staged extends StagedRecord> {
  readonly received: number;
  readonly staged: readonly Staged[];
  readonly rejected: readonly RejectedLine[];
  readonly undeclaredFeatures: 'reject' | 'keep';
}

/** What became of a staged record that was not stored. */
export interface Exception<Staged extends StagedRecord> {
  readonly staged: Staged;
  readonly status: 'DUPLICATE' | 'CONFLICT';
  readonly message: string;
}

export const reportOf = <Staged extends StagedRecord>(
  batch: PreparedBatch<Staged>,
  exceptions: readonly Exception<Staged>[],
  rejectedIds: ReadonlyMap<RawLine, bigint>,
): AppendReport => {
  const results: RecordResult[] = [
    ...exceptions.map(({ staged, status, message }) => ({
      line: staged.raw.line,
      requestId: staged.requestId,
      status,
      code: null,
      path: null,
      value: null,
      message,
      rejectedId: null,
    })),
    ...batch.rejected.map(({ raw, requestId, rejection }) => ({
      line: raw.line,
      requestId,
      status: 'REJECTED' as const,
      code: rejection.code,
      path: rejection.path,
      value: rejection.value,
      message: rejection.message,
      rejectedId: rejectedIds.get(raw) ?? null,
    })),
  ];
  const duplicates = exceptions.filter(({ status }) => status === 'DUPLICATE').length;
  return {
    received: batch.received,
    stored: batch.staged.length - exceptions.length,
    duplicates,
    conflicts: exceptions.length - duplicates,
    rejected: batch.rejected.length,
    results: results.sort((one, other) => one.line - other.line),
  };
};
