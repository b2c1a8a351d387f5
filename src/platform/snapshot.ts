import type { Database, Session } from './database.ts';

/**
 * Runs `work` on one connection that sees the database as it was at the first statement, so that several statements agree.
 * `work` must not ask for another connection: when every one is held by such a reader, none would come free. `begin` comes
 * before that statement: it may lock, which takes no snapshot.
 */
export const inSnapshot = <Result>(
  database: Database,
  work: (session: Session) => Promise<Result>,
  begin: (session: Session) => Promise<void> = async () => {},
): Promise<Result> =>
  database.transaction(
    async (session) => {
      await session.query({ text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY' });
      await begin(session);
      // Sorting takes longer than hashing.
      await session.query({ text: "SELECT set_config('work_mem', '64MB', TRUE)" });
      return work(session);
    },
    { isRead: true },
  );
