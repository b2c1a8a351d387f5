import { randomUUID } from 'node:crypto';
import { revokeApiKey } from '../../src/access/api-key.ts';
import { recordSensitiveRead } from '../../src/access/sensitive-read.ts';
import { eraseEntity } from '../../src/ledger/erase-entity.ts';
import { sealLedger } from '../../src/ledger/seal.ts';
import type { Context } from '../../src/platform/context.ts';
import type { Signer } from '../../src/platform/signed-note.ts';
import { weekOf } from '../../src/prediction/partitions.ts';
import { archivePartition } from '../../src/retention/archive-partition.ts';
import { placeHold, releaseHold } from '../../src/retention/place-hold.ts';
import { restorePartition } from '../../src/retention/restore-partition.ts';
import { setRetentionPolicy } from '../../src/retention/retention-policy-type.ts';
import { makeKey } from './closed.ts';
import type { TestHindcast } from './hindcast.ts';
import { post } from './ingest.ts';
import { append, field, line, served } from './registration.ts';

/** The largest 64-bit integer, beyond what a JavaScript number tells apart. */
const INT64 = '9223372036854775807';

const FIELDS = [
  field('plain', 'FP64', {
    transformations: [{ function: 'f', version: '1', inputs: ['a'], parameters: { b: 1 } }],
  }),
  field('missing', 'FP64', { isNullable: true }),
  field('not_a_number'),
  field('below_zero'),
  field('endless'),
  field('single', 'FP32'),
  field('whole', 'INT64'),
  field('text', 'STRING'),
];

const FEATURES = {
  plain: 0.1,
  missing: null,
  not_a_number: 'NaN',
  below_zero: '-0',
  endless: '-Infinity',
  single: 0.1,
  whole: INT64,
  text: 'a\tb\\n\n\r\\.\n"é😀',
};

/** What of an installation is asked for before and after it moves. */
export interface FullInstallation {
  /** Predictions: one in the log, one in an archive, one that was erased. */
  readonly predictions: readonly {
    readonly request: {
      readonly endpoint: { readonly name: string; readonly environment: string };
      readonly requestId: string;
    };
  }[];
  /** When all of it was known. */
  readonly knownAt: string;
  /** How to write another line. */
  readonly nextLine: (requestId: string) => Record<string, unknown>;
}

const WEEKS = ['2026-02-11T12:00:00.000001Z', '2026-02-18T12:00:00Z'];

/** Fills every table of a Hindcast, with values that only an exact copy keeps, and seals it. */
export const fillInstallation = async (
  hindcast: TestHindcast,
  context: Context,
  signer: Signer,
): Promise<FullInstallation> => {
  const { database, artifacts, archive } = hindcast;
  const digest = await artifacts.write(Buffer.from('a model'));
  const definition = { digest, location: 'file:///model', mediaType: 'text/plain', sizeBytes: 7 };
  const { version, endpoint } = await served(hindcast, FIELDS, {
    artifacts: [{ role: 'WEIGHTS', artifact: { definition } }],
    metrics: [{ name: 'auc', value: 0.1 + 0.2 }],
  });
  const lineOf = (requestId: string, more: Record<string, unknown> = {}) =>
    line(version, endpoint, FEATURES, {
      requestId,
      entityKey: 'kept',
      output: '{"score": 1.0, "text": "\\u0000 is no byte here"}'.replace('\\u0000', '0'),
      label: 'yes',
      latencyMs: 1e-7,
      ...more,
    });
  await append(hindcast, [
    lineOf('in-log'),
    lineOf('sampled', { samplingRate: 1 / 3 }),
    lineOf('erased', { entityKey: 'erased' }),
    lineOf('refused', { modelVersion: { model: 'nobody', semver: '1.0.0' } }),
  ]);
  await append(hindcast, [lineOf('in-log', { score: 0.25 })]);
  const outcome = {
    requestId: 'in-log',
    endpoint,
    observedAt: '2026-02-02T00:00:00Z',
    label: 'no',
  };
  await post(hindcast, '/v1/outcomes', `${JSON.stringify({ ...outcome, value: 'NaN' })}\n`);
  for (const [index, occurredAt] of WEEKS.entries()) {
    await append(hindcast, [lineOf(`in-archive-${index}`, { occurredAt })]);
    const week = weekOf(Date.parse(occurredAt) * 1000);
    await archivePartition(database, archive, week, { actor: 'tester', reason: 'tested' });
    if (index === 1) {
      await restorePartition(database, archive, week, { actor: 'tester', reason: 'tested' });
    }
  }
  await eraseEntity(context, { entityKey: 'erased', legalBasis: 'GDPR', reason: 'asked' });
  await setRetentionPolicy(context, { keepDays: 90, reason: 'tested' });
  await placeHold(context, { entityKey: 'kept', reason: 'case 1' });
  const number = await placeHold(context, { entityKey: 'other', reason: 'case 2' });
  await releaseHold(context, { number, reason: 'closed' });
  const { id } = await makeKey(database, ['registry:read']);
  await revokeApiKey(database, id, { reason: 'left in a log', actor: 'tester' });
  await recordSensitiveRead(database, {
    actor: 'somebody',
    requestId: 'in-log',
    operation: null,
    kinds: ['OUTPUT'],
    subjects: ['in-log', 'a "b", {c}'],
    reason: null,
  });
  const job = randomUUID();
  for (const text of [
    `INSERT INTO dataset_snapshot (digest, content_digest, name)
      SELECT 'sha256:' || repeat(letter, 64), content_digest, letter FROM dataset_snapshot, unnest('{a,b}'::text[]) letter`,
    `INSERT INTO dataset_derivation (derived_id, source_id)
      SELECT b.id, a.id FROM dataset_snapshot a, dataset_snapshot b WHERE a.name = 'a' AND b.name = 'b'`,
    `INSERT INTO sampling_fact (endpoint_id, sequence, rule, key, rate, valid_from, reason, actor, recorded_at)
      SELECT min(id), 1, 'KEYED', 'ENTITY_KEY', 0.5, now(), 'cost', 'tester', now() FROM endpoint`,
    `INSERT INTO api_key_use (api_key_id, last_used_at) SELECT id, now() FROM api_key`,
    `INSERT INTO replay_job (id, state, accept_other_meanings, runner, row_limit, actor, scopes, created_at, ended_at)
      VALUES ('${job}', 'DONE', false, 'onnx', 1, 'tester', '{a}', now(), now())`,
    `INSERT INTO replay_result (job_id, ordinal, request_id, occurred_at, endpoint_id, item, score_after)
      SELECT '${job}', 1, request_id, occurred_at, endpoint_id, item, '-0' FROM prediction_log LIMIT 1`,
  ]) {
    await database.query({ text });
  }
  await sealLedger(database, signer);
  const names = ['in-log', 'in-archive-0', 'in-archive-1', 'sampled', 'erased'];
  return {
    predictions: names.map((requestId) => ({ request: { endpoint, requestId } })),
    knownAt: new Date().toISOString(),
    nextLine: (requestId) => lineOf(requestId),
  };
};
