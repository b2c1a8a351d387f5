import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDossier } from '../src/ledger/dossier-check.ts';
import type { DossierStatement } from '../src/ledger/dossier-format.ts';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { localActor } from '../src/platform/context.ts';
import { type DsseEnvelope, signEnvelope } from '../src/platform/dsse.ts';
import { old, openDemo, predictions } from './setup/example.ts';
import { someSigner } from './setup/signer.ts';

const SCRIPT = fileURLToPath(new URL('../examples/verify-dossier.mjs', import.meta.url));

const demo = await openDemo();
const { ask, respond, signer } = demo;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindcast-dossier-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const [logged = {}, other = {}, another = {}] = predictions.slice(700);
const referenceTo = (record: Record<string, unknown>) => ({
  request: { requestId: String(record.requestId), endpoint: record.endpoint },
});

const dossierOf = async (record: Record<string, unknown>): Promise<string> => {
  const { dossier } = await ask<{ dossier: { envelope: string } }>(
    'query D($prediction: PredictionLogReference!) { dossier(prediction: $prediction) { envelope } }',
    { prediction: referenceTo(record) },
  );
  return dossier.envelope;
};

const statementIn = (envelope: string): DossierStatement =>
  JSON.parse(
    Buffer.from((JSON.parse(envelope) as DsseEnvelope).payload, 'base64').toString(),
  ) as DossierStatement;

/** The same dossier with something changed, signed by whom one likes. */
const forged = (
  envelope: string,
  change: (statement: DossierStatement) => unknown,
  by = signer,
): string => {
  const statement = structuredClone(statementIn(envelope));
  change(statement);
  const payload = Buffer.from(JSON.stringify(statement));
  return JSON.stringify(signEnvelope('application/vnd.in-toto+json', payload, by));
};

type Place = readonly string[];

/** Every text and number in a value. */
const placesIn = (value: unknown, place: Place): readonly Place[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, member]) => placesIn(member, [...place, name]))
    : [place];

/** Makes another of the text or number at a place. */
const changeAt = (root: object, place: Place): void => {
  const last = place.at(-1) ?? '';
  const owner = place
    .slice(0, -1)
    .reduce<Record<string, unknown>>(
      (value, name) => value[name] as Record<string, unknown>,
      root as Record<string, unknown>,
    );
  const value = owner[last];
  const swapped = (text: string): string =>
    text.startsWith('sha256:') ? `sha256:${'0'.repeat(64)}` : `${text}0`;
  owner[last] = typeof value === 'string' ? swapped(value) : Number(value) + 1;
};

const script = async (envelope: string, key: string) => {
  const path = join(folder, `${Math.random()}.json`);
  await writeFile(path, envelope);
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, path, key], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

describe('a dossier', () => {
  it('holds everything about a prediction, and holds without a server', async () => {
    const envelope = await dossierOf(logged);
    expect(checkDossier(envelope, [signer.verifierKey]).problems).toEqual([]);
    const { subject, predicate } = statementIn(envelope);
    const text = predicate.record.text?.split('\t') ?? [];
    expect(text.slice(0, 2)).toEqual(['prediction/1', logged.requestId]);
    expect(JSON.parse(subject[0].name)).toContain(logged.requestId);
    expect(predicate.manifests.map(({ kind }) => kind)).toEqual([
      'ModelVersion',
      'FeatureSchema',
      'CodeCommit',
      'RuntimeEnvironment',
      ...(old.datasets as readonly object[]).map(() => 'DatasetSnapshot'),
    ]);
    expect(new Set(predicate.rows.map(({ source }) => source))).toEqual(
      new Set([
        'model_version',
        'endpoint',
        'lifecycle_transition',
        'deployment',
        'deployment_fact',
      ]),
    );
    expect(predicate.trace).toMatchObject({
      verdict: expect.any(String),
      prediction: { requestId: logged.requestId, digest: `sha256:${subject[0].digest.sha256}` },
    });
  });

  it('is checked alike by an independent script of sixty lines', async () => {
    const envelope = await dossierOf(logged);
    const { status, stdout, stderr } = await script(envelope, signer.verifierKey.text);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/: 14 rows, 7 manifests and the record hold\.\n$/);
    const stranger = await script(envelope, someSigner().verifierKey.text);
    expect(stranger.status).toBe(1);
    expect(stranger.stderr).toContain('does not hold: the signature of the envelope');
  });

  const changes: readonly (readonly [
    string,
    (statement: DossierStatement) => unknown,
    string,
    string,
  ])[] = [
    [
      'the record',
      ({ predicate: { record } }) => {
        record.text = `${record.text} `;
      },
      'the record is not what the subject says',
      'the digest of the record',
    ],
    [
      'record and subject together',
      ({ predicate: { record }, subject }) => {
        record.text = 'prediction/1';
        subject[0].digest.sha256 =
          '3c6dc4f4b33cf4c8aba9eb9bbb9f6b8f3d1c9f0d83b7bd3c47cdd2b95a16b9bd';
      },
      'the record is not what its proof is about',
      'the digest of the record',
    ],
    [
      'a manifest',
      ({ predicate: { manifests } }) => {
        const [manifest] = manifests;
        if (manifest !== undefined) manifest.text = manifest.text.replace('1.', '9.');
      },
      'has another digest',
      'ModelVersion',
    ],
    [
      'a row of a history',
      ({ predicate: { rows } }) => {
        const row = rows.find(({ source }) => source === 'deployment_fact');
        if (row !== undefined) row.text = row.text.replace('actor', 'author');
      },
      'of deployment_fact is not what the ledger has',
      'deployment_fact',
    ],
    [
      'a proof',
      ({ predicate: { record } }) => {
        record.proof.index += 1;
      },
      'the proof of the record does not lead to the root',
      'the proof of the record',
    ],
    [
      'the checkpoint',
      ({ predicate }) => {
        const [origin, size, ...rest] = predicate.checkpoint.split('\n');
        predicate.checkpoint = [origin, Number(size) + 1, ...rest].join('\n');
      },
      'no trusted key signed its checkpoint',
      'the signature of the checkpoint',
    ],
  ];
  for (const [what, change, problem, complaint] of changes) {
    it(`does not hold when ${what} was changed, even by one who has the key`, async () => {
      const envelope = forged(await dossierOf(logged), change);
      const { problems } = checkDossier(envelope, [signer.verifierKey]);
      expect(problems.some((one) => one.includes(problem))).toBe(true);
      const { status, stderr } = await script(envelope, signer.verifierKey.text);
      expect(status).toBe(1);
      expect(stderr).toContain(`does not hold: ${complaint}`);
    });
  }

  it('does not hold when any one thing in it was changed, even by one who has the key, but for what it claims', async () => {
    const envelope = await dossierOf(logged);
    const { predicate, ...head } = statementIn(envelope);
    const { trace: _, ...rest } = predicate;
    const places = [
      ...placesIn({ ...head, predicate: rest }, []),
      ['predicate', 'trace', 'verdict'],
    ];
    const held = places.filter((place) => {
      const { problems } = checkDossier(
        forged(envelope, (statement) => changeAt(statement, place)),
        [signer.verifierKey],
      );
      return problems.length === 0;
    });
    expect(places.length).toBeGreaterThan(200);
    // Only the signature vouches for these: when it was made, the keys it names, and what the server said of it.
    const claims = /^predicate\.(createdAt|verifierKeys\.\d+|trace\.verdict)$/;
    expect(held.map((place) => place.join('.')).filter((place) => !claims.test(place))).toEqual([]);
  });

  it('does not hold when it was re-encoded, when its signature is gone or another, nor as that of another prediction', async () => {
    const envelope = await dossierOf(logged);
    const whole = JSON.parse(envelope) as DsseEnvelope;
    const [signature = { keyid: '', sig: '' }] = whole.signatures;
    const reencoded = Buffer.from(JSON.stringify(statementIn(envelope), null, 1)).toString(
      'base64',
    );
    const foreign = JSON.parse(await dossierOf(another)) as DsseEnvelope;
    const flipped = Buffer.from(signature.sig, 'base64');
    flipped[10] = (flipped[10] ?? 0) ^ 1;
    const unsigned = [
      { ...whole, payload: reencoded },
      { ...whole, payload: foreign.payload },
      { ...whole, signatures: foreign.signatures },
      { ...whole, signatures: [{ ...signature, sig: flipped.toString('base64') }] },
    ];
    for (const one of unsigned) {
      const { problems } = checkDossier(JSON.stringify(one), [signer.verifierKey]);
      expect(problems).toEqual(['no trusted key signed it']);
    }
    const noDossiers = [
      { ...whole, signatures: [] },
      { ...whole, payloadType: 'application/json' },
      { ...whole, payload: `${whole.payload}!` },
    ];
    for (const one of noDossiers) {
      const { problems } = checkDossier(JSON.stringify(one), [signer.verifierKey]);
      expect(problems).toEqual([expect.stringMatching(/^it is no dossier: /)]);
    }
    const stranger = checkDossier(
      forged(envelope, () => undefined, someSigner()),
      [signer.verifierKey],
    );
    expect(stranger.problems).toEqual(['no trusted key signed it']);
    // Whole and signed, it is about another prediction, and says so.
    const { statement, problems } = checkDossier(JSON.stringify(foreign), [signer.verifierKey]);
    expect(problems).toEqual([]);
    expect(statement?.subject[0].name).toContain(String(another.requestId));
    // Parts of two dossiers do not make one.
    const mixed = forged(envelope, (own) => {
      own.predicate.record = statementIn(JSON.stringify(foreign)).predicate.record;
    });
    expect(checkDossier(mixed, [signer.verifierKey]).problems).toContain(
      'the record is not what the subject says',
    );
  });

  it.each([null, [null], 'none', 1])(
    'does not hold when the datasets of a version are %j, and says so',
    async (datasets) => {
      const envelope = forged(await dossierOf(logged), ({ predicate }) => {
        const manifest = predicate.manifests.find(({ kind }) => kind === 'ModelVersion');
        if (manifest === undefined) throw new Error('A dossier has the manifest of a version.');
        manifest.text = JSON.stringify({ ...JSON.parse(manifest.text), datasets });
      });
      const { problems } = checkDossier(envelope, [signer.verifierKey]);
      const digest = statementIn(envelope).predicate.record.text?.split('\t')[5];
      expect(problems).toContain(`the ModelVersion filed as ${digest} has another digest`);
      expect(problems).toContain(`the ModelVersion filed as ${digest} is no manifest of one`);
    },
  );

  it('does not hold when its trace was changed by one who lacks the key', async () => {
    const envelope = forged(
      await dossierOf(logged),
      (statement) => {
        (statement.predicate as { trace: unknown }).trace = { verdict: 'COMPLETE' };
      },
      someSigner(),
    );
    expect(checkDossier(envelope, [signer.verifierKey]).problems).toEqual([
      'no trusted key signed it',
    ]);
    expect(checkDossier('{}', null).problems).toEqual([
      'it is no dossier: a DSSE envelope with an in-toto statement was expected',
    ]);
  });

  it('of an erased prediction proves that it was there and was erased, and holds nothing of it', async () => {
    const { database, artifacts } = demo;
    await eraseEntity(
      { database, artifacts, actor: localActor('tester'), inferenceUrl: null, signer },
      { entityKey: String(other.entityKey), legalBasis: 'GDPR Art. 17(1)(b)', reason: 'asked' },
    );
    const envelope = await dossierOf(other);
    expect(checkDossier(envelope, [signer.verifierKey]).problems).toEqual([]);
    const { status } = await script(envelope, signer.verifierKey.text);
    expect(status).toBe(0);
    const { predicate } = statementIn(envelope);
    expect(predicate.record).toMatchObject({ text: null, salt: null });
    expect(predicate.rows.map(({ source }) => source)).toContain('erasure');
    expect(JSON.stringify(predicate)).not.toContain(String(other.entityKey));
  });

  it('is not made of what is not on record, nor without a key', async () => {
    const { data } = await respond(
      `{ dossier(prediction: { request: { requestId: "nobody", endpoint: { name: "flight-delay", environment: "production" } } }) { digest } }`,
    );
    expect(data).toEqual({ dossier: null });
  });
});
