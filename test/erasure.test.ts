import { describe, expect, it } from 'vitest';
import { rootOfProof } from '../src/ledger/ledger-proof.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { localActor } from '../src/platform/context.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { appendOutcomes } from '../src/prediction/store-outcomes.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const hindcast = await openTestHindcast(localActor('Erika'), [], null, signer);
const { ask, database, respond } = hindcast;
const serving = await openServing(
  hindcast,
  [
    field('income', 'FP64'),
    field('age', 'INT64'),
    field('city', 'STRING'),
    field('history', 'FP32', { shape: [2] }),
  ],
  { income: 51_234.5, age: 42, city: 'Trondheim', history: [1, 2] },
);

const by = (requestId: string) => ({
  by: {
    request: {
      requestId,
      endpoint: { name: serving.endpoint.name, environment: serving.endpoint.environment },
    },
  },
});

const line = (requestId: string, entityKey: string, other: object = {}): string =>
  serving.line(requestId, {
    entityKey,
    score: 0.25,
    label: 'GRANTED',
    output: { p: [0.75, 0.25] },
    ...other,
  });

const outcome = (requestId: string): string =>
  JSON.stringify({
    requestId,
    endpoint: { name: serving.endpoint.name, environment: serving.endpoint.environment },
    observedAt: '2026-04-04T00:00:00Z',
    label: 'REPAID',
  });

const ERASE = `mutation Erase($input: EraseEntityInput!) { eraseEntity(input: $input) {
  __typename
  ... on EraseEntityPayload { erasure { legalBasis reason actor predictionCount outcomeCount conflictCount rejectedRecordCount } }
  ... on UserError { message path }
} }`;

const erase = (entityKey: string) =>
  ask<{ eraseEntity: Record<string, unknown> }>(ERASE, {
    input: { entityKey, legalBasis: 'GDPR Art. 17(1)(b)', reason: 'Request 17' },
  });

/** Everything that any row of any table holds, as one text. */
const everything = async (): Promise<string> => {
  const tables = await database.query<{ name: string }>({
    text: `SELECT quote_ident(c.relname) AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
  });
  const texts = await Promise.all(
    tables.map(({ name }) =>
      database.query<{ text: string }>({
        text: `SELECT coalesce(string_agg(t::text, ' '), '') AS text FROM ${name} t`,
      }),
    ),
  );
  return texts
    .flat()
    .map(({ text }) => text)
    .join('\n');
};

describe('an erased entity', () => {
  it('leaves nothing of it in any table, and the fact that it was erased', async () => {
    const key = unique('customer');
    const [one, two, other] = [unique('r'), unique('r'), unique('r')];
    const rejected = line(unique('r'), key, { features: { income: 'much' } });
    const conflicting = line(one, key, { score: 0.984_375 });
    await appendPredictions(
      database,
      rawLines([
        line(one, key),
        line(two, key),
        line(other, 'someone-else'),
        conflicting,
        rejected,
      ]),
    );
    await appendOutcomes(database, rawLines([outcome(one), outcome(other)]));
    expect(await everything()).toContain(key);

    const { eraseEntity } = await erase(key);
    expect(eraseEntity).toEqual({
      __typename: 'EraseEntityPayload',
      erasure: {
        legalBasis: 'GDPR Art. 17(1)(b)',
        reason: 'Request 17',
        actor: 'Erika',
        predictionCount: 2,
        outcomeCount: 1,
        conflictCount: 1,
        rejectedRecordCount: 1,
      },
    });
    const text = await everything();
    expect(text).not.toContain(key);
    expect(text).not.toContain('0.984375');
    expect(text).not.toContain(Buffer.from(key).toString('hex'));
    const rows = await database.query({
      text: `SELECT request_id, entity_key, numbers, integers, texts, encode(statuses, 'hex') AS statuses, score, label,
          output, salt, digest FROM prediction_log WHERE request_id = ANY($1) ORDER BY request_id = $2 DESC`,
      values: [[one, other], one],
    });
    expect(rows[0]).toEqual({
      request_id: one,
      entity_key: null,
      numbers: [null, null, null],
      integers: [null],
      texts: [null],
      statuses: '06060606',
      score: null,
      label: null,
      output: null,
      salt: null,
      digest: null,
    });
    expect(rows[1]).toMatchObject({ entity_key: 'someone-else', score: 0.25, label: 'GRANTED' });
    expect(
      await database.query({
        text: 'SELECT request_id FROM prediction_outcome WHERE request_id = ANY($1)',
        values: [[one, other]],
      }),
    ).toEqual([{ request_id: other }]);
  });

  it('is told as erased by traces, values and replay, with what remains', async () => {
    const key = unique('customer');
    const request = unique('r');
    await appendPredictions(database, rawLines([line(request, key)]));
    await erase(key);
    const { predictionLog } = await ask<{ predictionLog: Record<string, never> }>(
      `query Q($by: PredictionLogReference!) { predictionLog(by: $by) {
        requestId score label entityKey digest
        features { name status text }
        erasure { legalBasis actor }
        replay { verdict reason }
      } }`,
      by(request),
    );
    expect(predictionLog).toMatchObject({
      requestId: request,
      score: null,
      label: null,
      entityKey: null,
      digest: null,
      erasure: { legalBasis: 'GDPR Art. 17(1)(b)', actor: 'Erika' },
      replay: { verdict: 'NOT_REPLAYABLE' },
    });
    const { trace } = await ask<{ trace: { gaps: { subject: string; reason: string }[] } }>(
      `query Q($by: PredictionLogReference!) { trace(prediction: $by) { gaps { subject reason message } findings { code } } }`,
      by(request),
    );
    const erased = trace.gaps.filter(({ reason }) => reason === 'ERASED');
    expect(erased).toHaveLength(1);
    expect(erased[0]).toMatchObject({ subject: 'prediction' });
  });

  it('stays provable, and its absence too', async () => {
    const key = unique('customer');
    const request = unique('r');
    await appendPredictions(database, rawLines([line(request, key), line(unique('r'), 'other')]));
    await sealLedger(database, signer);
    const proof = async () => {
      const { predictionLog } = await ask<{
        predictionLog: {
          proof: { leaf: string; entry: string };
          erasure: { proof: unknown } | null;
        };
      }>(
        `query Q($by: PredictionLogReference!) { predictionLog(by: $by) {
          proof { leaf position batchSize batchPath entry index path checkpoint { size root } }
          erasure { proof { text proof { leaf } } }
        } }`,
        by(request),
      );
      return predictionLog;
    };
    const before = await proof();
    await erase(key);
    await sealLedger(database, signer);
    const after = await proof();
    expect(after.proof).toEqual(before.proof);
    expect(after.erasure?.proof).toMatchObject({
      proof: { leaf: expect.stringMatching(/^sha256:/) },
    });
    const { leaf, batchPath, path, checkpoint, ...rest } = after.proof as never as {
      leaf: string;
      batchPath: string[];
      path: string[];
      checkpoint: { size: number; root: string };
      position: number;
      batchSize: number;
      entry: string;
      index: number;
    };
    const bytes = (text: string) => new Uint8Array(Buffer.from(text.slice(7), 'hex'));
    const root = rootOfProof(
      { ...rest, leaf: bytes(leaf), batchPath: batchPath.map(bytes), path: path.map(bytes) },
      checkpoint.size,
    );
    expect(root).toEqual(bytes(checkpoint.root));
  });

  it('does not come back when its records are sent again', async () => {
    const key = unique('customer');
    const request = unique('r');
    const records = rawLines([line(request, key)]);
    await appendPredictions(database, records);
    await appendOutcomes(database, rawLines([outcome(request)]));
    await erase(key);
    const again = await appendPredictions(database, records);
    expect(again).toMatchObject({ stored: 0, duplicates: 1, conflicts: 0 });
    expect(again.results[0]?.message).toBe(
      'This prediction was stored and erased by request; it is not stored again',
    );
    const known = await appendOutcomes(database, rawLines([outcome(request)]));
    expect(known).toMatchObject({ stored: 0, duplicates: 1 });
    expect(known.results[0]?.message).toBe(
      'The prediction was erased, and so is what came of it; nothing was changed',
    );
    expect(await everything()).not.toContain(key);
  });
});

describe('an erasure', () => {
  it('of nobody is refused, and records nothing', async () => {
    const count = () => database.query({ text: 'SELECT count(*) AS count FROM erasure' });
    const before = await count();
    expect(await erase('nobody')).toEqual({
      eraseEntity: {
        __typename: 'NotFoundError',
        message: 'Nothing is recorded of this entity; check its key, which is compared exactly.',
        path: ['input', 'entityKey'],
      },
    });
    const { data } = await respond(ERASE, {
      input: { entityKey: '', legalBasis: ' ', reason: 'x'.repeat(2001) },
    });
    expect(data).toEqual({
      eraseEntity: {
        __typename: 'InvalidInputError',
        message: 'entityKey is empty; give 1 to 1024 characters.',
        path: ['input', 'entityKey'],
      },
    });
    expect(await count()).toEqual(before);
  });

  it('is listed, the newest first', async () => {
    const keys = [unique('c'), unique('c')];
    await appendPredictions(database, rawLines(keys.map((key) => line(unique('r'), key))));
    for (const key of keys) await erase(key);
    const { erasures } = await ask<{ erasures: { nodes: object[]; pageInfo: object } }>(
      '{ erasures(first: 1) { nodes { predictionCount actor } pageInfo { hasNextPage } } }',
    );
    expect(erasures).toEqual({
      nodes: [{ predictionCount: 1, actor: 'Erika' }],
      pageInfo: { hasNextPage: true },
    });
  });
});
