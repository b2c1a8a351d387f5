import type { Config } from './config.ts';
import type { Database } from './database.ts';
import { openPglite } from './pglite.ts';
import { openPostgresql } from './postgresql.ts';
import { type Replicas, watchReplicas } from './replicas.ts';

/** Opens the database that the configuration names: PostgreSQL when there is a URL, the embedded one otherwise. */
export const openDatabase = async ({
  databaseUrl,
  poolSize,
  dataFolder,
}: Config): Promise<Database> =>
  databaseUrl === null ? openPglite({ folder: dataFolder }) : openPostgresql(databaseUrl, poolSize);

/** The read replicas of a database that the configuration names; null when it names none. */
export const openReplicas = (
  { replicaUrls, poolSize }: Config,
  primary: Database,
): Replicas | null =>
  replicaUrls.length === 0
    ? null
    : watchReplicas(
        primary,
        replicaUrls.map((url) => openPostgresql(url, poolSize, primary)),
      );
