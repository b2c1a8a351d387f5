import type { Config } from './config.ts';
import type { Database } from './database.ts';

/**
 * Opens the database that the configuration names: PostgreSQL when there is a URL, the embedded one otherwise. Only the
 * engine that is wanted is loaded.
 */
export const openDatabase = async ({
  databaseUrl,
  poolSize,
  dataFolder,
}: Config): Promise<Database> => {
  if (databaseUrl === null) {
    const { openPglite } = await import('./pglite.ts');
    return openPglite({ folder: dataFolder });
  }
  const { openPostgresql } = await import('./postgresql.ts');
  return openPostgresql(databaseUrl, poolSize);
};
