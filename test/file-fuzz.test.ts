import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { checkDossier } from '../src/ledger/dossier-check.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import { type DsseEnvelope, signEnvelope } from '../src/platform/dsse.ts';
import { weekOf } from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { createLog } from '../src/server/log.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { anyChange, anyLines } from './setup/any-line.ts';
import { changedTree } from './setup/any-tree.ts';
import { runCommand } from './setup/command.ts';
import { inputsOr, timeoutFor, tryAll } from './setup/fuzz.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { randomBy } from './setup/random.ts';
import { append, field, line, registration, served } from './setup/registration.ts';
import { someSigner } from './setup/signer.ts';

// Files may hold anything. A command tells what is wrong with one, by its name, and a dossier that was touched does not hold.

const errors: string[] = [];
const log = createLog('warn', { write: (text) => errors.push(text) });
const signer = someSigner();
const hindcast = await openTestHindcast(localActor('tester'), logRoutes, null, signer, { log });
const folder = await mkdtemp(join(tmpdir(), 'hindcast-files-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const { version, endpoint } = await served(hindcast, [field('distance')]);
await append(hindcast, [line(version, endpoint, { distance: 1.5 }, { requestId: 'r-1' })]);
const { dossier } = await hindcast.ask<{ dossier: { envelope: string } }>(
  'query ($request: RecordedRequestInput!) { dossier(prediction: { request: $request }) { envelope } }',
  { request: { requestId: 'r-1', endpoint } },
);
const envelope = JSON.parse(dossier.envelope) as DsseEnvelope;
const payload = Buffer.from(envelope.payload, 'base64');
const statement: unknown = JSON.parse(payload.toString());

const anyRandom = fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(randomBy);
const changedStatement = anyRandom.map((random) =>
  Buffer.from(JSON.stringify(changedTree(statement, random))),
);
const PAYLOAD = 'application/vnd.in-toto+json';

/** A dossier that somebody changed, and who signed it since. */
const anyDossier: fc.Arbitrary<Buffer> = fc.oneof(
  anyChange.map((change) => change(Buffer.from(dossier.envelope))),
  anyRandom.map((random) => Buffer.from(JSON.stringify(changedTree(envelope, random)))),
  changedStatement.map((changed) =>
    Buffer.from(JSON.stringify({ ...envelope, payload: changed.toString('base64') })),
  ),
  changedStatement.map((changed) =>
    Buffer.from(JSON.stringify(signEnvelope(PAYLOAD, changed, someSigner()))),
  ),
  fc
    .tuple(anyChange)
    .map(([change]) =>
      Buffer.from(JSON.stringify({ ...envelope, payload: change(payload).toString('base64') })),
    ),
  fc.json().map((text) => Buffer.from(text)),
);

const payloadOf = (file: string): Buffer => {
  const { payload: text } = JSON.parse(file) as DsseEnvelope;
  return Buffer.from(text, 'base64');
};

const DOSSIERS = Math.ceil(inputsOr(2000) / 5);

it('a dossier that was changed does not hold, and its check ends', {
  timeout: timeoutFor(DOSSIERS),
}, async () => {
  const assertRefused = async (bytes: Buffer): Promise<void> => {
    const file = bytes.toString();
    const { problems } = checkDossier(file, [signer.verifierKey]);
    if (problems.length === 0) expect(payloadOf(file)).toEqual(payload);
    // By the keys that it names itself it may hold, if these signed it.
    checkDossier(file, null);
  };
  await tryAll('dossiers', anyDossier, assertRefused, DOSSIERS);
});

it('what is signed but makes no sense does not hold either', {
  timeout: timeoutFor(DOSSIERS),
}, async () => {
  const assertRead = async (changed: Buffer): Promise<void> => {
    const signed = JSON.stringify(signEnvelope(PAYLOAD, changed, signer));
    const { problems } = checkDossier(signed, [signer.verifierKey]);
    expect(problems.every((problem) => problem.length > 0)).toBe(true);
  };
  await tryAll('signed dossiers', changedStatement, assertRead, DOSSIERS);
});

const ARCHIVES = Math.ceil(inputsOr(1000) / 50);

it('an archive of which a byte changed is not restored, and the whole one is', {
  timeout: timeoutFor(ARCHIVES),
}, async () => {
  const occurredAt = '2011-01-05T10:00:00Z';
  const week = weekOf(Date.parse(occurredAt) * 1000);
  const order = { actor: 'tester', reason: 'tested' };
  const { database, archive } = hindcast;
  await append(hindcast, [line(version, endpoint, { distance: 2 }, { occurredAt })]);
  await sealLedger(database, signer);
  const archived = await archivePartition(database, archive, week, order);
  if (archived.status !== 'ARCHIVED') throw new Error(archived.status);
  const path = join(archive.location, storeKey(archived.files[0]?.digest ?? ''));
  const whole = await readFile(path);
  const assertRefused = async (change: (bytes: Buffer) => Buffer): Promise<void> => {
    const changed = change(whole);
    if (changed.equals(whole)) return;
    await writeFile(path, changed);
    const restored = restorePartition(database, archive, week, order);
    await expect(restored).rejects.toThrow(`${week.partition} cannot be restored. `);
  };
  await tryAll('archives', anyChange, assertRefused, ARCHIVES);
  await writeFile(path, whole);
  expect(await restorePartition(database, archive, week, order)).toBe(1);
});

interface Case {
  readonly command: readonly string[];
  readonly bytes: Buffer;
}

const subject = { endpoint: { ...endpoint }, version: version.digest };
const anyStream = anyLines(subject).map((lines) => Buffer.from(lines.map(String).join('\n')));
const anyRegistration = anyRandom.map((random) =>
  Buffer.from(JSON.stringify(changedTree(registration([field('distance')]), random))),
);
const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

const toServer = (command: string): readonly string[] => [command, '--url', hindcast.url];

const anyCase: fc.Arbitrary<Case> = fc.oneof(
  fc.oneof(anyDossier, noise).map((bytes): Case => ({ command: ['verify'], bytes })),
  fc
    .oneof(
      anyRegistration,
      fc.tuple(anyRegistration, anyChange).map(([bytes, change]) => change(bytes)),
      noise,
    )
    .map((bytes): Case => ({ command: toServer('register'), bytes })),
  fc
    .tuple(
      fc.constantFrom('ingest', 'outcomes'),
      fc.oneof(
        anyStream,
        anyStream.map((bytes) => gzipSync(bytes)),
        fc.tuple(anyStream, anyChange).map(([bytes, change]) => change(gzipSync(bytes))),
        noise,
      ),
    )
    .map(([command, bytes]): Case => ({ command: toServer(command), bytes })),
);

const assertTold = async (args: readonly string[], file: string): Promise<number | null> => {
  const { code, stdout, stderr } = await runCommand([...args, file], { HINDCAST_DATA: folder });
  const output = stdout + stderr;
  try {
    expect([0, 1, 2, 3]).toContain(code);
    expect(output).not.toMatch(/\n\s+at |node:internal|Unexpected error/);
    if (code !== 0) expect(output).toContain(file);
    expect(errors).toEqual([]);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${args.join(' ')}\n${output}`, { cause: error });
  }
  return code;
};

const CASES = Math.ceil(inputsOr(10_000) / 1000);
let number = 0;

it('commands tell what is wrong with a file, by its name', {
  timeout: timeoutFor(CASES * 100),
}, async () => {
  const tryFile = async ({ command, bytes }: Case): Promise<void> => {
    number += 1;
    const file = join(folder, `case-${number}`);
    await writeFile(file, bytes);
    await assertTold(command, file);
  };
  await tryAll('files', anyCase, tryFile, CASES);
});

it.each([
  ['verify', ['verify']],
  ['register', toServer('register')],
  ['ingest', toServer('ingest')],
])('%s tells that a file is not there, or is a folder', async (_, command) => {
  await mkdir(join(folder, 'folder'), { recursive: true });
  expect(await assertTold(command, join(folder, 'nowhere'))).toBe(3);
  expect(await assertTold(command, join(folder, 'folder'))).not.toBe(0);
});
