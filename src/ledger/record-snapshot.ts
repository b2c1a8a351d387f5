import { setTimeout as delay } from 'node:timers/promises';
import { type Database, type Session, sqlState } from '../platform/database.ts';
import { inSnapshot } from '../platform/snapshot.ts';

/** How often to try for the moment in which nothing is being committed, and how long each time others wait behind. */
const ATTEMPTS = 100;
const LOCK_TIMEOUT = '200ms';
const PAUSE = 300;

const LOCKED = '55P03';

// One connection to each node, so that there is one snapshot of it; locks on this node alone, as one that is taken on
// another begins its snapshot.
const ONE_EACH = [
  'SET LOCAL citus.max_adaptive_executor_pool_size = 1',
  'SET LOCAL citus.enable_ddl_propagation = off',
];

// Whatever commits to a record holds its lock on the ledger until it has committed on every node. The locks of a savepoint
// end with it, and snapshots do not.
const ON_ALL_NODES = [
  `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`,
  'LOCK TABLE ledger_batch IN SHARE MODE',
  'SELECT FROM prediction_outcome LIMIT 1',
];

const snapAllNodes = async (session: Session, left = ATTEMPTS): Promise<void> => {
  await session.query({ text: 'SAVEPOINT quiet' });
  try {
    for (const text of ON_ALL_NODES) await session.query({ text });
    await session.query({ text: 'ROLLBACK TO SAVEPOINT quiet' });
  } catch (error) {
    if (sqlState(error) !== LOCKED || left === 1) throw error;
    await session.query({ text: 'ROLLBACK TO SAVEPOINT quiet' });
    await delay(PAUSE);
    await snapAllNodes(session, left - 1);
  }
};

const isSpread = async (database: Database): Promise<boolean> => {
  const rows = await database.query({ text: `SELECT FROM pg_extension WHERE extname = 'citus'` });
  return rows.length > 0;
};

/**
 * Runs `work` on a snapshot of the ledger and of the records, which may be on other nodes. Tables that are `held` keep
 * their partitions meanwhile: one that is dropped after the snapshot would be missing from it.
 */
export const inRecordSnapshot = async <Result>(
  database: Database,
  work: (session: Session) => Promise<Result>,
  held: readonly string[] = [],
): Promise<Result> => {
  const spread = await isSpread(database);
  return inSnapshot(database, work, async (session) => {
    for (const text of spread ? ONE_EACH : []) await session.query({ text });
    for (const table of held) {
      await session.query({ text: `LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE` });
    }
    if (spread) await snapAllNodes(session);
  });
};
