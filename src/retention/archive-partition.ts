import { setTimeout as delay } from 'node:timers/promises';
import type { ArchiveStore } from '../platform/archive-store.ts';
import { type Database, type Session, sqlState } from '../platform/database.ts';
import { forgetPartitions, type LogWeek, readPartitions } from '../prediction/partitions.ts';
import { holdsOn } from './legal-hold.ts';
import { readPartition } from './read-partition.ts';
import {
  type ArchiveOrder,
  type CheckedFile,
  recordArchive,
  storeArchive,
} from './stored-archive.ts';

/** What became of a partition that was to be archived. */
export type ArchiveResult =
  | { readonly status: 'ARCHIVED'; readonly rows: number; readonly files: readonly CheckedFile[] }
  /** Nothing was in it: it was dropped, and nothing is lost. */
  | { readonly status: 'EMPTY' }
  | { readonly status: 'HELD'; readonly holds: readonly number[] }
  /** It was written to meanwhile, or is being read; another attempt will do. */
  | { readonly status: 'BUSY' }
  /** Another process was first. */
  | { readonly status: 'GONE' };

/** How many rows there were, and how many of them had their content. Appends and erasures change one of them at least. */
interface Fill {
  readonly rows: number;
  readonly whole: number;
}

const fillOf = async (session: Pick<Session, 'query'>, partition: string): Promise<Fill> => {
  const [row] = await session.query<{ rows: bigint; whole: bigint }>({
    text: `SELECT count(*) AS rows, count(digest) AS whole FROM ${partition}`,
  });
  return { rows: Number(row?.rows ?? 0n), whole: Number(row?.whole ?? 0n) };
};

/** How often to try for the moment in which nobody reads the log, and how long each time others wait behind. */
const ATTEMPTS = 5;
const LOCK_TIMEOUT = '1s';
const PAUSE = 1000;

const LOCKED = new Set(['55P03', '40P01']);

// First what appends and erasures meet us at, then the facts that would keep the partition where it is.
const LOCKS = [
  `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`,
  'LOCK TABLE ONLY prediction_log IN ACCESS EXCLUSIVE MODE',
  'LOCK TABLE log_archive, legal_hold IN SHARE ROW EXCLUSIVE MODE',
];

const dropIfUnchanged = async (
  session: Session,
  week: LogWeek,
  read: Fill,
  files: readonly CheckedFile[],
  order: ArchiveOrder,
): Promise<ArchiveResult> => {
  for (const text of LOCKS) await session.query({ text });
  if (!(await readPartitions(session)).has(week.partition)) return { status: 'GONE' };
  const holds = await holdsOn(session, week);
  if (holds.length > 0) return { status: 'HELD', holds };
  const now = await fillOf(session, week.partition);
  if (now.rows !== read.rows || now.whole !== read.whole) return { status: 'BUSY' };
  if (read.rows > 0) await recordArchive(session, week, files, order);
  await session.query({ text: `DROP TABLE ${week.partition}` });
  return read.rows === 0 ? { status: 'EMPTY' } : { status: 'ARCHIVED', rows: read.rows, files };
};

/** Statements that may take their time, each in a transaction of its own: others have their turn between them. */
const unhurried = (database: Database): Pick<Session, 'query'> => ({
  query: (statement) => database.transaction((session) => session.query(statement)),
});

/** Tries again when the moment was not free. */
const inFreeMoment = async (
  attempt: () => Promise<ArchiveResult>,
  left = ATTEMPTS,
): Promise<ArchiveResult> => {
  try {
    return await attempt();
  } catch (error) {
    if (!LOCKED.has(sqlState(error) ?? '')) throw error;
    if (left === 1) return { status: 'BUSY' };
    await delay(PAUSE);
    return inFreeMoment(attempt, left - 1);
  }
};

/**
 * Writes a partition to files, reads them back from the store, and then, in one transaction, records them and drops the
 * partition. Until that commits the rows are in the log; whatever fails before leaves at most a file that nothing names.
 */
export const archivePartition = async (
  database: Database,
  store: ArchiveStore,
  week: LogWeek,
  order: ArchiveOrder,
): Promise<ArchiveResult> => {
  const holds = await holdsOn(database, week);
  if (holds.length > 0) return { status: 'HELD', holds };
  const read = { rows: 0, whole: 0 };
  const files = await storeArchive(database, store, week, (writer) =>
    readPartition(unhurried(database), week, async (rows) => {
      await writer.append(rows);
      read.rows += rows.length;
      read.whole += rows.filter(({ digest }) => digest !== null).length;
    }),
  ).catch((error: unknown) => {
    // Dropped by another process before it was read.
    if (sqlState(error) === '42P01') return null;
    throw error;
  });
  if (files === null) return { status: 'GONE' };
  const result = await inFreeMoment(() =>
    database.transaction((session) => dropIfUnchanged(session, week, read, files, order)),
  );
  forgetPartitions(database);
  return result;
};
