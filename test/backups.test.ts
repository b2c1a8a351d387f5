import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { latestCheckpoint } from '../src/ledger/ledger-store.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { localActor } from '../src/platform/context.ts';
import type { Database } from '../src/platform/database.ts';
import { migrate } from '../src/platform/migrate.ts';
import { openPglite } from '../src/platform/pglite.ts';
import { openPostgresql } from '../src/platform/postgresql.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { OPERATIONS_FOLDER } from '../src/server/operations.ts';
import { openTestHindcast, type TestHindcast } from './setup/hindcast.ts';
import {
  asPostgres,
  binaries,
  type PostgresServer,
  serverIn,
  startPostgres,
} from './setup/postgres-server.ts';
import { databaseAt } from './setup/postgresql-database.ts';
import { append, field, line, served } from './setup/registration.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const folder = await mkdtemp(join(tmpdir(), 'hindcast-backups-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const TRACE = await readFile(`${OPERATIONS_FOLDER}trace.graphql`, 'utf8');

/** A server on a database, which the test closes. */
const serverOn = (database: Database): Promise<TestHindcast> =>
  openTestHindcast(localActor('tester'), logRoutes, null, signer, { database });

interface Filled {
  readonly prediction: object;
  /** Answers of traces as of this moment. */
  readonly knownAt: string;
  readonly trace: unknown;
  readonly note: string;
}

const checkpointOf = async (database: Database): Promise<string> =>
  (await latestCheckpoint(database))?.note ?? '';

const traceOf = async (database: Database, filled: Pick<Filled, 'prediction' | 'knownAt'>) => {
  const { prediction, knownAt } = filled;
  return (await serverOn(database)).ask(TRACE, { prediction, knownAt });
};

/** A sealed prediction; what is known of it. */
const fill = async (database: Database): Promise<Filled> => {
  const hindcast = await serverOn(database);
  const { version, endpoint } = await served(hindcast, [field('distance')]);
  const record = line(version, endpoint, { distance: 'NaN' });
  await append(hindcast, [record]);
  await sealLedger(database, signer);
  const known = {
    prediction: { request: { endpoint, requestId: record.requestId } },
    knownAt: new Date().toISOString(),
  };
  const trace = await traceOf(database, known);
  return { ...known, trace, note: await checkpointOf(database) };
};

/** What verification finds, under checkpoints that were kept elsewhere. */
const found = async (database: Database, notes: readonly string[]) => {
  const { artifacts, archive } = await serverOn(database);
  const { predictions, discrepancies } = await verifyLedger(database, {
    keys: [signer.verifierKey],
    witnesses: notes.map((note) => ({ note, where: 'kept' })),
    artifacts,
    archive,
  });
  return { predictions, found: discrepancies.map(({ kind, row }) => `${kind} ${row}`) };
};

describe.runIf('dump' in inject('template'))('the folder of an embedded database', () => {
  const open = (name: string): Promise<Database> => openPglite({ folder: join(folder, name) });

  it('is a backup when it is copied while no server has it open', async () => {
    const database = await open('original');
    await migrate(database);
    const filled = await fill(database);
    await database.close();
    await cp(join(folder, 'original'), join(folder, 'copy'), { recursive: true });
    const copy = await open('copy');
    try {
      expect(await found(copy, [filled.note])).toEqual({ predictions: 1, found: [] });
      expect(await traceOf(copy, filled)).toEqual(filled.trace);
    } finally {
      await copy.close();
    }
  }, 60_000);

  it('is made again when making it was cut off, and only then', async () => {
    const cutOff = join(folder, 'cut-off');
    await mkdir(join(cutOff, 'pgdata'), { recursive: true });
    await writeFile(join(cutOff, 'pgdata', 'PG_VERSION'), '1');
    await writeFile(join(cutOff, 'pgdata.unfinished'), '');
    await expect(openPglite({ folder: cutOff, beginning: 'none' })).rejects.toThrow(
      `${cutOff} holds no embedded database.`,
    );
    for (const models of [0n, 1n]) {
      const database = await open('cut-off');
      await migrate(database);
      const [row] = await database.query({ text: 'SELECT count(*) AS models FROM model' });
      expect(row).toEqual({ models });
      await database.query({ text: `INSERT INTO model (name) VALUES ('model-${models}')` });
      await database.close();
      expect(await readdir(cutOff)).toEqual(['pgdata']);
    }
  }, 60_000);
});

const run = promisify(execFile);

describe.runIf(binaries !== null && 'url' in inject('template'))(
  'a PostgreSQL (needs TEST_DATABASE_URL and the binaries of PostgreSQL)',
  { timeout: 120_000 },
  () => {
    let postgres: PostgresServer & { readonly folder: string };
    let database: Database;
    let filled: Filled;

    beforeAll(async () => {
      postgres = await startPostgres();
      database = openPostgresql(postgres.url, 4);
      await migrate(database);
      filled = await fill(database);
    }, 120_000);
    afterAll(async () => {
      await database?.close();
      await postgres?.stop();
      if (postgres !== undefined) await rm(postgres.folder, { recursive: true, force: true });
    });

    it('comes back from pg_dump with every digest', async () => {
      const file = join(folder, 'hindcast.dump');
      const program = (name: string) => join(binaries ?? '', name);
      await run(program('pg_dump'), ['-Fc', '-d', postgres.url, '-f', file]);
      await database.query({ text: 'CREATE DATABASE restored TEMPLATE template0' });
      const url = databaseAt(postgres.url, 'restored');
      await run(program('pg_restore'), ['--exit-on-error', '-d', url, file]);
      const restored = openPostgresql(url, 4);
      try {
        expect(await found(restored, [filled.note])).toEqual({ predictions: 1, found: [] });
        expect(await traceOf(restored, filled)).toEqual(filled.trace);
      } finally {
        await restored.close();
      }
    });

    it('comes back from a base backup, and a later checkpoint says what is lost', async () => {
      const copy = join(postgres.folder, 'copy');
      const from = databaseAt(postgres.url, '');
      await asPostgres('pg_basebackup', ['-d', from, '-D', copy, '-c', 'fast', '--no-sync']);
      await fill(database);
      const later = await checkpointOf(database);
      const server = await serverIn(copy);
      const restored = openPostgresql(server.url, 4);
      try {
        expect(await found(restored, [filled.note])).toEqual({ predictions: 1, found: [] });
        expect(await traceOf(restored, filled)).toEqual(filled.trace);
        expect(await found(restored, [later])).toEqual({
          predictions: 1,
          found: ['ROLLED_BACK kept'],
        });
      } finally {
        await restored.close();
        await server.stop();
      }
    });
  },
);
