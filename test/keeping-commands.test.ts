import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE } from '../src/cli/demo.ts';
import { digestOf } from '../src/platform/canonical-json.ts';

const MAIN = fileURLToPath(new URL('../dist/command/main.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as a user does, on the embedded database. */
const hindcast = async (...args: readonly string[]): Promise<Ended> => {
  const { DATABASE_URL: _, ...rest } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { env: rest });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
};

let folder = '';
const at = (...names: readonly string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindcast-keeping-commands-'));
  const version = `${EXAMPLE}versions/flight-delay-1.0.0.json`;
  expect(await hindcast('register', version, '--data', at('data'))).toMatchObject({ code: 0 });
  const ended = await hindcast('export', at('export'), '--with-signing-key', '--data', at('data'));
  expect(ended).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      / {2}\d+ rows of \d+ tables \(.* kB\), 0 files of versions, 0 archives\n$/,
    ),
    stderr: 'The signing key is in it: whoever has that signs as this Hindcast.\n',
  });
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of the export, to be spoilt. */
const copyOf = async (name: string): Promise<string> => {
  await cp(at('export'), at(name), { recursive: true });
  return at(name);
};

type Json = Record<string, unknown>;

const editManifest = async (export_: string, edit: (manifest: Json) => Json): Promise<void> => {
  const path = join(export_, 'manifest.json');
  const { digest: _, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as Json;
  const edited = edit(manifest);
  await writeFile(path, JSON.stringify({ ...edited, digest: digestOf(edited as never) }));
};

describe('hindcast export and import', () => {
  it('move an embedded database, key and all, once', async () => {
    const imported = await hindcast('import', at('export'), '--data', at('moved'));
    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect(imported.stdout).toMatch(
      /^\d+ rows of \d+ tables, 0 files of versions and 0 archives are in place, as they were at /,
    );
    expect(imported.stdout).toMatch(/\nEverything is as it was recorded\.\n$/);
    expect(await readFile(at('moved', 'signing-key.pem'), 'utf8')).toBe(
      await readFile(at('data', 'signing-key.pem'), 'utf8'),
    );
    const second = await hindcast('import', at('export'), '--data', at('moved'));
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(
      /moved is not empty: there are rows in .*, model_version, .*\. Import into a new database or folder\.\n$/,
    );
  }, 180_000);

  it('leave the private key where it is, unless asked', async () => {
    const ended = await hindcast('export', at('without-key'), '--data', at('data'));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(await readdir(at('without-key'))).toEqual(['manifest.json', 'tables']);
  });

  it('do not write over anything, nor export what is not there', async () => {
    expect(await hindcast('export', at('export'), '--data', at('data'))).toEqual({
      code: 1,
      stdout: '',
      stderr: `hindcast: ${at('export')} exists already; choose another name.\n`,
    });
    expect(await hindcast('export', at('nothing'), '--data', at('nowhere'))).toEqual({
      code: 2,
      stdout: '',
      stderr: `hindcast: ${at('nowhere')} holds no embedded database.\n`,
    });
    expect([existsSync(at('nothing')), existsSync(at('nowhere'))]).toEqual([false, false]);
    await mkdir(at('keyed'));
    await writeFile(at('keyed', 'signing-key.pem'), 'another key');
    const keyed = await hindcast('import', at('export'), '--data', at('keyed'));
    expect(keyed).toMatchObject({ code: 1, stdout: '' });
    expect(keyed.stderr).toContain('signing-key.pem is another key than that of the export.');
    expect(await readdir(at('keyed'))).toEqual(['signing-key.pem']);
  });

  it.each<readonly [string, string, (export_: string) => Promise<void>]>([
    [
      'one that was not finished',
      'is no export, or was not finished: ENOENT',
      (one) => rm(join(one, 'manifest.json')),
    ],
    [
      'a cut off table',
      'tables/model_version.copy.gz has 50 bytes with sha256:',
      async (one) => {
        const path = join(one, 'tables', 'model_version.copy.gz');
        await writeFile(path, (await readFile(path)).subarray(0, 50));
      },
    ],
    [
      'a missing table',
      'tables/model.copy.gz cannot be read (ENOENT',
      (one) => rm(join(one, 'tables', 'model.copy.gz')),
    ],
    [
      'an edited manifest',
      'was cut off or edited: its manifest.json is not what was written.',
      async (one) => {
        const path = join(one, 'manifest.json');
        await writeFile(
          path,
          (await readFile(path, 'utf8')).replace('"engine": "pglite"', '"engine": "other"'),
        );
      },
    ],
    [
      'half of a manifest',
      'was cut off or edited: its manifest.json is no JSON.',
      async (one) => {
        const path = join(one, 'manifest.json');
        await writeFile(path, (await readFile(path)).subarray(0, 1000));
      },
    ],
    [
      'a newer format',
      'has the format "hindcast-export/2", and this version of Hindcast reads hindcast-export/1: it was made by a newer version.',
      (one) => editManifest(one, (manifest) => ({ ...manifest, format: 'hindcast-export/2' })),
    ],
    [
      'a newer migration',
      'The export has migration 29990101000000_later, which this version of Hindcast does not know. It was made by a newer version (9.0.0)',
      (one) =>
        editManifest(one, (manifest) => ({
          ...manifest,
          hindcast: '9.0.0',
          migrations: [
            ...(manifest.migrations as Json[]),
            { name: '29990101000000_later', checksum: 'f' },
          ],
        })),
    ],
  ])('refuse %s, and leave nothing behind', async (name, message, spoil) => {
    const spoilt = await copyOf(name.replaceAll(' ', '-'));
    await spoil(spoilt);
    const ended = await hindcast('import', spoilt, '--data', `${spoilt}-data`);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(message);
    expect(existsSync(`${spoilt}-data`)).toBe(false);
  });

  it('refuse a wrong number of rows before anything is kept', async () => {
    const spoilt = await copyOf('miscounted');
    await editManifest(spoilt, (manifest) => ({
      ...manifest,
      tables: (manifest.tables as Json[]).map((table) =>
        table.name === 'model' ? { ...table, rows: 2 } : table,
      ),
    }));
    const data = at('miscounted-data');
    const ended = await hindcast('import', spoilt, '--data', data);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toBe('hindcast: The export has 1 rows of model, and says 2.\n');
    expect(await hindcast('import', at('export'), '--no-verify', '--data', data)).toMatchObject({
      code: 0,
      stderr: '',
    });
  }, 180_000);
});
