import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { readPartitions, weekOf } from '../src/prediction/partitions.ts';
import { appendOutcomes } from '../src/prediction/store-outcomes.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { logPartitions } from '../src/retention/log-partitions.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { runRetention } from '../src/retention/run-retention.ts';
import { tendPartitions } from '../src/server/background-partitions.ts';
import { createLog } from '../src/server/log.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const actor = localActor('Erika');
const { database, archive, artifacts, ask } = await openTestHindcast(actor, [], null, signer);
const context = { database, archive, artifacts, actor, inferenceUrl: null, signer };
const order = { actor: 'tester', reason: 'tested' };
const tabular = [field('x', 'FP64'), field('v', 'FP32', { shape: [2] }), field('s', 'STRING')];
const one = await openServing({ database }, tabular, { x: 1.5, v: [1, 2], s: 'secret' });
const two = await openServing({ database }, [field('y', 'INT64')], { y: 2 });

const instant = (text: string) => Date.parse(text) * 1000;
const weekAt = (text: string) => weekOf(instant(text));
const put = async (texts: readonly string[]) =>
  expect(await appendPredictions(database, rawLines(texts))).toMatchObject({
    stored: texts.length,
  });

const discrepancies = async () => {
  await sealLedger(database, signer);
  const keys = [signer.verifierKey];
  const report = await verifyLedger(database, { keys, witnesses: [], artifacts, archive });
  return report.discrepancies;
};

const SET = `mutation ($input: SetRetentionPolicyInput!) { setRetentionPolicy(input: $input) {
  ... on SetRetentionPolicyPayload { policies { nodes { model keepDays reason actor } } }
  ... on UserError { message path } } }`;
const set = async (input: object) =>
  (await ask<{ setRetentionPolicy: object }>(SET, { input: { reason: 'tested', ...input } }))
    .setRetentionPolicy;
const HOLD = `hold { number model endpoint { name } isOnEntity entityKey from to releasedAt releasedBy }`;
const PLACE = `mutation ($input: PlaceLegalHoldInput!) { result: placeLegalHold(input: $input) {
  ... on LegalHoldPayload { ${HOLD} } ... on UserError { message path } } }`;
const RELEASE = `mutation ($input: ReleaseLegalHoldInput!) { result: releaseLegalHold(input: $input) {
  ... on LegalHoldPayload { ${HOLD} } ... on UserError { message path } } }`;
const place = async (input: object) =>
  (
    await ask<{ result: { hold: { number: number } } }>(PLACE, {
      input: { reason: 'case', ...input },
    })
  ).result;
const release = async (number: number) =>
  (await ask<{ result: object }>(RELEASE, { input: { number, reason: 'closed' } })).result;

/** What retention does at a moment, by the day on which each week began. */
const run = async (now: string): Promise<Record<string, string>> => {
  const steps = await runRetention(database, archive, {
    ...order,
    before: null,
    now: instant(now),
  });
  return Object.fromEntries(
    steps.map(({ partition, result }) => [partition.partition.slice(-8), result.status]),
  );
};

describe('retention', () => {
  it('is by model: a week goes when the last model in it may go', async () => {
    await put([
      one.line(unique('r'), { occurredAt: '2001-01-02T00:00:00Z' }),
      one.line(unique('r'), { occurredAt: '2001-01-09T00:00:00Z' }),
      two.line(unique('r'), { occurredAt: '2001-01-09T00:00:00Z' }),
    ]);
    expect(await run('2020-01-01')).toEqual({});
    expect(await set({ keepDays: 10 })).toEqual({
      policies: { nodes: [{ model: null, keepDays: 10, reason: 'tested', actor: 'Erika' }] },
    });
    await set({ model: two.version.model, keepDays: 100 });
    expect(await run('2001-01-17T23:59:59Z')).toEqual({});
    const states = async () =>
      (await logPartitions(database))
        .filter(({ partition }) => partition.startsWith('prediction_log_p2001'))
        .map(({ state, rows, expiresAt }) => ({ state, rows, expiresAt }));
    expect(await states()).toEqual([
      { state: 'LOG', rows: 1, expiresAt: instant('2001-01-18') },
      { state: 'LOG', rows: 2, expiresAt: instant('2001-04-25') },
    ]);
    expect(await run('2001-04-24T23:59:59Z')).toEqual({ '20010101': 'ARCHIVED' });
    expect(await states()).toEqual([
      { state: 'ARCHIVED', rows: 1, expiresAt: null },
      { state: 'LOG', rows: 2, expiresAt: instant('2001-04-25') },
    ]);
    await set({ model: two.version.model, keepDays: null });
    expect(await run('2001-04-24T23:59:59Z')).toEqual({ '20010108': 'ARCHIVED' });
    // What somebody brought back stays.
    await restorePartition(database, archive, weekAt('2001-01-02'), order);
    expect(await run('2020-01-01')).toEqual({});
    expect(await discrepancies()).toEqual([]);
  });

  it('says what is wrong with a policy', async () => {
    expect(await set({ keepDays: 0, reason: ' ', model: 'nobody' })).toMatchObject({
      message: 'reason is empty; give 1 to 2000 characters.',
      path: ['input', 'reason'],
    });
    expect(await set({ keepDays: 0 })).toEqual({
      message: 'keepDays is 0; give 1 to 36500.',
      path: ['input', 'keepDays'],
    });
  });

  it('gives way to legal holds of every kind until they are released, which forgets the entity', async () => {
    await set({ keepDays: 1 });
    const entity = unique('entity');
    const at = '2002-03-05T12:00:00Z';
    await put([one.line(unique('r'), { occurredAt: at, entityKey: entity })]);
    const { endpoint, version } = one;
    const route = { name: endpoint.name, environment: endpoint.environment };
    const during = { from: '2002-03-05T12:00:00Z', to: '2002-03-06T00:00:00Z' };
    const beside = { from: '2002-03-05T12:00:00.000001Z', to: '2002-03-06T00:00:00Z' };
    for (const on of [
      { model: version.model },
      { endpoint: route },
      { entityKey: entity },
      { during },
    ]) {
      const { hold } = await place(on);
      expect(await run('2020-01-01')).toEqual({ '20020304': 'HELD' });
      const [week] = (await logPartitions(database)).filter(({ holds }) => holds.length > 0);
      expect(week?.holds).toEqual([hold.number]);
      expect(await release(hold.number)).toEqual({
        hold: expect.objectContaining({ entityKey: null, releasedBy: 'Erika' }),
      });
    }
    const besides: number[] = [];
    for (const on of [
      { during: beside },
      { model: two.version.model },
      { model: version.model, entityKey: 'nobody' },
    ]) {
      besides.push((await place(on)).hold.number);
    }
    expect(await discrepancies()).toEqual([]);
    expect(await run('2020-01-01')).toEqual({ '20020304': 'ARCHIVED' });
    for (const number of besides) await release(number);
    const { legalHolds } = await ask<{ legalHolds: { nodes: object[] } }>(
      '{ legalHolds(areReleased: true) { nodes { isOnEntity entityKey model } } }',
    );
    expect(legalHolds.nodes).toHaveLength(7);
    const [kept] = await database.query<{ text: string }>({
      text: 'SELECT json_agg(e)::text AS text FROM held_entity e',
    });
    expect(kept?.text).toBeNull();
  });

  it('says what is wrong with a hold', async () => {
    expect(await place({})).toEqual({
      message: 'The hold is on nothing; give a model, endpoint, entity or window.',
      path: ['input'],
    });
    expect(await release(999)).toEqual({
      message: 'No hold that lasts has the number 999.',
      path: ['input', 'number'],
    });
  });

  it('runs in the background only where a policy is in force, and makes partitions ahead in any case', async () => {
    await set({ keepDays: null });
    await put([one.line(unique('r'), { occurredAt: '2003-03-05T12:00:00Z' })]);
    const options = { database, archive, ahead: 3, log: createLog('silent') };
    await Promise.all([tendPartitions(options), tendPartitions(options)]);
    const now = Date.now() * 1000;
    const ahead = [0, 1, 2, 3].map((weeks) => weekOf(now + weeks * 7 * 86_400e6).partition);
    expect([...(await readPartitions(database))]).toEqual(
      expect.arrayContaining([...ahead, 'prediction_log_p20030303']),
    );
    await set({ keepDays: 1 });
    await tendPartitions(options);
    expect(await readPartitions(database)).not.toContain('prediction_log_p20030303');
  });
});

describe('an erasure', () => {
  it('takes what archives hold of an entity, keeps the leaves, and deletes the old file', async () => {
    const entity = unique('entity');
    const at = '2004-03-03T12:00:00Z';
    const week = weekAt(at);
    const [erased, other] = [unique('r'), unique('r')];
    const observed = { value: 'whisper', observedAt: at };
    await put([
      one.line(erased, {
        occurredAt: at,
        entityKey: entity,
        features: { x: 7.25, v: [3, 4], s: observed },
        output: { answer: 'whisper' },
      }),
      one.line(other, { occurredAt: at, entityKey: 'other' }),
      two.line(unique('r'), { occurredAt: at, entityKey: 'other' }),
    ]);
    await appendOutcomes(
      database,
      rawLines([
        JSON.stringify({
          requestId: erased,
          endpoint: { name: one.endpoint.name, environment: one.endpoint.environment },
          observedAt: at,
          label: 'whisper',
        }),
      ]),
    );
    const result = await archivePartition(database, archive, week, order);
    expect(result).toMatchObject({ status: 'ARCHIVED', rows: 3 });
    const files = () =>
      selectArchiveFiles(database, 'a.partition = $1 ORDER BY f.feature_schema_id', [
        week.partition,
      ]);
    const before = await files();
    const erase = () =>
      eraseEntity(context, {
        entityKey: entity,
        legalBasis: 'GDPR Art. 17(1)(a)',
        reason: 'asked',
      });
    const { hold } = await place({ entityKey: entity });
    await expect(erase()).rejects.toThrow(`Legal hold ${hold.number} is on some of it; release it`);
    expect(await files()).toEqual(before);
    await release(hold.number);
    expect(await erase()).toMatchObject({ predictions: 1, outcomes: 1 });
    const after = await files();
    expect(after.map(({ rowCount }) => rowCount)).toEqual([2n, 1n]);
    expect(after[0]?.digest).not.toBe(before[0]?.digest);
    expect(after[1]?.digest).toBe(before[1]?.digest);
    expect(await archive.open(before[0]?.digest ?? '')).toBeNull();
    const bytes = await readFile(join(archive.location, storeKey(after[0]?.digest ?? '')));
    for (const text of [entity, 'whisper']) expect(bytes.includes(text)).toBe(false);
    const { request } = await ask<{ request: { predictions: object[] } }>(
      `query ($id: String!) { request(by: { requestId: $id }) { predictions {
        source entityKey output label features { status text } erasure { actor } } } }`,
      { id: erased },
    );
    const gone = { status: 'ERASED', text: null };
    expect(request.predictions).toEqual([
      {
        source: 'ARCHIVE',
        entityKey: null,
        output: null,
        label: null,
        features: [gone, gone, gone],
        erasure: { actor: 'Erika' },
      },
    ]);
    expect(await discrepancies()).toEqual([]);
    expect(await restorePartition(database, archive, week, order)).toBe(3);
    expect(await discrepancies()).toEqual([]);
  });
});
