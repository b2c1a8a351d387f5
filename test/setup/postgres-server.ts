import { execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Folder of the newest PostgreSQL that Debian installed; null when there is none. */
const serverBinaries = async (): Promise<string | null> => {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch((): string[] => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? null : join(root, newest, 'bin');
};

export const binaries = await serverBinaries();

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });

/** PostgreSQL does not run as root: then as the user whom Debian made for it. */
const isRoot = process.getuid?.() === 0;

/** Runs one of PostgreSQL's programs. */
export const asPostgres = async (program: string, args: readonly string[]): Promise<string> => {
  const command = join(binaries ?? '', program);
  const { stdout } = isRoot
    ? await run('runuser', ['-u', 'postgres', '--', command, ...args])
    : await run(command, [...args]);
  return stdout;
};

export interface PostgresServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** Starts a server on the data of a folder. */
export const serverIn = async (folder: string): Promise<PostgresServer> => {
  const port = await freePort();
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c shared_buffers=16MB`;
  const server = {
    url: `postgresql://hindcast@127.0.0.1:${port}/postgres`,
    start: async () => {
      // Its output goes nowhere: whoever inherits a pipe keeps it open.
      const args = ['-D', folder, '-w', '-l', `${folder}.log`, '-o', options, 'start'];
      const command = join(binaries ?? '', 'pg_ctl');
      const child = isRoot
        ? spawn('runuser', ['-u', 'postgres', '--', command, ...args], { stdio: 'ignore' })
        : spawn(command, args, { stdio: 'ignore' });
      await new Promise<void>((resolve, reject) => {
        child.once('close', (code) =>
          code === 0 ? resolve() : reject(new Error(`PostgreSQL did not start in ${folder}.`)),
        );
      });
    },
    stop: async () => {
      await asPostgres('pg_ctl', ['-D', folder, '-w', '-m', 'immediate', 'stop']).catch(() => '');
    },
  };
  await server.start();
  return server;
};

/** A PostgreSQL server of its own, on loopback. */
export const startPostgres = async (): Promise<PostgresServer & { readonly folder: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-postgres-'));
  if (isRoot) {
    const { stdout } = await run('id', ['-u', 'postgres']);
    await chown(folder, Number(stdout), 0);
  }
  const data = join(folder, 'data');
  await asPostgres('initdb', [
    ...['-D', data, '-U', 'hindcast', '--auth=trust', '--no-sync', '-E', 'UTF8'],
    '--locale=C.UTF-8',
  ]);
  return { ...(await serverIn(data)), folder };
};
