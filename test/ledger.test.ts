import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../src/ledger/checkpoint.ts';
import { rootOfProof } from '../src/ledger/ledger-proof.ts';
import { isConsistent } from '../src/ledger/merkle-check.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { localActor } from '../src/platform/context.ts';
import { parseVerifierKey } from '../src/platform/signed-note.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const hindcast = await openTestHindcast(localActor('tester'), [], null, signer);
const { ask, database, statementsOf } = hindcast;
const serving = await openServing(hindcast, [field('distance', 'FP64')], { distance: 1.5 });

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.slice(7), 'hex'));

const PROOF = `leaf position batchSize batchPath entry index path checkpoint { size note root }`;

interface Proof {
  readonly leaf: string;
  readonly position: number;
  readonly batchSize: number;
  readonly batchPath: readonly string[];
  readonly entry: string;
  readonly index: number;
  readonly path: readonly string[];
  readonly checkpoint: { readonly size: number; readonly note: string; readonly root: string };
}

const rootFrom = ({ checkpoint, ...proof }: Proof): string =>
  `sha256:${Buffer.from(
    rootOfProof(
      {
        ...proof,
        leaf: bytes(proof.leaf),
        batchPath: proof.batchPath.map(bytes),
        path: proof.path.map(bytes),
      },
      checkpoint.size,
    ) ?? [],
  ).toString('hex')}`;

const proofOf = async (requestId: string): Promise<Proof | null> => {
  const { name, environment } = serving.endpoint;
  const { predictionLog } = await ask<{ predictionLog: { proof: Proof | null } }>(
    `query Q($by: PredictionLogReference!) { predictionLog(by: $by) { proof { ${PROOF} } } }`,
    { by: { request: { requestId, endpoint: { name, environment } } } },
  );
  return predictionLog.proof;
};

const append = (...ids: readonly string[]) =>
  appendPredictions(database, rawLines(ids.map((id) => serving.line(id))));

const seal = async (): Promise<{ sealed: number; checkpoint: { size: number; note: string } }> => {
  const { sealLedger: payload } = await ask<{ sealLedger: never }>(
    'mutation { sealLedger { ... on SealLedgerPayload { sealed: sealedCount checkpoint { size note } } } }',
  );
  return payload;
};

describe('what is recorded', () => {
  it('is pending until it is sealed, and proven afterwards', async () => {
    await append('a', 'b', 'c');
    expect(await proofOf('b')).toBeNull();
    const { checkpoint } = await seal();
    const proof = await proofOf('b');
    if (proof === null) throw new Error('no proof');
    expect(proof.batchSize).toBe(3);
    expect(proof.checkpoint.note).toBe(checkpoint.note);
    expect(rootFrom(proof)).toBe(proof.checkpoint.root);
    const opened = openCheckpoint(checkpoint.note, [signer.verifierKey]);
    expect(opened).toMatchObject({
      origin: expect.stringMatching(/^hindcast\/test\/[0-9a-f]{8}$/),
      size: checkpoint.size,
    });
    expect(`sha256:${Buffer.from(opened?.root ?? []).toString('hex')}`).toBe(proof.checkpoint.root);
    const { ledger } = await ask<{ ledger: object }>(
      '{ ledger { pending verifierKeys latest { size } } }',
    );
    expect(ledger).toEqual({
      pending: 0,
      verifierKeys: [signer.verifierKey.text],
      latest: { size: checkpoint.size },
    });
  });

  it('has a leaf that content and a secret salt give', async () => {
    await append('salted');
    await seal();
    const proof = await proofOf('salted');
    const [row] = await database.query<{ salt: Uint8Array; digest: Uint8Array }>({
      text: "SELECT salt, digest FROM prediction_log WHERE request_id = 'salted'",
    });
    const leaf = createHash('sha256')
      .update(row?.salt ?? '')
      .update(row?.digest ?? '')
      .digest('hex');
    expect(proof?.leaf).toBe(`sha256:${leaf}`);
    expect(row?.salt.length).toBe(16);
  });

  it('is committed to by the statement that appends it, and only once', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `once-${index}`);
    await append('warm');
    const one = await statementsOf(() => append('warm-2'));
    const many = await statementsOf(() => append(...ids));
    expect(many.length).toBe(one.length);
    await append(...ids, 'once-more');
    const batches = await database.query<{ leaf_count: number }>({
      text: "SELECT leaf_count FROM ledger_batch WHERE source = 'prediction_log' ORDER BY id DESC LIMIT 2",
    });
    expect(batches).toEqual([{ leaf_count: 1 }, { leaf_count: 50 }]);
  });

  it('includes the registration of a version, whose row can be read in the proof', async () => {
    await seal();
    const { modelVersion } = await ask<{
      modelVersion: { proof: { source: string; text: string; proof: Proof } };
    }>(
      `query Q($by: ModelVersionReference!) { modelVersion(by: $by) { proof { source text proof { ${PROOF} } } } }`,
      { by: { digest: serving.version.digest } },
    );
    const { source, text, proof } = modelVersion.proof;
    expect(source).toBe('model_version');
    expect(text.startsWith('model_version\n{"id":')).toBe(true);
    expect(JSON.parse(text.slice(14))).toMatchObject({ digest: serving.version.digest });
    expect(proof.leaf).toBe(`sha256:${createHash('sha256').update(text).digest('hex')}`);
    expect(proof.batchSize).toBe(1);
    expect(rootFrom(proof)).toBe(proof.checkpoint.root);
  });
});

describe('the ledger', () => {
  it('proves that it only grew', async () => {
    await append('grow-1');
    const { checkpoint: older } = await seal();
    await append('grow-2');
    await append('grow-3');
    const { checkpoint: newer, sealed } = await seal();
    expect(sealed).toBe(2);
    expect(newer.size).toBe(older.size + 2);
    const { ledger } = await ask<{
      ledger: { consistency: { fromRoot: string; toRoot: string; path: string[] } };
    }>(
      'query Q($from: SafeInt!) { ledger { consistency(from: $from) { fromRoot toRoot path } } }',
      { from: older.size },
    );
    const { fromRoot, toRoot, path } = ledger.consistency;
    const before = openCheckpoint(older.note, [signer.verifierKey]);
    const after = openCheckpoint(newer.note, [signer.verifierKey]);
    if (before === null || after === null) throw new Error('not signed');
    expect(bytes(fromRoot)).toEqual(before.root);
    expect(bytes(toRoot)).toEqual(after.root);
    expect(isConsistent(before, after, path.map(bytes))).toBe(true);
  });

  it('refuses sizes that it does not have', async () => {
    const size = (await seal()).checkpoint.size;
    const { data, errors } = await hindcast.respond(
      `{ ledger { consistency(from: 1, to: ${size + 1}) { path } } }`,
    );
    expect(data).toEqual({ ledger: null });
    expect(errors?.[0]).toMatchObject({
      message: `to: The ledger has ${size} entries; give 0 <= from <= to <= ${size}, not from 1 to ${size + 1}.`,
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });

  it('lists its checkpoints in pages, the largest first', async () => {
    await append('page-1');
    const { checkpoint: one } = await seal();
    await append('page-2');
    const { checkpoint: two } = await seal();
    const page = await ask<{ ledger: { checkpoints: { nodes: object[]; pageInfo: object } } }>(
      '{ ledger { checkpoints(first: 2) { nodes { size } pageInfo { hasNextPage } } } }',
    );
    expect(page.ledger.checkpoints).toEqual({
      nodes: [{ size: two.size }, { size: one.size }],
      pageInfo: { hasNextPage: true },
    });
  });

  it('is sealed by several processes without a gap or a fork', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `race-${index}`);
    await Promise.all(ids.map((id) => append(id)));
    const reports = await Promise.all([1, 2, 3].map(() => sealLedger(database, signer)));
    expect(reports.reduce((sum, { sealed }) => sum + sealed, 0)).toBe(12);
    const [row] = await database.query<{ count: bigint; last: bigint; size: bigint }>({
      text: `SELECT count(leaf_index), max(leaf_index) AS last, (SELECT max(tree_size) FROM checkpoint) AS size
        FROM ledger_batch`,
    });
    expect(row?.last).toBe((row?.count ?? 0n) - 1n);
    expect(row?.size).toBe(row?.count);
  });

  it('goes on under its name when another key signs', async () => {
    const other = someSigner('hindcast/other');
    await append('rotated');
    const { note } = await sealLedger(database, other);
    expect(openCheckpoint(note ?? '', [signer.verifierKey])).toBeNull();
    expect(openCheckpoint(note ?? '', [other.verifierKey])?.origin).toMatch(/^hindcast\/test\//);
    expect(parseVerifierKey(other.verifierKey.text)?.id).toBe(other.verifierKey.id);
    const proof = await proofOf('rotated');
    if (proof === null) throw new Error('no proof');
    expect(rootFrom(proof)).toBe(proof.checkpoint.root);
  });

  it('never changes', async () => {
    for (const text of [
      "UPDATE ledger_batch SET leaves = sha256('x'), leaf_count = 1",
      'UPDATE ledger_batch SET leaf_index = leaf_index + 1000000 WHERE leaf_index IS NOT NULL',
      'DELETE FROM ledger_batch',
      'DELETE FROM ledger_node',
      'UPDATE checkpoint SET tree_size = tree_size + 1',
      'DELETE FROM signing_key',
    ]) {
      await expect(database.query({ text })).rejects.toThrow('append-only');
    }
  });
});
