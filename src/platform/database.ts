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
  copy(target: string, rows: string | Buffer<ArrayBuffer>): Promise<void>;
  /**
   * Runs `COPY … TO STDOUT` on columns of a table that is no parent of others, and gives its rows to `read` in PostgreSQL's
   * text format, in pieces, as fast as they are read. Bounded memory; one moment only within a transaction.
   */
  copyOut<Result>(
    table: string,
    columns: string,
    read: (pieces: AsyncIterable<Uint8Array>) => Promise<Result>,
  ): Promise<Result>;
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
  /** How long a statement may take that is on its own, in seconds; absent where nothing ends it. */
  readonly statementSeconds?: number;
  /**
   * Runs `work` in one transaction on one connection; it commits when `work` resolves. Its statements may take their time,
   * since it writes, unless it `isRead`.
   */
  transaction<Result>(
    work: (session: Session) => Promise<Result>,
    options?: { readonly isRead: boolean },
  ): Promise<Result>;
  /** Runs `work` on one connection outside a transaction, for session locks. Its statements may take their time. */
  session<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` unless another process is at the same task; false when one is. `lost` is aborted when the claim is: another
   * process may begin then, so the work must bear being done twice.
   */
  exclusively(task: string, work: (lost: AbortSignal) => Promise<void>): Promise<boolean>;
  /** Connections of the pool by state, and requests that wait for one; none where there is no pool. */
  readonly connections?: () => Readonly<Record<'used' | 'idle' | 'waiting', number>>;
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

/**
 * Connection lost, out of resources, shutting down, locked, read-only (SQLSTATE classes 08, 53 and 57P, 55P03 and 25006), or
 * nobody there; with Prisma's names for the same, and for a transaction that got no connection or no end in time.
 */
const UNAVAILABLE =
  /^(08|53|57P)|^(25006|55P03|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|EPIPE|P1001|P1002|P1008|P1017|P2024|P2028|P2037)$/;

/** What the driver says without a code. */
const LOST = /^(Connection terminated|Client has encountered a connection error|timeout exceeded)/;

/** What callers are told to wait before they ask again, in seconds. */
export const RETRY_SECONDS = 2;

const hasState = (error: unknown, state: string): boolean =>
  sqlState(error) === state ||
  // Where Prisma puts what the driver said.
  sqlState(Object(Object(error).meta).driverAdapterError) === state;

/** Whether the database ended a statement because it took too long. */
export const isStatementTimeout = (error: unknown): boolean => hasState(error, '57014');

/** Whether the database was given a text that it cannot hold, which is one with U+0000: all others are UTF-8. */
export const isUnstorable = (error: unknown): boolean => hasState(error, '22021');

/** Whether the database could not do its work, whatever it was asked: it may when it is asked again. */
export const isUnavailable = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  const { code, originalCode, message, cause, meta } = error as Readonly<Record<string, unknown>>;
  return (
    [code, originalCode].some((one) => typeof one === 'string' && UNAVAILABLE.test(one)) ||
    (typeof message === 'string' && LOST.test(message)) ||
    isUnavailable(cause) ||
    // Where Prisma puts what the driver said.
    isUnavailable(Object(meta).driverAdapterError)
  );
};
