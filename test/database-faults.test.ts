import { rm } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { binaries, type PostgresServer, startPostgres } from './setup/postgres-server.ts';
import { eventually, type ServerProcess, startProcess } from './setup/process.ts';
import { append, field, line, type RegisteredVersion, served } from './setup/registration.ts';

const isPossible = binaries !== null && 'url' in inject('template');

let postgres: PostgresServer & { readonly folder: string };
let hindcast: ServerProcess;
let version: RegisteredVersion;
let endpoint: { readonly name: string; readonly environment: string };
/** Records that were acknowledged so far. */
let acknowledged = 0;

const statusOf = async (path: string): Promise<number> => {
  const response = await hindcast.fetch(path);
  await response.text();
  return response.status;
};

/** Appends one record; how it was answered. */
const appendOne = async (): Promise<number> => {
  const response = await hindcast.fetch('/v1/predictions', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${JSON.stringify(line(version, endpoint, { distance: 1 }))}\n`,
  });
  const text = await response.text();
  if (response.status === 200 && text.includes('"stored":1')) acknowledged += 1;
  else expect(text).toContain('"code":"UNAVAILABLE"');
  return response.status;
};

const query = async (document: string): Promise<readonly [number, string | undefined]> => {
  const response = await hindcast.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: document }),
  });
  const { errors } = (await response.json()) as {
    errors?: readonly { extensions: { code: string } }[];
  };
  return [response.status, errors?.[0]?.extensions.code];
};

const READ = '{ models(first: 1) { nodes { name } } endpoints(first: 1) { nodes { name } } }';
const WRITE = `mutation { recordRuntimeEnvironment(input: { runtime: "cpython 3.13.0", platform: "linux/amd64", packages: [] }) {
  __typename } }`;

/** Alive throughout, without a restart, and with no error that nobody foresaw. */
const expectUnharmed = async (): Promise<void> => {
  await eventually(async () => (await statusOf('/health/ready')) === 200);
  expect(await appendOne()).toBe(200);
  expect(await query(READ)).toEqual([200, undefined]);
  expect(hindcast.log.filter(({ msg }) => msg === 'unexpected')).toEqual([]);
};

const admin = async (...statements: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  for (const text of statements) await client.query(text);
  await client.end();
};

describe.runIf(isPossible)(
  'a server whose PostgreSQL fails (needs TEST_DATABASE_URL and the binaries of PostgreSQL)',
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      postgres = await startPostgres();
      hindcast = await startProcess({ DATABASE_URL: postgres.url, HINDCAST_SEAL_SECONDS: '1' });
      ({ version, endpoint } = await served(hindcast, [field('distance')]));
      await append(hindcast, [line(version, endpoint, { distance: 1 })]);
      acknowledged = 1;
    });
    afterAll(async () => {
      await hindcast?.kill('SIGKILL');
      await postgres?.stop();
      await rm(postgres.folder, { recursive: true, force: true });
    });

    it('says 503 while it is down, and goes on when it is back', async () => {
      await postgres.stop();
      expect(await appendOne()).toBe(503);
      expect(await query(READ)).toEqual([503, 'UNAVAILABLE']);
      expect(await query(WRITE)).toEqual([503, 'UNAVAILABLE']);
      expect([await statusOf('/health/live'), await statusOf('/health/ready')]).toEqual([200, 503]);
      await postgres.start();
      await expectUnharmed();
    });

    it('survives connections that are cut in the middle of their statements', async () => {
      const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'hindcast%' AND pid <> pg_backend_pid()`;
      for (let times = 0; times < 5; times += 1) {
        const work = [appendOne(), appendOne(), appendOne()];
        await admin(cut, cut);
        for (const status of await Promise.all(work)) expect([200, 503]).toContain(status);
        expect(await statusOf('/health/live')).toBe(200);
      }
      await expectUnharmed();
    });

    it('says 503 when it has no connection left, and goes on when it has', async () => {
      const others: pg.Client[] = [];
      const fill = async (): Promise<void> => {
        for (;;) {
          const other = new pg.Client({ connectionString: postgres.url });
          other.on('error', () => {});
          try {
            await other.connect();
          } catch {
            return;
          }
          others.push(other);
        }
      };
      try {
        await fill();
        // The server's own go last: whatever it gives up is taken from it.
        await eventually(async () => {
          const cut = await others[0]?.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name LIKE 'hindcast%'`);
          await fill();
          return cut?.rowCount === 0;
        });
        expect(await appendOne()).toBe(503);
        expect(await query(READ)).toEqual([503, 'UNAVAILABLE']);
        expect([await statusOf('/health/live'), await statusOf('/health/ready')]).toEqual([
          200, 503,
        ]);
      } finally {
        await Promise.all(others.map((other) => other.end()));
      }
      await expectUnharmed();
    });

    it('reads from a database that takes no writes, and says 503 to those', async () => {
      await admin('ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()');
      await eventually(async () => (await statusOf('/health/ready')) === 503);
      expect(await appendOne()).toBe(503);
      expect(await query(WRITE)).toEqual([503, 'UNAVAILABLE']);
      expect(await query(READ)).toEqual([200, undefined]);
      await admin(
        'SET default_transaction_read_only = off',
        'ALTER SYSTEM RESET default_transaction_read_only',
        'SELECT pg_reload_conf()',
      );
      await expectUnharmed();
    });

    it('has every record that it acknowledged', async () => {
      const client = new pg.Client({ connectionString: postgres.url });
      await client.connect();
      const { rows } = await client.query('SELECT count(*)::int AS count FROM prediction_log');
      await client.end();
      expect(rows[0].count).toBeGreaterThanOrEqual(acknowledged);
    });
  },
);
