import type { Database } from '../../src/platform/database.ts';

/**
 * Gives a database a clock that can be set: in place of `clock_timestamp()` its statements find a function of that name
 * which is earlier on the search path. Takes hold of every connection that is opened from then on.
 */
export const settableClock = async (
  database: Database,
): Promise<(shift: string) => Promise<void>> => {
  const name =
    database.engine === 'pglite' ? 'postgres' : new URL(database.location).pathname.slice(1);
  for (const text of [
    'CREATE SCHEMA clock',
    `CREATE TABLE clock.shift AS SELECT interval '0' AS by`,
    `CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
      AS 'SELECT pg_catalog.clock_timestamp() + by FROM clock.shift'`,
    `ALTER DATABASE ${name} SET search_path = public, clock, pg_catalog`,
  ]) {
    await database.query({ text });
  }
  if (database.engine === 'pglite') {
    await database.query({ text: 'SET search_path = public, clock, pg_catalog' });
  } else {
    // Its own connection, too: those that the pool opens instead have the clock.
    const cut =
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()';
    await database.query({ text: cut }).catch(() => {});
  }
  return async (shift) => {
    await database.query({
      text: 'UPDATE clock.shift SET by = $1::text::interval',
      values: [shift],
    });
  };
};
