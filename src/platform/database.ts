import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type { PrismaClient } from '../generated/prisma/client.ts';

/** One SQL statement. A `name` makes it a prepared statement, planned once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/**
 * Something that runs SQL. Rows have the same JavaScript values on every engine: `int8` is a bigint, `float8` a number,
 * `timestamptz` an `Instant` (microseconds), `bytea` a `Uint8Array`, arrays are arrays of these.
 */
export interface Session {
  query<Row>(statement: Statement): Promise<Row[]>;
  /** Runs `COPY … FROM STDIN` with rows in PostgreSQL's text format. */
  copy(target: string, rows: string): Promise<void>;
}

/** The database behind Hindcast: Prisma for the registry, SQL on the same connections for the log. */
export interface Database extends Session {
  readonly engine: 'pglite' | 'postgresql';
  /** Where the data is, without credentials. */
  readonly location: string;
  /** The database that this one is a replica of, and may be behind. */
  readonly primary?: Database;
  readonly prisma: PrismaClient;
  /** Prisma's way to these connections, for its own tools. */
  readonly prismaAdapter: SqlMigrationAwareDriverAdapterFactory;
  /** Runs `work` in one transaction on one connection; it commits when `work` resolves. */
  transaction<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /** Runs `work` on one connection outside a transaction, for session locks. */
  session<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` unless another process is at the same task; false when one is. `lost` is aborted when the claim is: another
   * process may begin then, so the work must bear being done twice.
   */
  exclusively(task: string, work: (lost: AbortSignal) => Promise<void>): Promise<boolean>;
  /** Calls `listener` with every SQL statement sent from now on; returns the way to stop. */
  observe(listener: StatementListener): () => void;
  close(): Promise<void>;
}

export type StatementListener = (sql: string) => void;

/** A set of listeners that an engine notifies of each statement. */
export const statementListeners = () => {
  const listeners = new Set<StatementListener>();
  return {
    notify: (sql: string): void => {
      for (const listener of listeners) listener(sql);
    },
    observe: (listener: StatementListener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};

/** How long Prisma waits for a connection and lets a transaction run, in milliseconds. */
export const TRANSACTION_OPTIONS = { maxWait: 10_000, timeout: 30_000 };

/** The SQLSTATE of a database error, however it was wrapped; null when the error is not the database's. */
export const sqlState = (error: unknown): string | null => {
  if (typeof error !== 'object' || error === null) return null;
  const { code, cause, originalCode } = error as {
    code?: unknown;
    cause?: unknown;
    originalCode?: unknown;
  };
  if (typeof originalCode === 'string') return originalCode;
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('P2')) return code;
  return cause === undefined ? null : sqlState(cause);
};
