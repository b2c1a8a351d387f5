import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { migrate, readMigrations } from '../src/platform/migrate.ts';
import { openPglite } from '../src/platform/pglite.ts';
import { runCommand } from './setup/command.ts';
import { openEmptyDatabase, urlOf } from './setup/database.ts';
import { eventually, MAIN, startProcess } from './setup/process.ts';

const isShared = 'url' in inject('template');
const ours = (await readMigrations()).map(({ name }) => name);

/** A database that processes open, and the way to change it while none has it open. */
interface Place {
  readonly variables: NodeJS.ProcessEnv;
  readonly query: <Row>(...statements: readonly string[]) => Promise<readonly Row[]>;
  readonly close: () => Promise<void>;
}

const embedded = async (): Promise<Place> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-upgrade-'));
  return {
    variables: { HINDCAST_DATA: folder },
    query: async <Row>(...statements: readonly string[]) => {
      const database = await openPglite({ folder });
      let rows: readonly Row[] = [];
      for (const text of statements) rows = await database.query<Row>({ text });
      await database.close();
      return rows;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
};

const placeOf = (database: Database): Place => ({
  variables: { DATABASE_URL: urlOf(database) },
  query: async <Row>(...statements: readonly string[]) => {
    let rows: readonly Row[] = [];
    for (const text of statements) rows = await database.query<Row>({ text });
    return rows;
  },
  close: database.close,
});

const openPlace = async (): Promise<Place> =>
  isShared ? placeOf(await openEmptyDatabase()) : embedded();

const recorded = async ({ query }: Place): Promise<readonly string[]> =>
  (
    await query<{ name: string }>(
      'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1',
    )
  ).map(({ name }) => name);

const TABLES = `SELECT relname::text AS name FROM pg_class
  WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY 1`;

/** Connections that are at something. */
const OTHERS = `SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`;

/** An embedded database begins as a copy of a migrated one. */
const EMPTY = isShared ? [] : ['DROP SCHEMA public CASCADE', 'CREATE SCHEMA public'];

describe('a migration that the database refuses', () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place.close());

  it('is named with its remedy and leaves nothing; when the cause is mended, the next try applies it', async () => {
    // Half of the first migration works before it comes to this name.
    await place.query(...EMPTY, 'CREATE TABLE endpoint (id int)');
    for (const command of ['migrate', 'serve']) {
      expect(await runCommand([command], place.variables)).toEqual({
        code: 1,
        stdout: '',
        stderr: `hindcast: Migration ${ours[0]} was refused by the database and undone: relation "endpoint" already exists. Mend what it names, and run \`hindcast migrate\` again.\n`,
      });
    }
    expect(await place.query(TABLES)).toEqual([
      { name: '_prisma_migrations' },
      { name: 'endpoint' },
    ]);
    expect(await recorded(place)).toEqual([]);

    await place.query('DROP TABLE endpoint');
    const { code, stdout } = await runCommand(['migrate', '--json'], place.variables);
    expect([code, JSON.parse(stdout).applied]).toEqual([0, ours]);
    expect(await recorded(place)).toEqual(ours);
  });
});

describe('a database that this version does not fit', () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
    await runCommand(['migrate'], place.variables);
  });
  afterAll(() => place.close());

  const SERVE = ['serve', '--port', '0'];

  it.each([
    {
      what: 'a newer version migrated it',
      change: `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
        VALUES ('later', 'c', '99990101000000_later', now(), 1)`,
      back: `DELETE FROM _prisma_migrations WHERE id = 'later'`,
      commands: [SERVE, [...SERVE, '--no-migrate'], ['ingest', '-'], ['verify']],
      message:
        'The database has migration 99990101000000_later, which this version of Hindcast does not know. It was written by a newer version: install that version or later.',
    },
    {
      what: 'a migration was edited after it was applied',
      change: `UPDATE _prisma_migrations SET checksum = reverse(checksum) WHERE migration_name = '${ours[1]}'`,
      back: `UPDATE _prisma_migrations SET checksum = reverse(checksum) WHERE migration_name = '${ours[1]}'`,
      commands: [SERVE, ['verify']],
      message: `Migration ${ours[1]} was edited after it was applied`,
    },
    {
      what: 'a migration failed half-way',
      change: `UPDATE _prisma_migrations SET finished_at = NULL, logs = 'no room' WHERE migration_name = '${ours[1]}'`,
      back: `UPDATE _prisma_migrations SET finished_at = now(), logs = NULL WHERE migration_name = '${ours[1]}'`,
      commands: [[...SERVE, '--no-migrate'], ['migrate']],
      message: `Migration ${ours[1]} failed half-way: no room. Undo what it left behind, then run`,
    },
  ])('is refused by every command when $what', async ({ change, back, commands, message }) => {
    await place.query(change);
    for (const args of commands) {
      const { code, stdout, stderr } = await runCommand(args, place.variables);
      expect([args, code, stdout, stderr.slice(0, 10 + message.length)]).toEqual([
        args,
        1,
        '',
        `hindcast: ${message}`,
      ]);
      expect(stderr.trimEnd()).not.toContain('\n');
    }
    await place.query(back);
  });
});

describe.runIf(isShared)('servers that migrate one PostgreSQL (needs TEST_DATABASE_URL)', () => {
  let place: Place;
  let database: Database;
  beforeAll(async () => {
    database = await openEmptyDatabase();
    place = placeOf(database);
  });
  afterAll(() => place.close());

  it('leave nothing half-done when they are killed in the middle, and the next one goes on', async () => {
    const client = new pg.Client({ connectionString: place.variables.DATABASE_URL });
    await client.connect();
    await migrate(database, []);
    // The first migration is carried out, and waits before it is recorded.
    await client.query('BEGIN');
    await client.query('LOCK TABLE _prisma_migrations IN SHARE MODE');
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0'], {
      env: { ...process.env, ...place.variables },
      stdio: 'ignore',
    });
    await eventually(async () => {
      const rows = await database.query({
        text: `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
          AND query LIKE 'INSERT INTO _prisma_migrations%'`,
      });
      return rows.length === 1;
    });
    child.kill('SIGKILL');
    await once(child, 'close');
    await client.query('COMMIT');
    await client.end();
    await eventually(async () => (await place.query(OTHERS)).length === 0);
    expect(await place.query(TABLES)).toEqual([{ name: '_prisma_migrations' }]);
    expect(await recorded(place)).toEqual([]);
  });

  it('both come up when they start together, and each migration is applied once', async () => {
    const servers = await Promise.all([
      startProcess(place.variables),
      startProcess(place.variables),
    ]);
    for (const server of servers) {
      expect((await server.fetch('/health/ready')).status).toBe(200);
    }
    expect(await recorded(place)).toEqual(ours);
  });
});
