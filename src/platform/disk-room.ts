import { type Database, sqlState } from './database.ts';

/** SQLSTATE of a disk that is full. */
const FULL = '53100';

/** Databases whose disk was full when something was to be written to it. */
const full = new WeakSet<Database>();

/** Remembers it when a database refused to write for want of room. */
export const noteRefusal = (database: Database, error: unknown): void => {
  if (sqlState(error) === FULL) full.add(database);
};

/** Takes the room of a batch of records, and gives it back. */
const PROBE = `CREATE TEMP TABLE room ON COMMIT DROP AS
  SELECT n, repeat('x', 500) AS filler FROM generate_series(1, 2000) AS n`;

/** Whether there is room to write. Sends nothing unless there was none the last time: then it tries. */
export const hasRoom = async (database: Database): Promise<boolean> => {
  if (!full.has(database)) return true;
  try {
    await database.transaction((session) => session.query({ text: PROBE }));
  } catch (error) {
    if (sqlState(error) === FULL) return false;
    throw error;
  }
  full.delete(database);
  return true;
};
