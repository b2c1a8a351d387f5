import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { PrismaClient } from '../generated/prisma/client.ts';
import {
  type Database,
  type Session,
  type Statement,
  statementListeners,
  TRANSACTION_OPTIONS,
} from './database.ts';
import { exclusively } from './exclusive-task.ts';
import { sqlValueReaders } from './sql-values.ts';

const types = {
  getTypeParser: (oid: number) => sqlValueReaders[oid] ?? ((text: string) => text),
} as pg.CustomTypesConfig;

const withoutCredentials = (url: string): string => {
  const { host, pathname } = new URL(url);
  return `postgresql://${host}${pathname}`;
};

const PIECE = 64 * 1024;

/** In pieces, so that the server reads rows while others are on their way. */
function* piecesOf(rows: string | Buffer): Generator<Buffer> {
  const bytes = typeof rows === 'string' ? Buffer.from(rows) : rows;
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

const SESSION =
  '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex -c jit=off';

/** How long a replica may be silent that should have ended a statement itself, in milliseconds. */
const SILENCE = 5000;

/** A replica is given up sooner than a primary, which can answer for it. */
const replicaConfig = (statementSeconds = 60): pg.PoolConfig => ({
  connectionTimeoutMillis: 2000,
  query_timeout: statementSeconds * 1000 + SILENCE,
});

export interface PostgresqlOptions {
  /** Given for a replica of it, from which is only read. */
  readonly primary?: Database;
  /** How long to wait for a connection, and behind a lock, in seconds: who waits longer is told to ask again. */
  readonly waitSeconds?: number;
  /** How long a statement may take that is on its own, in seconds. */
  readonly statementSeconds?: number | undefined;
}

/** Connects to PostgreSQL 15 or later. */
export const openPostgresql = (
  url: string,
  poolSize: number,
  { primary, waitSeconds = 10, statementSeconds }: PostgresqlOptions = {},
): Database => {
  const { notify, observe } = statementListeners();
  // The session is in UTC because both Prisma and the readers of the log's instants rely on it. Compiling a statement takes
  // longer than running it on what a bounded query reads.
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    options: [
      SESSION,
      `-c lock_timeout=${waitSeconds}s`,
      ...(primary === undefined ? [] : ['-c default_transaction_read_only=on']),
      ...(statementSeconds === undefined ? [] : [`-c statement_timeout=${statementSeconds}s`]),
    ].join(' '),
    application_name: 'hindcast',
    connectionTimeoutMillis: waitSeconds * 1000,
    ...(primary !== undefined && replicaConfig(statementSeconds)),
  });
  // An idle connection that breaks is replaced by the pool; the next query reports what is still wrong.
  pool.on('error', () => {});
  // Between idle and in use a connection has no other listener, and what it says then would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  const sessionOn = (client: pg.Pool | pg.PoolClient): Session['query'] => {
    return async <Row>({ name, text, values }: Statement): Promise<Row[]> => {
      notify(text);
      const result = await client.query({
        ...(name === undefined ? {} : { name }),
        text,
        values: values === undefined ? [] : [...values],
        types,
      });
      return result.rows as Row[];
    };
  };
  const copyOn =
    (client: pg.PoolClient): Session['copy'] =>
    async (target, rows) => {
      const sql = `COPY ${target} FROM STDIN`;
      notify(sql);
      const stream = client.query(copyFrom(sql));
      // The pipeline hears the first error only; a connection that is cut gives two, and the second would end the process.
      stream.on('error', () => {});
      await pipeline(Readable.from(piecesOf(rows)), stream);
    };
  const copyOutOn =
    (client: pg.PoolClient): Session['copyOut'] =>
    async (table, columns, read) => {
      const sql = `COPY ${table} (${columns}) TO STDOUT`;
      notify(sql);
      const stream = client.query(copyTo(sql));
      stream.on('error', () => {});
      try {
        return await read(stream);
      } catch (error) {
        // What is still on its way would have to be read before the connection took another statement.
        if (client instanceof pg.Client) await client.end();
        throw error;
      }
    };
  const onClient = async <Result>(
    work: (session: Session, client: pg.PoolClient) => Promise<Result>,
  ): Promise<Result> => {
    const client = await pool.connect();
    let failure: Error | undefined;
    const fail = (error: Error): void => {
      failure = error;
    };
    client.on('error', fail);
    try {
      return await work(
        { query: sessionOn(client), copy: copyOn(client), copyOut: copyOutOn(client) },
        client,
      );
    } finally {
      client.removeListener('error', fail);
      client.release(failure);
    }
  };
  const session: Database['session'] = (work) =>
    statementSeconds === undefined
      ? onClient(work)
      : onClient(async (inner, client) => {
          await client.query('SET statement_timeout = 0');
          try {
            return await work(inner);
          } finally {
            // When this fails the connection is broken, and not used again.
            await client.query('RESET statement_timeout').catch(() => {});
          }
        });
  const transaction: Database['transaction'] = (work, { isRead } = { isRead: false }) =>
    onClient(async (inner, client) => {
      notify('BEGIN');
      const isLimited = isRead || statementSeconds === undefined;
      await client.query(isLimited ? 'BEGIN' : 'BEGIN; SET LOCAL statement_timeout = 0');
      try {
        const result = await work(inner);
        await inner.query({ text: 'COMMIT' });
        return result;
      } catch (error) {
        // When the connection itself broke, the server has rolled back already.
        await inner.query({ text: 'ROLLBACK' }).catch(() => {});
        throw error;
      }
    });
  const prismaAdapter = new PrismaPg(pool, { disposeExternalPool: false });
  const prisma = new PrismaClient({
    adapter: prismaAdapter,
    log: [{ emit: 'event', level: 'query' }],
    transactionOptions: TRANSACTION_OPTIONS,
  });
  prisma.$on('query', (event) => notify(event.query));
  return {
    engine: 'postgresql',
    location: withoutCredentials(url),
    ...(primary !== undefined && { primary }),
    ...(statementSeconds !== undefined && { statementSeconds }),
    prisma,
    prismaAdapter,
    query: sessionOn(pool),
    copy: (target, rows) => session((inner) => inner.copy(target, rows)),
    copyOut: (table, columns, read) => session((inner) => inner.copyOut(table, columns, read)),
    transaction,
    session,
    exclusively: (task, work) => exclusively(url, task, work),
    connections: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    observe,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
};
