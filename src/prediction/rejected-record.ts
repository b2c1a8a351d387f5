import { hash } from 'node:crypto';
import type { RejectedRecordKind } from '../generated/prisma/enums.ts';
import type { Session } from '../platform/database.ts';
import type { PreparedBatch, RejectedLine, StagedRecord } from './append-report.ts';
import { bytesOf, type RawLine } from './raw-line.ts';

interface Kept {
  readonly line: RejectedLine;
  count: number;
}

/** Keeps what is refused, in one statement. The same bytes sent again are one record with more attempts. */
export const keepRejected = async (
  session: Session,
  kind: RejectedRecordKind,
  { rejected, undeclaredFeatures }: PreparedBatch<StagedRecord>,
): Promise<ReadonlyMap<RawLine, bigint>> => {
  const byDigest = new Map<string, Kept>();
  const digests = new Map<RawLine, string>();
  for (const line of rejected) {
    // Of a body that broke off between two lines there is nothing to keep.
    const bytes = bytesOf(line.raw);
    if (bytes.length === 0) continue;
    const digest = line.raw.digest ?? hash('sha256', bytes, 'hex');
    digests.set(line.raw, digest);
    const kept = byDigest.get(digest);
    if (kept === undefined) byDigest.set(digest, { line, count: 1 });
    else kept.count += 1;
  }
  if (byDigest.size === 0) return new Map();
  // All writers take the rows in one order, so that none waits for another that waits for it.
  const entries = [...byDigest].sort(([one], [other]) => (one < other ? -1 : 1));
  const rows = await session.query<{ id: bigint; digest: string }>({
    name: 'keep_rejected',
    text: KEEP,
    values: [kind, undeclaredFeatures === 'keep', ...columnsOf(entries)],
  });
  const ids = new Map(rows.map(({ id, digest }) => [digest, id]));
  return new Map(
    [...digests].flatMap(([raw, digest]) => {
      const id = ids.get(digest);
      return id === undefined ? [] : [[raw, id] as const];
    }),
  );
};

const columnsOf = (entries: readonly (readonly [string, Kept])[]): readonly unknown[] => {
  const lines = entries.map(([, { line }]) => line);
  return [
    entries.map(([digest]) => digest),
    lines.map(({ raw }) => bytesOf(raw).toString('hex')),
    lines.map(({ rejection }) => rejection.code),
    lines.map(({ rejection }) => rejection.path),
    lines.map(({ rejection }) => rejection.message),
    lines.map(({ rejection }) => rejection.waitsFor),
    lines.map(({ requestId }) => requestId),
    entries.map(([, { count }]) => count),
  ];
};

const KEEP = `INSERT INTO rejected_record AS kept
    (kind, keeps_undeclared, digest, raw, code, path, message, waits_for, request_id, attempts, received_at, attempted_at)
  SELECT $1::rejected_record_kind, $2::boolean, decode(digest, 'hex'), decode(raw, 'hex'), code, path, message,
    waits_for, request_id, attempts, now.at, now.at
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[])
    AS sent (digest, raw, code, path, message, waits_for, request_id, attempts),
    (SELECT clock_timestamp() AS at) AS now
  ON CONFLICT (kind, digest) DO UPDATE SET attempts = kept.attempts + excluded.attempts,
    attempted_at = excluded.attempted_at, keeps_undeclared = excluded.keeps_undeclared, code = excluded.code,
    path = excluded.path, message = excluded.message, waits_for = excluded.waits_for, resolved_at = NULL
  RETURNING id, encode(digest, 'hex') AS digest`;

/** Marks rejected records whose content is in the log now. */
export const resolveRejected = async (session: Session, ids: readonly bigint[]): Promise<void> => {
  await session.query({
    name: 'resolve_rejected',
    text: `UPDATE rejected_record SET resolved_at = clock_timestamp(), attempted_at = clock_timestamp(),
      attempts = attempts + 1 WHERE id = ANY($1::text[]::bigint[]) AND resolved_at IS NULL`,
    values: [ids.map(String)],
  });
};
