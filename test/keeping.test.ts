import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { dataTables, sequenceValues } from '../src/keeping/catalog.ts';
import { checkFiles } from '../src/keeping/check-files.ts';
import { type ExportOrder, exportInstallation, type Installation } from '../src/keeping/export.ts';
import { importInstallation } from '../src/keeping/import.ts';
import { type Manifest, readManifest } from '../src/keeping/manifest.ts';
import { checkDossier } from '../src/ledger/dossier-check.ts';
import { latestCheckpoint } from '../src/ledger/ledger-store.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { folderArchive } from '../src/platform/archive-store.ts';
import { folderStore } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import type { Database } from '../src/platform/database.ts';
import { migrate, readMigrations, unappliedMigrations } from '../src/platform/migrate.ts';
import { openPglite } from '../src/platform/pglite.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { OPERATIONS_FOLDER } from '../src/server/operations.ts';
import { openEmptyDatabase, openTestDatabase } from './setup/database.ts';
import { type FullInstallation, fillInstallation } from './setup/full-installation.ts';
import { openTestHindcast, type TestHindcast } from './setup/hindcast.ts';
import { append } from './setup/registration.ts';
import { withServerOn } from './setup/server-on.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const actor = localActor('tester');
const source = await openTestHindcast(actor, logRoutes, null, signer);
const folder = await mkdtemp(join(tmpdir(), 'hindcast-keeping-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const TRACE = await readFile(`${OPERATIONS_FOLDER}trace.graphql`, 'utf8');
const DOSSIER = `query ($prediction: PredictionLogReference!) { dossier(prediction: $prediction) { envelope } }`;

/** Everything that tables hold, by table: rows and a digest of them in any order. */
const contentOf = async (database: Database): Promise<Record<string, string>> => {
  const content: Record<string, string> = {};
  for (const { name, columns } of await dataTables(database)) {
    const list = [...columns].sort().map((column) => `"${column}"`);
    const text = await database.copyOut(name, list.join(', '), async (pieces) => {
      const chunks: Uint8Array[] = [];
      for await (const piece of pieces) chunks.push(piece);
      return Buffer.concat(chunks).toString();
    });
    const rows = text.split('\n').slice(0, -1).sort();
    const digest = createHash('sha256').update(rows.join('\n')).digest('hex').slice(0, 16);
    if (rows.length > 0) content[name] = `${rows.length} ${digest}`;
  }
  return content;
};

const tracesOf = async ({ ask }: Pick<TestHindcast, 'ask'>): Promise<readonly unknown[]> => {
  const traces = [];
  for (const prediction of full.predictions) {
    traces.push(await ask(TRACE, { prediction, knownAt: full.knownAt }));
  }
  return traces;
};

/** What a dossier made now proves; the trace in it says when it was asked for. */
const dossierOf = async ({ ask }: Pick<TestHindcast, 'ask'>): Promise<unknown> => {
  const prediction = full.predictions[0];
  const { dossier } = await ask<{ dossier: { envelope: string } }>(DOSSIER, { prediction });
  const { statement, problems } = checkDossier(dossier.envelope, [signer.verifierKey]);
  expect(problems).toEqual([]);
  return { ...statement, predicate: { ...statement?.predicate, createdAt: null, trace: null } };
};

const verify = async ({ database, artifacts, archive }: Installation) => {
  const note = (await latestCheckpoint(source.database))?.note ?? '';
  const keys = [signer.verifierKey];
  const witnesses = [{ note, where: 'kept' }];
  return verifyLedger(database, { keys, witnesses, artifacts, archive });
};

const exportTo = (
  installation: Installation,
  name: string,
  more: Partial<ExportOrder> = {},
): Promise<Manifest> =>
  exportInstallation(installation, {
    folder: join(folder, name),
    checkpoint: null,
    signingKey: null,
    allowMissing: false,
    ...more,
  });

/** A new installation, filled with an export. */
const importFrom = async (name: string, database: Database): Promise<Installation> => {
  afterAll(() => database.close());
  const files = join(folder, `${name}-files`);
  const installation = {
    database,
    artifacts: folderStore(join(files, 'artifacts')),
    archive: folderArchive(join(files, 'archive')),
  };
  const manifest = await readManifest(join(folder, name));
  await checkFiles(join(folder, name), manifest);
  await importInstallation(installation, join(folder, name), manifest);
  return installation;
};

let full: FullInstallation;
let before: {
  readonly content: Record<string, string>;
  readonly traces: readonly unknown[];
  readonly dossier: unknown;
};
/** The other engine where there is one, and the first one again. */
let other: Installation;
let again: Installation;

beforeAll(async () => {
  const context = { ...source, actor, inferenceUrl: null, signer };
  full = await fillInstallation(source, context, signer);
  before = {
    content: await contentOf(source.database),
    traces: await tracesOf(source),
    dossier: await dossierOf(source),
  };
  await exportTo(source, 'first');
  other = await importFrom('first', await openPglite({ memory: true }));
  await exportTo(other, 'second');
  again = await importFrom('second', await openTestDatabase());
}, 120_000);

describe.each([
  ['the embedded engine', () => other],
  ['an engine like the first, by way of the embedded one', () => again],
] as const)('an installation that moved to %s', (_, moved) => {
  it('has every row of every table, as it was', async () => {
    const content = await contentOf(moved().database);
    expect(content).toEqual(before.content);
    const empty = (await dataTables(source.database)).filter(
      ({ name, isPartition }) => !isPartition && before.content[name] === undefined,
    );
    expect(empty.map(({ name }) => name)).toEqual([]);
  });

  it('goes on with the numbers where they were', async () => {
    expect(await sequenceValues(moved().database)).toEqual(await sequenceValues(source.database));
  });

  it('verifies, files and all, under the checkpoint that was kept before', async () => {
    expect(await verify(moved())).toEqual(await verify(source));
    expect(await verify(moved())).toMatchObject({
      discrepancyCount: 0,
      artifacts: 1,
      archives: 1,
      pending: 0,
    });
  });

  it('answers traces and dossiers with what it answered before, and takes what comes next', async () => {
    const { database, ...stores } = moved();
    await withServerOn(database, { ...stores, signer }, async (server) => {
      expect(await tracesOf(server)).toEqual(before.traces);
      expect(await dossierOf(server)).toEqual(before.dossier);
      const answer = await append(server, [full.nextLine('next'), full.nextLine('in-log')]);
      expect(answer.at(-1)).toMatchObject({ summary: { stored: 1, duplicates: 1 } });
    });
    await sealLedger(database, signer);
    expect(await verify(moved())).toMatchObject({ discrepancyCount: 0, pending: 0 });
  });
});

describe('a database that was filled', () => {
  it('has the partitions, keys, triggers and indexes of any other', async () => {
    const catalog = async ({ database }: Pick<Installation, 'database'>) =>
      database.query({
        text: `SELECT text FROM (
            SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS text FROM pg_constraint
              WHERE contype IN ('p', 'f', 'c', 'u') AND connamespace = 'public'::regnamespace
            UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
              WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL SELECT pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text FROM pg_trigger t WHERE NOT tgisinternal
            UNION ALL SELECT c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) FROM pg_class c
              WHERE c.relispartition AND c.relkind = 'r'
          ) things ORDER BY text COLLATE "C"`,
      });
    expect(await catalog(again)).toEqual(await catalog(source));
  });
});

describe('an export', () => {
  it('is the same whichever engine it is of', async () => {
    const first = await readManifest(join(folder, 'first'));
    const second = await readManifest(join(folder, 'second'));
    const counts = ({ tables }: Manifest) => tables.map(({ name, rows }) => [name, rows]).sort();
    expect(counts(second)).toEqual(counts(first));
    expect(second.sequences).toEqual(first.sequences);
    expect([second.artifacts, second.archives]).toEqual([first.artifacts, first.archives]);
    expect([first.engine, second.engine]).toEqual([source.database.engine, 'pglite']);
  });

  it('leaves nothing behind when a file is gone, unless it may be', async () => {
    const { database } = source;
    const empty = folderArchive(join(folder, 'empty'));
    const lacking = { ...source, archive: empty };
    await expect(exportTo(lacking, 'lacking')).rejects.toThrow(
      new RegExp(
        `^sha256:[0-9a-f]{64} is altered or gone from ${empty.location}: put it back, or go`,
      ),
    );
    expect((await readdir(folder)).filter((name) => name.startsWith('lacking'))).toEqual([]);
    const { missing, archives } = await exportTo(lacking, 'lacking', { allowMissing: true });
    const [file] = await database.query<{ digest: string }>({
      text: `SELECT digest FROM log_archive_file f WHERE NOT EXISTS
        (SELECT FROM log_restoration r WHERE r.archive_id = f.archive_id)`,
    });
    expect([missing, archives]).toEqual([[file?.digest], []]);
  });

  it('of an older version goes into a database that is not migrated, and is brought up to date', async () => {
    const ours = await readMigrations();
    const older = await openEmptyDatabase();
    afterAll(() => older.close());
    await migrate(older, ours.slice(0, 5));
    await older.query({ text: `INSERT INTO model (name) VALUES ('old')` });
    const { migrations } = await exportTo({ ...source, database: older }, 'older');
    expect(migrations.map(({ name }) => name)).toEqual(ours.slice(0, 5).map(({ name }) => name));
    const moved = await importFrom('older', await openEmptyDatabase());
    expect(await unappliedMigrations(moved.database, ours)).toEqual([]);
    expect(await contentOf(moved.database)).toMatchObject({
      model: expect.stringMatching(/^1 /),
      ledger_batch: expect.stringMatching(/^1 /),
    });
    await expect(importFrom('older', await openTestDatabase())).rejects.toThrow(
      /^The export is from before migration \d+_\w+, which .* has\. Import into a database or folder that is not migrated/,
    );
  });

  it.runIf('url' in inject('template'))(
    'is of one moment while a server goes on, even into new weeks (needs TEST_DATABASE_URL)',
    async () => {
      const counts = { before: 0, after: 0 };
      const count = async () => {
        const text = 'SELECT count(*)::int AS count FROM prediction_log';
        const [row] = await source.database.query<{ count: number }>({ text });
        return row?.count ?? 0;
      };
      counts.before = await count();
      const artifacts = {
        ...source.artifacts,
        // Read after the moment of the export, and before its tables.
        read: async (digest: string) => {
          const occurredAt = '2026-05-05T00:00:00Z';
          await append(source, [
            full.nextLine('meanwhile'),
            { ...full.nextLine('week'), occurredAt },
          ]);
          counts.after = await count();
          return source.artifacts.read(digest);
        },
      };
      const { tables } = await exportTo({ ...source, artifacts }, 'meanwhile');
      const exported = tables
        .filter(({ name }) => name.startsWith('prediction_log'))
        .reduce((sum, { rows }) => sum + rows, 0);
      expect({ exported, ...counts }).toEqual({
        exported: counts.before,
        before: counts.before,
        after: counts.before + 2,
      });
    },
  );
});
