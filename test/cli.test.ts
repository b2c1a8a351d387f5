import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE } from '../src/cli/demo.ts';
import { VERSION } from '../src/platform/version.ts';

const MAIN = fileURLToPath(new URL('../dist/command/main.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const start = (args: readonly string[], variables: NodeJS.ProcessEnv = {}): ChildProcess => {
  const { DATABASE_URL: _, ...rest } = process.env;
  return spawn(process.execPath, [MAIN, ...args], { env: { ...rest, ...variables } });
};

/** Runs the command as a user does: compiled, in a process of its own, without a terminal. */
const hindcast = async (args: readonly string[], input = ''): Promise<Ended> => {
  const child = start(args);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
};

let folder = '';
let server: ChildProcess | undefined;
let url = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindcast-cli-'));
  server = start([
    'serve',
    '--port',
    '0',
    '--data',
    join(folder, 'served'),
    '--log-level',
    'error',
  ]);
  const [line] = (await once(server.stdout ?? process.stdin, 'data')) as [Buffer];
  url = line.toString().trim();
});

afterAll(async () => {
  if (server?.kill('SIGTERM') === true) await once(server, 'exit');
  await rm(folder, { recursive: true, force: true });
});

const VERSIONS = ['1.0.0', '1.1.0'].map((one) => `${EXAMPLE}versions/flight-delay-${one}.json`);

const prediction = (more: Record<string, unknown> = {}) => ({
  requestId: 'cli-1',
  occurredAt: '2001-02-02T00:00:00Z',
  endpoint: { name: 'flight-delay', environment: 'cli' },
  modelVersion: { model: 'flight-delay', semver: '1.0.0' },
  features: {},
  ...more,
});

describe('the command', () => {
  it('tells its version', async () => {
    expect(await hindcast(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each(
    [
      [],
      ['serve'],
      ['migrate'],
      ['demo'],
      ['register'],
      ['ingest'],
      ['outcomes'],
      ['trace'],
      ['rejected'],
      ['rejected', 'list'],
      ['rejected', 'retry'],
      ['artifacts'],
      ['artifacts', 'put'],
      ['export'],
      ['import'],
    ].map((args) => [args.join(' '), args] as const),
  )('explains %s', async (name, args) => {
    const { code, stdout } = await hindcast([...args, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: hindcast${name === '' ? '' : ` ${name}`}`);
  });

  it('ends with 2 for wrong usage, saying what is wrong', async () => {
    expect(await hindcast(['trace'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("missing required argument 'request-id'"),
    });
    expect(await hindcast(['serve', '--port', 'x'])).toMatchObject({
      code: 2,
      stderr: 'hindcast: --port is "x"; give a number from 0 to 65535.\n',
    });
  });

  it('ends with 4 when nobody answers', async () => {
    expect(await hindcast(['trace', 'x', '--url', 'http://127.0.0.1:1'])).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/^hindcast: No answer from http:\/\/127\.0\.0\.1:1: .*\n$/),
    });
  });

  it('refuses an embedded database that another process has open', async () => {
    const { code, stderr } = await hindcast(['migrate', '--data', join(folder, 'served')]);
    expect(code).toBe(4);
    expect(stderr).toContain(`is in use by process ${server?.pid}. One process at a time`);
  });
});

describe('register, ingest, trace, rejected', () => {
  it('registers versions, once', async () => {
    const first = await hindcast(['register', ...VERSIONS, '--url', url]);
    const second = await hindcast(['register', ...VERSIONS, '--url', url]);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).toMatch(/^flight-delay@1\.0\.0 {2}sha256:[0-9a-f]{64} {2}registered\n/);
    expect(second.stdout).toBe(first.stdout.replaceAll('registered', 'on record already'));
  });

  it('says what a conflict consists of', async () => {
    const input = { ...(await import(VERSIONS[0] ?? '', { with: { type: 'json' } })).default };
    const file = join(folder, 'conflict.json');
    await writeFile(file, JSON.stringify({ ...input, hyperparameters: { trees: 7 } }));
    const { code, stdout } = await hindcast(['register', file, '--url', url]);
    expect(code).toBe(1);
    expect(stdout).toContain('refused (VersionConflictError): flight-delay@1.0.0 is on record as');
    expect(stdout).toContain('/hyperparameters/');
  });

  it('does not round a number that it registers', async () => {
    const input = JSON.parse(await readFile(VERSIONS[0] ?? '', 'utf8'));
    const file = join(folder, 'exact.json');
    const text = JSON.stringify({ ...input, model: 'exact', hyperparameters: { seed: 'SEED' } });
    await writeFile(file, text.replace('"SEED"', '9007199254740993'));
    const { code, stdout } = await hindcast(['register', file, '--url', url]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${file}: refused (InvalidInputError)`);
    expect(stdout).toContain('9007199254740993 is an integer beyond');
  });

  it('names the file that is refused', async () => {
    const refused = async (text: string) => {
      const file = join(folder, 'refused.json');
      await writeFile(file, text);
      const { code, stdout, stderr } = await hindcast(['register', file, '--url', url]);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`hindcast: ${file}`);
      return stderr;
    };
    expect(await refused('{"model": "m"}')).toContain('Field "artifacts" of required type');
    expect(await refused('{"model": "m", "model": "n"}')).toContain(
      'is not JSON: The key "model" appears twice in one object',
    );
    expect(await refused('null')).toContain('must not be null');
  });

  it('keeps what is refused, and stores it when it is retried', async () => {
    const lines = `${JSON.stringify(prediction())}\nnot json\n`;
    const { code, stdout } = await hindcast(['ingest', '-', '--url', url], lines);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^standard input: 2 received, 0 stored, 0 duplicates, 0 conflicts, 2 rejected\n {2}line 1, .*\n {2}line 2/,
    );
    const list = await hindcast(['rejected', 'list', '--json', '--url', url]);
    const rejected = list.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rejected.map(({ code: reason }) => reason).sort()).toEqual([
      'INVALID_JSON',
      'UNKNOWN_ENDPOINT',
    ]);
    const retried = await hindcast(['rejected', 'retry', '--all', '--url', url]);
    expect([retried.code, retried.stdout]).toEqual([
      1,
      '2 tried again: 0 in the log, 2 rejected again\n',
    ]);
  });

  it('ends with 3 for a request that is not on record', async () => {
    expect(await hindcast(['trace', 'nobody', '--url', url])).toEqual({
      code: 3,
      stdout: '',
      stderr:
        'hindcast: Request nobody: Nothing of this request is on record: no prediction, and no rejected record.\n',
    });
  });
});

describe('demo', { timeout: 180_000 }, () => {
  it('tells the story without a terminal: no progress bar, no colours; twice', async () => {
    const data = join(folder, 'demo');
    const first = await hindcast(['demo', '--no-serve', '--data', data]);
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain('11,020 predictions: 11,019 stored, 1 known already');
    expect(first.stdout).toContain('ERROR   FEATURE_SCHEMA_MISMATCH');
    expect(first.stdout).not.toContain('\u001b[');
    expect(Math.max(...first.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(
      100,
    );
    const told = first.stdout.replace(/\s+/g, ' ');
    for (const part of [
      'flight-delay@1.0.0 answered 1,300 times from features of flight-delay-features 1.1.0',
      'The same file on the same values: EXACT, 0.30583393573760986.',
      '1,300 predictions run through 1.1.0: 210 labels flip.',
      'BLOCKED, asked just before it was done.',
      '1,095 answers of flight-delay@1.1.0, of which 80.1 % were right, beside 1,300 answers of flight-delay@1.0.0, of which 64.4 % were right.',
      'ON_TIME instead of LATE, the nearest of 889',
      'holds without this server.',
    ]) {
      expect(told).toContain(part);
    }
    const second = await hindcast(['demo', '--no-serve', '--data', data]);
    expect([second.code, second.stderr]).toEqual([0, '']);
    expect(second.stdout).toContain('11,020 predictions: 0 stored, 11,020 known already');
    const json = await hindcast([
      'trace',
      '00e5a4fb-784b-7119-82b5-11f4d387e40f',
      '--json',
      '--data',
      data,
    ]);
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'INCONSISTENT' });
  });

  it('leaves data that can be run again, proven and verified', async () => {
    await verification(join(folder, 'demo'));
  });
});

/** What `verify`, `replay` and `dossier` say of the demo's data folder. */
const verification = async (data: string): Promise<void> => {
  const whole = await hindcast(['verify', '--data', data]);
  expect([whole.code, whole.stderr]).toEqual([0, '']);
  expect(whole.stdout).toMatch(/^Ledger {3}\d+ entries, checkpoints: \d+, not sealed yet: 0\n/);
  expect(whole.stdout).toContain('Read     11019 predictions, 10813 outcomes, ');
  expect(whole.stdout).toMatch(/\nEverything is as it was recorded\.\n$/);

  const file = join(folder, 'case.json');
  const request = '00e5a4fb-784b-7119-82b5-11f4d387e40f';
  const replayed = await hindcast(['replay', request, '--data', data]);
  expect([replayed.code, replayed.stderr]).toEqual([0, '']);
  expect(replayed.stdout).toMatch(/^EXACT {2}flight-delay@1\.0\.0 · onnxruntime-node /);
  const otherwise = await hindcast([
    'replay',
    request,
    '--with',
    'flight-delay@1.1.0',
    '--data',
    data,
  ]);
  expect([otherwise.code, otherwise.stderr]).toEqual([0, '']);
  expect(otherwise.stdout).toContain('0.30583393573760986 → 0.14899218082427979  MISMATCH');
  const written = await hindcast(['dossier', request, '--data', data, '-o', file]);
  expect([written.code, written.stderr]).toEqual([0, '']);
  expect(written.stdout).toMatch(/^sha256:[0-9a-f]{64} {2}.*case\.json\n$/);
  const held = await hindcast(['verify', file]);
  expect(held).toMatchObject({ code: 0, stderr: '' });
  expect(held.stdout).toContain('(named by the file itself: compare with --key)');
  expect(held.stdout).toMatch(/\nThe dossier holds\.\n$/);

  await writeFile(file, (await readFile(file, 'utf8')).replace('"sig":"', '"sig":"AAAA'));
  expect(await hindcast(['verify', file])).toMatchObject({
    code: 1,
    stderr: `hindcast: ${file} does not hold:\n  no trusted key signed it\n`,
  });
  expect(await hindcast(['verify', join(folder, 'none.json')])).toMatchObject({ code: 3 });
  expect(await hindcast(['verify', file, '--key', 'nonsense'])).toMatchObject({
    code: 2,
    stderr:
      'hindcast: --key is "nonsense"; give an Ed25519 key as name+id+base64, which `ledger { verifierKeys }` lists.\n',
  });

  // As after the restoring of an older backup: what was kept outside knows more than the database.
  const [kept = ''] = await readdir(join(data, 'checkpoints'));
  const path = join(data, 'checkpoints', kept);
  const note = await readFile(path, 'utf8');
  await writeFile(path, note.replace(/\n\d+\n/, '\n9999\n'));
  const older = await hindcast(['verify', '--data', data]);
  expect(older).toMatchObject({ code: 1, stderr: '' });
  expect(older.stdout).toContain(
    `ALTERED  checkpoint  ${path}: it is not signed by a key that is trusted`,
  );
  await writeFile(path, note);
};

it('a server that runs only known documents knows what the commands ask', async () => {
  const data = join(folder, 'trusting');
  const own = await mkdtemp(join(folder, 'documents-'));
  const args = ['serve', '--port', '0', '--data', data, '--log-level', 'error'];
  const refused = await hindcast([...args, '--trusted-documents', own]);
  expect([refused.code, refused.stderr]).toEqual([3, `hindcast: ${own} holds no .graphql file.\n`]);
  await writeFile(join(own, 'engine.graphql'), '{ serverInfo { engine } }');
  const trusting = start([...args, '--trusted-documents', own]);
  const [line] = (await once(trusting.stdout ?? process.stdin, 'data')) as [Buffer];
  const address = line.toString().trim();
  const post = async (query: string) => {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return response.json();
  };
  expect(await post('{ serverInfo { engine } }')).toEqual({
    data: { serverInfo: { engine: 'PGLITE' } },
  });
  expect(await post('{ serverInfo { version } }')).toMatchObject({
    errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }],
  });
  const withUrl = (...command: string[]) => hindcast([...command, '--url', address]);
  const reason = ['--reason', 'to see'];
  const endings = await Promise.all([
    withUrl('register', join(EXAMPLE, 'versions/flight-delay-1.0.0.json')),
    withUrl('retention', 'set', '400', ...reason),
    withUrl('hold', 'place', '--entity', 'somebody', ...reason),
    withUrl('hold', 'list'),
    withUrl('rejected', 'list'),
    withUrl('trace', 'nobody'),
  ]);
  expect(endings.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 3]);
  trusting.kill('SIGTERM');
  await once(trusting, 'exit');
});

it('serve finishes and ends with 0 when told to stop', async () => {
  const child = start([
    'serve',
    '--port',
    '0',
    '--data',
    join(folder, 'stopped'),
    '--log-level',
    'error',
  ]);
  await once(child.stdout ?? process.stdin, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
});

describe('artifacts put', () => {
  it('keeps files by their digests, all or none', async () => {
    const data = join(folder, 'artifacts-test');
    const file = `${EXAMPLE}models/flight-delay-1.0.0.onnx`;
    const digest = 'sha256:665085556a7cdf8748dd187641f938b6e77901e36d253ba9423f2f21b2a864bf';
    const missing = await hindcast(['artifacts', 'put', file, 'none.onnx', '--data', data]);
    expect(missing).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('hindcast: none.onnx cannot be read:'),
    });
    expect(await hindcast(['artifacts', 'put', file, '--data', data])).toEqual({
      code: 0,
      stdout: `${digest}  ${file}\n`,
      stderr: '',
    });
  });
});
