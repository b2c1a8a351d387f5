import type { Config } from './config.ts';
import type { Database } from './database.ts';
import { openPglite } from './pglite.ts';
import { openPostgresql } from './postgresql.ts';

/** Opens the database that the configuration names: PostgreSQL when there is a URL, the embedded one otherwise. */
export const openDatabase = async ({
  databaseUrl,
  poolSize,
  dataFolder,
}: Config): Promise<Database> =>
  databaseUrl === null ? openPglite({ folder: dataFolder }) : openPostgresql(databaseUrl, poolSize);
