import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asPostgres, type PostgresServer, serverIn, startPostgres } from './postgres-server.ts';

export interface Replicated {
  readonly primary: PostgresServer;
  readonly replica: PostgresServer;
  readonly close: () => Promise<void>;
}

/** A PostgreSQL server and a streaming replica of it. */
export const startReplicated = async (): Promise<Replicated> => {
  const primary = await startPostgres();
  const data = join(primary.folder, 'replica');
  const source = primary.url.replace('/postgres', '/');
  await asPostgres('pg_basebackup', ['-d', source, '-D', data, '-R', '-c', 'fast', '--no-sync']);
  const replica = await serverIn(data);
  return {
    primary,
    replica,
    close: async () => {
      await replica.stop();
      await primary.stop();
      await rm(primary.folder, { recursive: true, force: true });
    },
  };
};
