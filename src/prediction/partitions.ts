import { type Database, type Session, sqlState } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { archivedPartitions } from './archive-index.ts';

const DAY = 86_400_000_000;
const WEEK = 7 * DAY;

/** 1969-12-29T00:00:00Z, the Monday before the epoch. */
const FIRST_MONDAY = -3 * DAY;

/** One week of the log, from Monday 00:00 UTC to the next, half open. */
export interface LogWeek {
  /** Name of the partition that holds it. */
  readonly partition: string;
  readonly from: Instant;
  readonly to: Instant;
}

/** The week that an instant falls in. */
export const weekOf = (instant: Instant): LogWeek => {
  const from = FIRST_MONDAY + Math.floor((instant - FIRST_MONDAY) / WEEK) * WEEK;
  const day = formatInstant(from).slice(0, 10).replaceAll('-', '');
  return { partition: `prediction_log_p${day}`, from, to: from + WEEK };
};

/** The week of a partition; null for a name that is none. */
export const weekOfPartition = (partition: string): LogWeek | null => {
  const [, year, month, day] = /^prediction_log_p(\d{4})(\d\d)(\d\d)$/.exec(partition) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(time)) return null;
  const week = weekOf(time * 1000);
  return week.partition === partition ? week : null;
};

/** Partitions known to exist, by database. Retention may drop some: then an insert fails and they are forgotten. */
const known = new WeakMap<Database, Set<string>>();

/**
 * Makes the partitions for these instants, where they do not exist, and tells which are in the archive: those are not made
 * again, because nobody could tell a repeated record from a new one there. Sends nothing when all are known.
 */
export const ensurePartitions = async (
  database: Database,
  instants: Iterable<Instant>,
): Promise<ReadonlySet<string>> => {
  const existing = known.get(database) ?? (await readPartitions(database));
  known.set(database, existing);
  const missing = weeksOf(instants).filter(({ partition }) => !existing.has(partition));
  if (missing.length === 0) return new Set();
  const names = missing.map(({ partition }) => partition);
  const archived = await archivedPartitions(database, names);
  for (const week of missing) {
    if (archived.has(week.partition)) continue;
    await createPartition(database, week);
    existing.add(week.partition);
  }
  return archived;
};

/** Makes the next append look again which partitions exist. */
export const forgetPartitions = (database: Database): void => {
  known.delete(database);
};

/** Key of the event that an archived partition is back in the log. */
export const restorationKey = (partition: string): string => `logPartition:restored:${partition}`;

const weeksOf = (instants: Iterable<Instant>): readonly LogWeek[] => {
  const weeks = new Map<Instant, LogWeek>();
  let last: LogWeek | null = null;
  for (const instant of instants) {
    // Records mostly come in the order of time, so the same week again.
    if (last !== null && instant >= last.from && instant < last.to) continue;
    last = weekOf(instant);
    weeks.set(last.from, last);
  }
  return [...weeks.values()];
};

/** Names of the partitions that the log has. */
export const readPartitions = async (database: Pick<Session, 'query'>): Promise<Set<string>> => {
  const rows = await database.query<{ relname: string }>({
    name: 'log_partitions',
    text: `SELECT c.relname::text AS relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'prediction_log'::regclass`,
  });
  return new Set(rows.map(({ relname }) => relname));
};

/** Makes a table for a week, like the log and where the log is, but no part of it. */
export const makeLikeLog = async (session: Session, { partition }: LogWeek): Promise<void> => {
  await session.query({ text: `CREATE TABLE ${partition} (LIKE prediction_log INCLUDING ALL)` });
  await session.query({ text: `SELECT distribute_like_log('${partition}')` });
};

/** Makes such a table the partition of its week. */
export const attachToLog = async (
  session: Session,
  { partition, from, to }: LogWeek,
): Promise<void> => {
  await session.query({
    text: `ALTER TABLE prediction_log ATTACH PARTITION ${partition}
      FOR VALUES FROM ('${formatInstant(from)}') TO ('${formatInstant(to)}')`,
  });
};

/** SQLSTATEs by which one of two sessions that make the same partition at once learns that it was second. */
const MADE_BY_ANOTHER = new Set(['42P07', '23505', '42710', '40P01', '42P17']);

/** Attaching a table lets others read and write the log meanwhile; making a partition of it would wait for all of them. */
const makePartition = (database: Database, week: LogWeek): Promise<unknown> =>
  database.transaction(async (session) => {
    await makeLikeLog(session, week);
    await attachToLog(session, week);
  });

const createPartition = async (database: Database, week: LogWeek): Promise<void> => {
  try {
    await makePartition(database, week);
  } catch (error) {
    const state = sqlState(error);
    if (state === null || !MADE_BY_ANOTHER.has(state)) throw error;
    // Whoever was first has committed, or failed.
    if (!(await readPartitions(database)).has(week.partition)) await makePartition(database, week);
  }
};
