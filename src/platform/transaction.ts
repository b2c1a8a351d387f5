import type { Prisma } from '../generated/prisma/client.ts';
import { type Database, sqlState } from './database.ts';
import { type Instant, instantOf } from './instant.ts';

export type Transaction = Prisma.TransactionClient;

// Two transactions met: one of them starts again, and finds what the other wrote.
const RETRYABLE = new Set(['40001', '40P01', '23505']);

const isRetryable = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code;
  // Prisma's names for a unique violation and a write conflict.
  return code === 'P2002' || code === 'P2034' || RETRYABLE.has(sqlState(error) ?? '');
};

/**
 * Runs registry work in one Prisma transaction; starts it again, at most 5 times, when it met another. The work reads
 * through `transaction` only: the embedded database has one connection, and a second one would wait for the first.
 */
export const inTransaction = async <Result>(
  database: Pick<Database, 'prisma'>,
  work: (transaction: Transaction) => Promise<Result>,
  attempts = 5,
): Promise<Result> => {
  try {
    return await database.prisma.$transaction(work);
  } catch (error) {
    if (attempts === 1 || !isRetryable(error)) throw error;
    return inTransaction(database, work, attempts - 1);
  }
};

/** The database's clock, to the millisecond: record times come from one clock. */
export const recordingTime = async (transaction: Transaction): Promise<Date> => {
  const [row] = await transaction.$queryRaw<
    { now: Date }[]
  >`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`;
  if (row === undefined) throw new Error('The database did not tell the time.');
  return row.now;
};

/** The database's clock, but never before what was recorded already: it may have been set back. */
export const recordingTimeAfter = async (
  transaction: Transaction,
  recorded: readonly Instant[],
): Promise<Instant> => {
  const now = instantOf(await recordingTime(transaction));
  return recorded.reduce((latest, one) => Math.max(latest, one), now);
};

const times = new WeakMap<Transaction, Promise<Date>>();

/**
 * When everything that a transaction records was recorded, by the database's clock: read once a transaction. Given to
 * every insert, since Prisma would fill in the time of this process.
 */
export const recordedAtIn = (transaction: Transaction): Promise<Date> => {
  const existing = times.get(transaction);
  if (existing !== undefined) return existing;
  const time = recordingTime(transaction);
  times.set(transaction, time);
  return time;
};
