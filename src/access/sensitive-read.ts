import { GraphQLError } from 'graphql';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';

/** What of a record was seen, or how it was looked for. */
export type SensitiveKind =
  | 'ENTITY_KEY'
  | 'FEATURES'
  | 'OUTPUT'
  | 'RECORD'
  | 'FILTER'
  | 'COMPARISON'
  | 'REPLAY'
  | 'DOSSIER';

/** Whether a caller may see entity keys, outputs, the bytes of records and values of sensitive features. */
export const maySeeSensitive = ({ actor }: Pick<Context, 'actor'>): boolean =>
  actor.scopes.has('features:sensitive');

const reasonRequired = (): GraphQLError =>
  new GraphQLError('Say why you look at sensitive values, in the header X-Reason.', {
    extensions: { code: 'REASON_REQUIRED', http: { status: 403 } },
  });

/**
 * Notes that something sensitive of a subject, such as a request's ID, is about to be shown; it is recorded before the
 * answer leaves. Never an entity key: who was looked for is told by what was seen, and what is noted cannot be erased.
 */
export const noteSensitiveRead = (
  { reads }: Pick<Context, 'reads'>,
  kind: SensitiveKind,
  subject: string,
): void => {
  if (reads === undefined) return;
  if (reads.needReason && reads.reason === null) throw reasonRequired();
  const subjects = reads.noted.get(kind) ?? new Set();
  subjects.add(subject);
  reads.noted.set(kind, subjects);
};

/** What one operation read, to be recorded. */
export interface SensitiveReadEntry {
  readonly actor: string;
  readonly requestId: string;
  readonly operation: string | null;
  readonly kinds: readonly string[];
  readonly subjects: readonly string[];
  readonly reason: string | null;
}

const INSERT = `INSERT INTO sensitive_read (actor, request_id, operation, kinds, subjects, reason, recorded_at)
  SELECT actor, request_id, operation, ARRAY(SELECT json_array_elements_text(kinds)),
    ARRAY(SELECT json_array_elements_text(subjects)), reason, clock_timestamp()
  FROM json_to_recordset($1::json) AS entry
    (actor text, request_id text, operation text, kinds json, subjects json, reason text)`;

const insert = async (
  database: Database,
  entries: readonly SensitiveReadEntry[],
): Promise<void> => {
  const rows = entries.map(({ requestId, ...entry }) => ({ ...entry, request_id: requestId }));
  await database.query({
    name: 'sensitive_reads',
    text: INSERT,
    values: [JSON.stringify(rows)],
  });
};

interface Batch {
  readonly entries: SensitiveReadEntry[];
  readonly written: Promise<void>;
}

const waiting = new WeakMap<Database, Batch>();
const writing = new WeakMap<Database, Promise<void>>();

/**
 * Resolves when an entry is durable. What is to be recorded while a statement is on its way goes along with the next
 * one, so that many readers at once cost few commits.
 */
export const recordSensitiveRead = (
  database: Database,
  entry: SensitiveReadEntry,
): Promise<void> => {
  const open = waiting.get(database);
  if (open !== undefined) {
    open.entries.push(entry);
    return open.written;
  }
  const entries = [entry];
  const before = writing.get(database) ?? Promise.resolve();
  const written = before
    .catch(() => undefined)
    .then(() => {
      waiting.delete(database);
      return insert(database, entries);
    });
  waiting.set(database, { entries, written });
  writing.set(database, written);
  return written;
};
