import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { VerificationReport } from '../src/ledger/verify.ts';
import { openPglite } from '../src/platform/pglite.ts';
import { unique } from './setup/database.ts';
import { copyDatabase, dropDatabase } from './setup/postgresql-database.ts';
import { type ServerProcess, startProcess } from './setup/process.ts';
import { append, field, line, type RegisteredVersion, served } from './setup/registration.ts';

/** The command as it is installed. */
const MAIN = fileURLToPath(new URL('../dist/command/main.js', import.meta.url));

const template = inject('template');
const server = 'url' in template ? template : null;

let folder = '';
/** The database on PostgreSQL; null for the embedded one, which is in the folder. */
let url: string | null = null;
let close = async (): Promise<void> => {};

const variables = (): NodeJS.ProcessEnv => ({
  HINDCAST_DATA: folder,
  HINDCAST_SEAL_SECONDS: '1',
  ...(url === null ? {} : { DATABASE_URL: url }),
});

const sql = async (at: string, statements: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: at });
  await client.connect();
  for (const text of statements) await client.query(text);
  await client.end();
};

const nameOf = (at: string): string => new URL(at).pathname.slice(1);

/** Copies the database as it is: files on either engine. */
const backUp = async (): Promise<string> => {
  const copy = unique('backup').replaceAll('-', '_');
  if (url === null || server === null) {
    await cp(join(folder, 'pgdata'), join(folder, copy), { recursive: true });
  } else {
    await copyDatabase(server.url, copy, nameOf(url), server.nodes);
  }
  return copy;
};

const restore = async (copy: string): Promise<void> => {
  if (url === null || server === null) {
    await rm(join(folder, 'pgdata'), { recursive: true });
    await cp(join(folder, copy), join(folder, 'pgdata'), { recursive: true });
  } else {
    await dropDatabase(server.url, nameOf(url), server.nodes);
    await copyDatabase(server.url, nameOf(url), copy, server.nodes);
  }
};

/** Runs statements as the owner of the database, without the program. */
const behindItsBack = async (statements: readonly string[]): Promise<void> => {
  if (url !== null) return sql(url, statements);
  const database = await openPglite({ folder });
  for (const text of statements) await database.query({ text });
  await database.close();
};

const verify = async (): Promise<{
  readonly code: number | null;
  readonly report: VerificationReport;
}> => {
  const { DATABASE_URL: _, ...rest } = process.env;
  const child = spawn(process.execPath, [MAIN, 'verify', '--json'], {
    env: { ...rest, ...variables() },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, report: JSON.parse(text) as VerificationReport };
};

let version: RegisteredVersion;
let endpoint: { readonly name: string; readonly environment: string };

/** Runs a server that stores some predictions, each an entry of the ledger, and seals them when it ends. */
const serve = async (predictions: number): Promise<ServerProcess> => {
  const server = await startProcess(variables());
  if (version === undefined) ({ version, endpoint } = await served(server, [field('a')]));
  for (let count = 0; count < predictions; count += 1) {
    await append(server, [line(version, endpoint, { a: count })]);
  }
  await server.kill('SIGTERM');
  return server;
};

describe('a database that was put back', { timeout: 120_000 }, () => {
  let older = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hindcast-restored-'));
    if (server !== null) {
      // Nobody is connected to it between one server and the next, so that it can be copied.
      const name = unique('restored').replaceAll('-', '_');
      url = await copyDatabase(server.url, name, server.empty, server.nodes);
    }
    await serve(1);
    older = await backUp();
    await serve(2);
    close = async () => {
      if (server === null || url === null) return;
      for (const name of [nameOf(url), older]) await dropDatabase(server.url, name, server.nodes);
    };
  }, 120_000);
  afterAll(async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });

  it('holds as long as it is what it was', async () => {
    const { code, report } = await verify();
    expect(report.discrepancies).toEqual([]);
    expect(code).toBe(0);
  });

  it('is told when it is older, also after it grew beyond what was kept', async () => {
    await restore(older);
    const rolledBack = await verify();
    expect(rolledBack.code).toBe(1);
    const [kept] = rolledBack.report.discrepancies;
    expect(rolledBack.report.discrepancies).toEqual([
      {
        kind: 'ROLLED_BACK',
        source: 'checkpoint',
        row: expect.stringContaining(join(folder, 'checkpoints')),
        message: expect.stringMatching(/the database is older than it, or its end was cut off$/),
      },
    ]);
    const { log } = await serve(9);
    expect(log).toContainEqual(
      expect.objectContaining({
        msg: expect.stringMatching(/^the ledger does not continue the checkpoint that was kept: /),
      }),
    );
    const grown = await verify();
    expect(grown.report.discrepancies).toEqual([
      {
        kind: 'ALTERED',
        source: 'checkpoint',
        row: kept?.row,
        message: expect.stringMatching(/^the ledger's first \d+ entries have another root/),
      },
    ]);
  });

  it('is told when its ledger was begun anew, under another name', async () => {
    await behindItsBack([
      'SET session_replication_role = replica',
      'UPDATE ledger_batch SET leaf_index = NULL',
      'DELETE FROM ledger_node',
      'DELETE FROM checkpoint',
      'UPDATE prediction_log SET score = 1',
      'SET session_replication_role = DEFAULT',
    ]);
    const names = await readdir(join(folder, 'checkpoints'));
    const emptied = await verify();
    expect(emptied.report.discrepancies).toContainEqual(
      expect.objectContaining({ kind: 'ROLLED_BACK', source: 'checkpoint' }),
    );
    await serve(0);
    const anew = await verify();
    expect(anew.report.discrepancies).toContainEqual(
      expect.objectContaining({ kind: 'ALTERED', source: 'checkpoint' }),
    );
    expect(await readdir(join(folder, 'checkpoints'))).toEqual(names);
  });
});
