import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../src/ledger/checkpoint.ts';
import { checkDossier } from '../src/ledger/dossier-check.ts';
import { isConsistent } from '../src/ledger/merkle-check.ts';
import { openDemo, predictions, variablesOf } from './setup/example.ts';

const demo = await openDemo();

interface Proven {
  readonly predictionLog: {
    readonly requestId: string;
    readonly digest: string;
    readonly proof: {
      readonly batchSize: number;
      readonly entry: string;
      readonly checkpoint: { readonly note: string; readonly root: string; readonly size: number };
    };
    readonly erasure: null;
    readonly modelVersion: {
      readonly displayName: string;
      readonly integrity: { readonly isIntact: boolean };
      readonly proof: { readonly text: string; readonly proof: { readonly leaf: string } };
    };
  };
  readonly ledger: {
    readonly pending: number;
    readonly latest: { readonly size: number; readonly root: string; readonly note: string };
    readonly consistency: {
      readonly from: number;
      readonly fromRoot: string;
      readonly to: number;
      readonly toRoot: string;
      readonly path: readonly string[];
    };
  };
  readonly dossier: { readonly envelope: string; readonly digest: string };
}

const bytes = (digest: string): Uint8Array => new Uint8Array(Buffer.from(digest.slice(7), 'hex'));
const sha256 = (text: string): string =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`;

it('proves the prediction of the story, its version, and that the ledger only grew', async () => {
  const { predictionLog, ledger, dossier } = await demo.run<Proven>('prove');
  const { request } = variablesOf('prove').prediction as { request: { requestId: string } };
  const logged = predictions.find(({ requestId }) => requestId === request.requestId);
  expect(predictionLog).toMatchObject({
    requestId: logged?.requestId,
    erasure: null,
    modelVersion: {
      displayName: 'flight-delay@1.0.0',
      integrity: { isIntact: true },
    },
  });
  const { text, proof } = predictionLog.modelVersion.proof;
  expect(proof.leaf).toBe(sha256(text));

  const head = openCheckpoint(ledger.latest.note, [demo.signer.verifierKey]);
  expect(head?.size).toBe(ledger.latest.size);
  expect(bytes(ledger.latest.root)).toEqual(head?.root);
  const { from, to, fromRoot, toRoot, path } = ledger.consistency;
  expect([from, to]).toEqual([100, ledger.latest.size]);
  expect(
    isConsistent(
      { size: from, root: bytes(fromRoot) },
      { size: to, root: bytes(toRoot) },
      path.map(bytes),
    ),
  ).toBe(true);

  expect(dossier.digest).toBe(sha256(dossier.envelope));
  const { problems, statement } = checkDossier(dossier.envelope, [demo.signer.verifierKey]);
  expect(problems).toEqual([]);
  const [, requestId, , item, endpoint] = statement?.predicate.record.text?.split('\t') ?? [];
  expect([requestId, item, endpoint]).toEqual([logged?.requestId, '0', 'production/flight-delay']);
  expect(predictionLog.digest).toBe(`sha256:${statement?.subject[0].digest.sha256}`);
});
