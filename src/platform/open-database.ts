import type { Config } from './config.ts';
import type { Database } from './database.ts';
import type { Beginning } from './pglite.ts';
import type { Replicas } from './replicas.ts';

/**
 * Opens the database that the configuration names: PostgreSQL when there is a URL, the embedded one otherwise. Only the
 * engine that is wanted is loaded.
 */
export const openDatabase = async (
  { databaseUrl, poolSize, dataFolder }: Config,
  beginning: Beginning = 'migrated',
): Promise<Database> => {
  if (databaseUrl === null) {
    const { openPglite } = await import('./pglite.ts');
    return openPglite({ folder: dataFolder, beginning });
  }
  const { openPostgresql } = await import('./postgresql.ts');
  return openPostgresql(databaseUrl, poolSize);
};

/** The read replicas of a database that the configuration names; null when it names none. */
export const openReplicas = async (
  { replicaUrls, poolSize }: Config,
  primary: Database,
): Promise<Replicas | null> => {
  if (replicaUrls.length === 0) return null;
  const { openPostgresql } = await import('./postgresql.ts');
  const { watchReplicas } = await import('./replicas.ts');
  return watchReplicas(
    primary,
    replicaUrls.map((url) => openPostgresql(url, poolSize, primary)),
  );
};
