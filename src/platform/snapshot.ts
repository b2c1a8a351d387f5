import type { Database, Session } from './database.ts';

/**
 * Runs `work` on one connection that sees the database as it was at the first statement, so that several statements agree.
 * `work` must not ask for another connection: when every one is held by such a reader, none would come free. Tables that are
 * `held` keep their partitions meanwhile: one that is dropped after the snapshot would be missing from it.
 */
export const inSnapshot = <Result>(
  database: Database,
  work: (session: Session) => Promise<Result>,
  held: readonly string[] = [],
): Promise<Result> =>
  database.transaction(
    async (session) => {
      await session.query({ text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY' });
      // Locks take no snapshot; the first statement after them does.
      for (const table of held) {
        await session.query({ text: `LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE` });
      }
      // Sorting takes longer than hashing.
      await session.query({ text: "SELECT set_config('work_mem', '64MB', TRUE)" });
      return work(session);
    },
    { isRead: true },
  );
