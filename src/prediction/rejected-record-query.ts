import { isUtf8 } from 'node:buffer';
import type { RejectedRecordKind } from '../generated/prisma/enums.ts';
import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import type { Page, PageRequest } from '../platform/pagination.ts';
import { pageOf } from '../platform/pagination.ts';
import { lineText } from './raw-line.ts';
import type { RejectionCode } from './rejection.ts';

/** A record that could not be stored, kept with its bytes as received. */
export interface RejectedRecord {
  readonly id: bigint;
  readonly kind: RejectedRecordKind;
  readonly code: RejectionCode;
  readonly path: string | null;
  readonly message: string;
  readonly raw: Uint8Array;
  readonly requestId: string | null;
  readonly waitsFor: string | null;
  readonly attempts: number;
  readonly receivedAt: Instant;
  readonly attemptedAt: Instant;
  readonly resolvedAt: Instant | null;
}

/** Which rejected records; all given conditions must hold. */
export interface RejectedRecordFilter {
  readonly kind?: RejectedRecordKind | null | undefined;
  readonly codes?: readonly RejectionCode[] | null | undefined;
  readonly requestId?: string | null | undefined;
  readonly isResolved?: boolean | null | undefined;
}

/** SQL conditions on `r`, with values from parameter `first` on. */
export const filterConditions = (
  { kind, codes, requestId, isResolved }: RejectedRecordFilter,
  first: number,
): { readonly conditions: readonly string[]; readonly values: readonly unknown[] } => {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (value: unknown, condition: (parameter: string) => string): void => {
    conditions.push(condition(`$${first + values.length}`));
    values.push(value);
  };
  if (kind != null) add(kind, (parameter) => `r.kind = ${parameter}::rejected_record_kind`);
  if (codes != null) add([...codes], (parameter) => `r.code = ANY(${parameter}::text[])`);
  if (requestId != null) add(requestId, (parameter) => `r.request_id = ${parameter}`);
  if (isResolved != null) conditions.push(`r.resolved_at IS ${isResolved ? 'NOT NULL' : 'NULL'}`);
  return { conditions, values };
};

const COLUMNS = `r.id, r.kind::text AS kind, r.code, r.path, r.message, r.raw, r.request_id AS "requestId",
  r.waits_for AS "waitsFor", r.attempts, r.received_at AS "receivedAt", r.attempted_at AS "attemptedAt",
  r.resolved_at AS "resolvedAt"`;

/** A page of rejected records, newest first. */
export const rejectedRecordPage = async (
  database: Database,
  filter: RejectedRecordFilter,
  request: PageRequest,
): Promise<Page<RejectedRecord>> => {
  const { conditions, values } = filterConditions(filter, 3);
  const from = cursorId(request);
  const before = request.isBackward ? '>' : '<';
  const all = [`($1::text IS NULL OR r.id ${before} $1::text::bigint)`, ...conditions];
  const rows = await database.query<RejectedRecord>({
    text: `SELECT ${COLUMNS} FROM rejected_record r WHERE ${all.join(' AND ')}
      ORDER BY r.id ${request.isBackward ? 'ASC' : 'DESC'} LIMIT $2`,
    values: [from, request.limit + 1, ...values],
  });
  return pageOf(request, rows, ({ id }) => [String(id)]);
};

/** A cursor that no page of this list returned stands before everything. */
const cursorId = ({ from }: PageRequest): string | null => {
  const [id = '0'] = from ?? [];
  if (from === null) return null;
  return /^\d{1,18}$/.test(id) ? id : '0';
};

export const rejectedRecordsById = async (
  database: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, RejectedRecord>> => {
  const rows = await database.query<RejectedRecord>({
    text: `SELECT ${COLUMNS} FROM rejected_record r WHERE r.id = ANY($1::text[]::bigint[])`,
    values: [ids.filter((id) => /^\d{1,18}$/.test(id))],
  });
  return new Map(rows.map((row) => [String(row.id), row]));
};

/** Records of some requests, waiting or stored since, in the order of arrival. */
export const rejectedOfRequests = (
  database: Database,
  requestIds: readonly string[],
  limit: number,
): Promise<readonly RejectedRecord[]> =>
  database.query<RejectedRecord>({
    name: 'rejected_of_requests',
    text: `SELECT ${COLUMNS} FROM rejected_record r WHERE r.request_id = ANY($1)
      ORDER BY r.received_at, r.id LIMIT $2`,
    values: [requestIds, limit],
  });

/** The bytes as text when they are UTF-8, and in Base64 otherwise. */
export const rawText = (raw: Uint8Array): { text: string; encoding: 'UTF8' | 'BASE64' } =>
  isUtf8(raw)
    ? { text: lineText(raw), encoding: 'UTF8' }
    : { text: Buffer.from(raw).toString('base64'), encoding: 'BASE64' };
