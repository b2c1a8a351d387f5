import type { RejectedRecordKind } from '../generated/prisma/enums.ts';
import type { Database } from '../platform/database.ts';
import { onRecorded } from '../platform/events.ts';
import { appendPredictions } from './append.ts';
import type { AppendOptions, AppendReport } from './append-report.ts';
import { type RawLine, rawLine } from './raw-line.ts';
import { recordedKeys } from './record-references.ts';
import { appendOutcomes } from './store-outcomes.ts';

/** What became of rejected records that were tried again. */
export interface ResubmissionReport {
  /** Records tried. */
  readonly tried: number;
  /** Records in the log now: stored, or found there with the same content. */
  readonly resolved: number;
  /** Records found to contradict what is in the log, and kept as conflicts: resolved too. */
  readonly conflicts: number;
  /** Records refused again. */
  readonly rejected: number;
}

/** Which rejected records to try again: SQL conditions on `r` with the values they name from `$3` on. */
export interface Resubmission {
  readonly conditions: readonly string[];
  readonly values: readonly unknown[];
  /** Instead of what their senders asked for. */
  readonly undeclaredFeatures?: 'reject' | 'keep' | undefined;
}

const BATCH = 1000;

interface Row {
  readonly id: bigint;
  readonly kind: RejectedRecordKind;
  readonly raw: Uint8Array;
  readonly keeps_undeclared: boolean;
}

/** Appends rejected records again, oldest first, in batches. What is refused again stays, with one more attempt. */
export const resubmit = async (
  database: Database,
  resubmission: Resubmission,
): Promise<ResubmissionReport> => {
  let report: ResubmissionReport = { tried: 0, resolved: 0, conflicts: 0, rejected: 0 };
  let rows = await nextRows(database, resubmission, 0n);
  while (rows.length > 0) {
    for (const [key, group] of grouped(rows)) {
      const [kind, keeps] = key;
      const asked = keeps ? 'keep' : 'reject';
      const undeclaredFeatures = resubmission.undeclaredFeatures ?? asked;
      report = combined(report, await appendAgain(database, kind, group, { undeclaredFeatures }));
    }
    rows = rows.length < BATCH ? [] : await nextRows(database, resubmission, lastId(rows));
  }
  return report;
};

const lastId = (rows: readonly Row[]): bigint => rows.at(-1)?.id ?? 0n;

// Only the beginning of these was kept, which is another record.
const WHOLE = `r.code NOT IN ('LINE_TOO_LONG', 'TRUNCATED_BODY', 'CORRUPT_BODY', 'COMPRESSION_LIMIT')`;

const nextRows = (
  database: Database,
  { conditions, values }: Resubmission,
  after: bigint,
): Promise<Row[]> =>
  database.query<Row>({
    text: `SELECT id, kind::text AS kind, raw, keeps_undeclared FROM rejected_record r
      WHERE id > $1::text::bigint AND resolved_at IS NULL AND ${WHOLE}
        ${conditions.map((condition) => `AND (${condition})`).join(' ')}
      ORDER BY id LIMIT $2`,
    values: [String(after), BATCH, ...values],
  });

type Key = readonly [kind: RejectedRecordKind, keepsUndeclared: boolean];

const KEYS: readonly Key[] = [
  ['PREDICTION', false],
  ['PREDICTION', true],
  ['OUTCOME', false],
];

const grouped = (rows: readonly Row[]): readonly (readonly [Key, readonly Row[]])[] =>
  KEYS.map((key): readonly [Key, readonly Row[]] => [
    key,
    rows.filter((row) => row.kind === key[0] && row.keeps_undeclared === key[1]),
  ]).filter(([, group]) => group.length > 0);

const appendAgain = (
  database: Database,
  kind: RejectedRecordKind,
  rows: readonly Row[],
  options: AppendOptions,
): Promise<AppendReport> => {
  const lines = rows.map(
    ({ id, raw }, line): RawLine => ({ ...rawLine(line, raw), rejectedId: id }),
  );
  return kind === 'PREDICTION'
    ? appendPredictions(database, lines, options)
    : appendOutcomes(database, lines);
};

const combined = (sum: ResubmissionReport, report: AppendReport): ResubmissionReport => ({
  tried: sum.tried + report.received,
  resolved: sum.resolved + report.received - report.rejected,
  conflicts: sum.conflicts + report.conflicts,
  rejected: sum.rejected + report.rejected,
});

/** Tries the records again that waited for one of these; returns how many are in the log now. */
export const releaseWaiting = async (
  database: Database,
  keys: readonly string[],
): Promise<number> => {
  const conditions = ['r.waits_for = ANY($3::text[])'];
  const { resolved } = await resubmit(database, { conditions, values: [[...keys]] });
  return resolved;
};

/** Keys looked at in one statement. */
const KEYS_AT_ONCE = 500;

/** The next keys that records wait for: one probe of the index each, however many records wait. */
const WAITED_FOR = `WITH RECURSIVE key (waits_for) AS (
    (SELECT waits_for FROM rejected_record WHERE waits_for > $1 AND resolved_at IS NULL ORDER BY waits_for LIMIT 1)
    UNION ALL
    SELECT (SELECT r.waits_for FROM rejected_record r WHERE r.waits_for > key.waits_for AND r.resolved_at IS NULL
      ORDER BY r.waits_for LIMIT 1)
    FROM key WHERE key.waits_for IS NOT NULL)
  SELECT waits_for FROM key WHERE waits_for IS NOT NULL LIMIT ${KEYS_AT_ONCE}`;

/**
 * Releases what should not wait any more: the process that recorded what it waited for ended before it could. Returns
 * how many are in the log now.
 */
export const releaseForgotten = async (database: Database): Promise<number> => {
  let resolved = 0;
  let place = '';
  for (;;) {
    const rows = await database.query<{ waits_for: string }>({
      name: 'waited_for',
      text: WAITED_FOR,
      values: [place],
    });
    const keys = rows.map((row) => row.waits_for);
    const recorded = await recordedKeys(database, new Set(keys));
    if (recorded.length > 0) resolved += await releaseWaiting(database, recorded);
    if (keys.length < KEYS_AT_ONCE) return resolved;
    place = keys.at(-1) ?? place;
  }
};

onRecorded(async (database, keys) => {
  await releaseWaiting(database, keys);
});
