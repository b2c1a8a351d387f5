import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Clients, startClients } from './setup/clients.ts';
import { expectVerified } from './setup/command.ts';
import { smallDisk } from './setup/full-disk.ts';
import { binaries, type PostgresServer, startPostgres } from './setup/postgres-server.ts';
import { eventually, type ServerProcess, startProcess } from './setup/process.ts';
import { field, line, type RegisteredVersion, type Route, served } from './setup/registration.ts';
import { type SlowPath, startSlowPath } from './setup/slow-path.ts';

const isPossible = binaries !== null && 'url' in inject('template');

/** `npm run torture` keeps the database away longer, and cuts more often. */
const OUTAGE = Number(process.env.TORTURE_OUTAGE_MS ?? 2500);
const CUTS = Number(process.env.TORTURE_CUTS ?? 6);

const STATEMENTS = {
  COPY: 'COPY prediction_log%',
  trace: 'SELECT l.place%',
} as const;

let postgres: PostgresServer & { readonly folder: string };
let path: SlowPath;
let hindcast: ServerProcess;
let version: RegisteredVersion;
let endpoint: Route;
const acknowledged = new Set<string>();

const health = async (server: ServerProcess): Promise<readonly [number, number, unknown]> => {
  const live = await server.fetch('/health/live');
  const ready = await server.fetch('/health/ready');
  expect(ready.headers.has('retry-after')).toBe(ready.status === 503);
  const { reason = null } = (await ready.json()) as { reason?: string };
  await live.text();
  return [live.status, ready.status, reason];
};

const connected = async (work: (client: pg.Client) => Promise<void>): Promise<void> => {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
};

/** Runs `work` while nobody gets at the log; `work` looks through a connection of its own. */
const whileLocked = (work: (observer: pg.Client) => Promise<void>): Promise<void> =>
  connected(async (locking) => {
    await locking.query('BEGIN');
    await locking.query('LOCK TABLE prediction_log IN ACCESS EXCLUSIVE MODE');
    await connected(work);
    await locking.query('COMMIT');
  });

/** Ends the connections that run such a statement now; returns how many. */
const cutAt = async (observer: pg.Client, statement: string): Promise<number> => {
  const { rows } = await observer.query(
    `SELECT count(pg_terminate_backend(pid))::int AS cut FROM pg_stat_activity
      WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE $1`,
    [statement],
  );
  return rows[0].cut;
};

/** Requests to append a record, with one of the same content each. */
const appending = async (server: ServerProcess, times: number): Promise<readonly Response[]> =>
  Promise.all(
    Array.from({ length: times }, () =>
      server.fetch('/v1/predictions', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: JSON.stringify(line(version, endpoint, { distance: 1 })),
      }),
    ),
  );

/** Ends the clients; nothing that they were told was wrong, and the server is as well as before. */
const expectUnharmed = async (clients: Clients): Promise<void> => {
  await eventually(async () => (await health(hindcast))[1] === 200);
  await clients.stop();
  for (const id of clients.acknowledged) acknowledged.add(id);
  expect(hindcast.log.filter(({ msg }) => msg === 'unexpected')).toEqual([]);
};

describe.runIf(isPossible)(
  'clients of a server whose PostgreSQL fails (needs TEST_DATABASE_URL and the binaries of PostgreSQL)',
  { timeout: 180_000 },
  () => {
    beforeAll(async () => {
      postgres = await startPostgres();
      path = await startSlowPath(postgres.url);
      hindcast = await startProcess({
        DATABASE_URL: path.url,
        DATABASE_WAIT_SECONDS: '5',
        HINDCAST_SEAL_SECONDS: '1',
      });
      ({ version, endpoint } = await served(hindcast, [field('distance')]));
    });
    afterAll(async () => {
      await hindcast?.kill('SIGKILL');
      await path?.close();
      await postgres?.stop();
      await rm(postgres.folder, { recursive: true, force: true });
    });

    it('are told to ask again while it is stopped, and lose nothing', async () => {
      const clients = startClients(hindcast, version, endpoint);
      await clients.during(eventually(async () => clients.acknowledged.size >= 100));
      await postgres.stop();
      const start = Date.now();
      do {
        expect((await health(hindcast)).slice(0, 2)).toEqual([200, 503]);
        await delay(250);
      } while (Date.now() - start < OUTAGE);
      await postgres.start();
      await expectUnharmed(clients);
      expect(clients.refusals()).toBeGreaterThan(0);
    });

    it.each(['COPY', 'trace'] as const)(
      'lose nothing when connections are cut in the middle of %s',
      async (kind) => {
        const clients = startClients(hindcast, version, endpoint, { lines: 500 });
        // There has to be something to trace.
        await clients.during(eventually(async () => clients.acknowledged.size > 0));
        let cuts = 0;
        while (cuts < CUTS) {
          // Whoever is at it waits for the lock, so that it is cut and not missed.
          await whileLocked(async (observer) => {
            cuts += await clients.during(eventually(() => cutAt(observer, STATEMENTS[kind])));
          });
          expect((await health(hindcast))[0]).toBe(200);
        }
        await expectUnharmed(clients);
        expect(clients.refusals()).toBeGreaterThan(0);
      },
    );

    it('are answered rightly when it is slow', async () => {
      const clients = startClients(hindcast, version, endpoint);
      path.slowDown(40);
      await clients.during(eventually(async () => clients.acknowledged.size >= 60));
      expect(await health(hindcast)).toEqual([200, 200, null]);
      path.slowDown(0);
      await expectUnharmed(clients);
      expect(clients.refusals()).toBe(0);
    });

    it('wait while nothing comes from it, and get their answers when something does', async () => {
      const clients = startClients(hindcast, version, endpoint);
      await clients.during(eventually(async () => clients.acknowledged.size >= 100));
      const resume = path.stall();
      expect(await health(hindcast)).toEqual([200, 503, 'The database did not answer within 2 s.']);
      await delay(OUTAGE);
      resume();
      await expectUnharmed(clients);
    });

    it('are told to ask again when a lock keeps them waiting, and go on when it is gone', async () => {
      await whileLocked(async (observer) => {
        // More than there are connections: some wait for the lock, and the others for a connection.
        const answers = appending(hindcast, 14);
        await eventually(async () => {
          const { rows } = await observer.query(
            `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
          );
          return rows[0].waiting === 10;
        });
        expect(await health(hindcast)).toEqual([
          200,
          503,
          'The database did not answer within 2 s.',
        ]);
        for (const response of await answers) {
          expect(await response.json()).toMatchObject({ error: { code: 'UNAVAILABLE' } });
          expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
        }
      });
      const clients = startClients(hindcast, version, endpoint);
      await clients.during(eventually(async () => clients.acknowledged.size >= 100));
      await expectUnharmed(clients);
    });

    it('find every acknowledged record once, and nothing that should not be', async () => {
      await connected(async (client) => {
        const { rows } = await client.query('SELECT request_id FROM prediction_log');
        expect(rows.map(({ request_id: id }) => id).sort()).toEqual([...acknowledged].sort());
      });
      await hindcast.kill('SIGTERM');
      await expectVerified({ DATABASE_URL: postgres.url });
    });

    it('are told to ask again while its disk is full, and read what is there', async () => {
      const disk = await smallDisk(postgres);
      try {
        const variables = { DATABASE_URL: disk.url, HINDCAST_SEAL_SECONDS: '1' };
        const server = await startProcess(variables);
        ({ version, endpoint } = await served(server, [field('distance')]));
        const clients = startClients(server, version, endpoint, { tracing: 2, lines: 500 });
        await clients.during(eventually(async () => clients.acknowledged.size >= 1000));
        await disk.fill();
        await clients.during(eventually(async () => clients.refusals() >= 5));
        expect(await health(server)).toEqual([200, 503, 'The disk of the database is full.']);
        expect(await server.ask('{ models(first: 1) { nodes { name } } }')).toMatchObject({
          models: { nodes: [{}] },
        });
        await disk.empty();
        await eventually(async () => (await health(server))[1] === 200);
        const before = clients.acknowledged.size;
        await clients.during(eventually(async () => clients.acknowledged.size >= before + 1000));
        await clients.stop();
        expect(server.log.filter(({ msg }) => msg === 'unexpected')).toEqual([]);
        await server.kill('SIGTERM');
        expect(await expectVerified(variables)).toMatchObject({
          predictions: clients.acknowledged.size,
        });
      } finally {
        await disk.close();
      }
    });
  },
);
