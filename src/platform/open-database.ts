import type { Config } from './config.ts';
import type { Database } from './database.ts';
import type { Beginning } from './pglite.ts';
import type { PostgresqlOptions } from './postgresql.ts';
import type { Replicas } from './replicas.ts';

/** How long a statement may take that is on its own; a command that nobody waits for has no limit. */
type StatementLimit = Pick<PostgresqlOptions, 'statementSeconds'>;

interface Opening extends StatementLimit {
  /** What an embedded database begins as where there is none: a migrated one when not given. */
  readonly beginning?: Beginning;
}

/**
 * Opens the database that the configuration names: PostgreSQL when there is a URL, the embedded one otherwise, where
 * nothing can end a statement. Only the engine that is wanted is loaded.
 */
export const openDatabase = async (
  { databaseUrl, poolSize, waitSeconds, dataFolder }: Config,
  { beginning = 'migrated', ...limit }: Opening = {},
): Promise<Database> => {
  if (databaseUrl === null) {
    const { openPglite } = await import('./pglite.ts');
    return openPglite({ folder: dataFolder, beginning });
  }
  const { openPostgresql } = await import('./postgresql.ts');
  return openPostgresql(databaseUrl, poolSize, { ...limit, waitSeconds });
};

/** The read replicas of a database that the configuration names; null when it names none. */
export const openReplicas = async (
  { replicaUrls, poolSize }: Config,
  primary: Database,
  limit: StatementLimit = {},
): Promise<Replicas | null> => {
  if (replicaUrls.length === 0) return null;
  const { openPostgresql } = await import('./postgresql.ts');
  const { watchReplicas } = await import('./replicas.ts');
  return watchReplicas(
    primary,
    replicaUrls.map((url) => openPostgresql(url, poolSize, { ...limit, primary })),
  );
};
