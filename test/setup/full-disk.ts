import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { PostgresServer } from './postgres-server.ts';

const run = promisify(execFile);

/** A database whose disk can be filled. */
export interface SmallDisk {
  readonly url: string;
  readonly fill: () => Promise<void>;
  readonly empty: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const MEGABYTES = 96;

const inDatabase = async (url: string, ...statements: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const text of statements) await client.query(text);
  await client.end();
};

/** A file system of its own; null where nobody may mount one. */
const mountSmall = async (): Promise<string | null> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', folder]);
    await run('chown', ['postgres', folder]);
    await chmod(folder, 0o700);
    return folder;
  } catch {
    await rm(folder, { recursive: true, force: true });
    return null;
  }
};

/** A real one: its data are in a small file system, which a file fills to the last byte. */
const mounted = async (server: PostgresServer, disk: string): Promise<SmallDisk> => {
  const filler = join(disk, 'filler');
  await inDatabase(
    server.url,
    `CREATE TABLESPACE small LOCATION '${disk}'`,
    'CREATE DATABASE small TABLESPACE small',
  );
  return {
    url: server.url.replace(/\/postgres$/, '/small'),
    fill: async () => {
      const { bavail, bsize } = await statfs(disk);
      // Whatever the database takes meanwhile is missing at the end.
      await writeFile(filler, Buffer.alloc(bavail * bsize, 1)).catch(() => {});
    },
    empty: () => rm(filler),
    close: async () => {
      await run('umount', ['--lazy', disk]);
      await rm(disk, { recursive: true, force: true });
    },
  };
};

/** One that says the same: every statement that writes a record or takes room is refused as PostgreSQL refuses it. */
const pretended = async (server: PostgresServer): Promise<SmallDisk> => {
  const url = server.url.replace(/\/postgres$/, '/small');
  await inDatabase(server.url, 'CREATE DATABASE small');
  return {
    url,
    fill: () =>
      inDatabase(
        url,
        `CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$`,
        `CREATE FUNCTION no_room_for_rows() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$`,
        'CREATE TRIGGER no_room BEFORE INSERT ON ledger_batch EXECUTE FUNCTION no_room_for_rows()',
        'CREATE EVENT TRIGGER no_room ON ddl_command_start EXECUTE FUNCTION no_room()',
      ),
    empty: () =>
      inDatabase(
        url,
        'DROP EVENT TRIGGER no_room',
        'DROP TRIGGER no_room ON ledger_batch',
        'DROP FUNCTION no_room(), no_room_for_rows()',
      ),
    close: async () => {},
  };
};

/** A database on a disk that can be filled; where nothing may be mounted, one that refuses in the same words. */
export const smallDisk = async (server: PostgresServer): Promise<SmallDisk> => {
  const disk = await mountSmall();
  return disk === null ? pretended(server) : mounted(server, disk);
};
