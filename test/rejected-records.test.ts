import { describe, expect, it } from 'vitest';
import { announceRecorded } from '../src/platform/events.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { rawLine } from '../src/prediction/raw-line.ts';
import { releaseForgotten, releaseWaiting } from '../src/prediction/release-waiting.ts';
import { field } from './feature-fixture.ts';
import { unique } from './setup/database.ts';
import { openIngest, openServing, post } from './setup/ingest.ts';
import { insertEndpoint, insertSchema, insertVersion } from './setup/versions.ts';

const hindcast = await openIngest();
const { database, ask, respond } = hindcast;
const FIELDS = [field('distance', 'FP64')];
const serving = await openServing(hindcast, FIELDS, { distance: 1 });
const { line } = serving;

const send = (...texts: (string | Uint8Array<ArrayBuffer>)[]) =>
  post(
    hindcast,
    '/v1/predictions',
    Buffer.concat(texts.flatMap((text) => [Buffer.from(text), Buffer.from('\n')])),
  );

const predictionsOf = async (requestId: string): Promise<number> => {
  const rows = await database.query({
    text: 'SELECT 1 FROM prediction_log WHERE request_id = $1',
    values: [requestId],
  });
  return rows.length;
};

interface Listed {
  readonly id: string;
  readonly requestId: string | null;
  readonly code: string;
  readonly raw: string;
  readonly attempts: number;
  readonly resolvedAt: string | null;
}

const list = async (filter: object, paging = 'first: 50'): Promise<readonly Listed[]> => {
  const { rejectedRecords } = await ask<{ rejectedRecords: { nodes: Listed[] } }>(
    `query ($filter: RejectedRecordFilter) { rejectedRecords(filter: $filter, ${paging}) {
      nodes { id kind code path message raw rawEncoding requestId waitsFor attempts receivedAt attemptedAt resolvedAt }
    } }`,
    { filter },
  );
  return rejectedRecords.nodes;
};

const resubmit = (input: object) =>
  ask<{ resubmitRejectedRecords: unknown }>(
    `mutation ($input: ResubmitRejectedRecordsInput!) { resubmitRejectedRecords(input: $input) {
      ... on ResubmitRejectedRecordsPayload { triedCount resolvedCount conflictCount rejectedCount }
      ... on InvalidInputError { message path }
    } }`,
    { input },
  );

const counts = (triedCount: number, resolvedCount: number, conflictCount = 0) => ({
  resubmitRejectedRecords: {
    triedCount,
    resolvedCount,
    conflictCount,
    rejectedCount: triedCount - resolvedCount,
  },
});

describe('rejected records', () => {
  it('are listed with their bytes, reason and request ID', async () => {
    const id = unique('listed');
    const text = line(id, { score: 'x' });
    await send(text);
    expect(await list({ requestId: id })).toEqual([
      {
        id: expect.any(String),
        kind: 'PREDICTION',
        code: 'INVALID_FIELD',
        path: 'score',
        message:
          'score is "x", which is not a number; send a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"',
        raw: text,
        rawEncoding: 'UTF8',
        requestId: id,
        waitsFor: null,
        attempts: 1,
        receivedAt: expect.any(String),
        attemptedAt: expect.any(String),
        resolvedAt: null,
      },
    ]);
  });

  it('show bytes that are no text in Base64', async () => {
    const bytes = Buffer.concat([Buffer.from(unique('bytes')), Buffer.of(0xff, 0xfe)]);
    await send(bytes);
    const [newest] = await list({ codes: ['INVALID_ENCODING'] }, 'first: 1');
    expect(newest).toMatchObject({ raw: bytes.toString('base64'), rawEncoding: 'BASE64' });
  });

  it('come newest first, page by page both ways, and by filter', async () => {
    const ids = [unique('p'), unique('p'), unique('p')];
    await send(...ids.map((id) => line(id, { latencyMs: -1 })));
    const page = async (paging: string) => {
      const { rejectedRecords } = await ask<{
        rejectedRecords: {
          nodes: Listed[];
          pageInfo: { startCursor: string; endCursor: string; hasNextPage: boolean };
        };
      }>(
        `{ rejectedRecords(${paging}, filter: { codes: [INVALID_FIELD], kind: PREDICTION, isResolved: false }) {
          nodes { requestId } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
        } }`,
      );
      return rejectedRecords;
    };
    const newestFirst = (await list({ codes: ['INVALID_FIELD'] })).map(
      ({ requestId }) => requestId,
    );
    expect(newestFirst.slice(0, 3).toSorted()).toEqual(ids.toSorted());
    const first = await page('first: 2');
    expect(first.nodes.map(({ requestId }) => requestId)).toEqual(newestFirst.slice(0, 2));
    const next = await page(`first: 1, after: "${first.pageInfo.endCursor}"`);
    expect(next.nodes[0]?.requestId).toBe(newestFirst[2]);
    const back = await page(`last: 2, before: "${next.pageInfo.startCursor}"`);
    expect(back.nodes.map(({ requestId }) => requestId)).toEqual(newestFirst.slice(0, 2));
    expect(await list({ kind: 'OUTCOME' })).toEqual([]);
  });

  it('are found again by their global ID', async () => {
    const id = unique('node');
    await send(line(id, { item: -1 }));
    const [record] = await list({ requestId: id });
    const found = await ask(
      'query ($id: ID!) { node(id: $id) { ... on RejectedRecord { requestId } } }',
      {
        id: record?.id,
      },
    );
    expect(found).toEqual({ node: { requestId: id } });
    const none = await ask('query ($id: ID!) { node(id: $id) { id } }', {
      id: Buffer.from('RejectedRecord:x').toString('base64'),
    });
    expect(none).toEqual({ node: null });
  });
});

describe('resubmitting', () => {
  it('stores what fits now, and keeps what does not with its new reason', async () => {
    const [id, other] = [unique('late'), unique('never')];
    const model = unique('model');
    const modelVersion = { model, semver: '1.0.0' };
    await send(
      line(id, { modelVersion }),
      line(other, { modelVersion, features: { distance: 'x' } }),
    );
    const records = [...(await list({ requestId: id })), ...(await list({ requestId: other }))];
    await insertVersion(database, serving.schema, model);
    const ids = records.map((record) => record.id);
    expect(await resubmit({ records: { ids } })).toEqual(counts(2, 1));
    expect(await predictionsOf(id)).toBe(1);
    expect(await predictionsOf(other)).toBe(0);
    expect(await list({ requestId: id, isResolved: true })).toMatchObject([{ attempts: 2 }]);
    expect(await list({ requestId: other })).toMatchObject([
      { attempts: 2, code: 'FEATURE_SCHEMA_VIOLATION', waitsFor: null, resolvedAt: null },
    ]);
    expect(await resubmit({ records: { ids } })).toEqual(counts(1, 0));
  });

  it('takes a filter, and may keep undeclared features', async () => {
    const id = unique('undeclared');
    await send(line(id, { features: { distance: 1, extra: 2 } }));
    const filter = { requestId: id };
    expect(await resubmit({ records: { filter } })).toEqual(counts(1, 0));
    expect(await resubmit({ records: { filter }, undeclaredFeatures: 'KEEP' })).toEqual(
      counts(1, 1),
    );
    expect(await predictionsOf(id)).toBe(1);
  });

  it('resolves duplicates and conflicts of what came meanwhile', async () => {
    const id = unique('meanwhile');
    const model = unique('model');
    const modelVersion = { model, semver: '1.0.0' };
    await send(line(id, { modelVersion }), line(id, { modelVersion, score: 1 }));
    await insertVersion(database, serving.schema, model);
    await send(line(id, { modelVersion, label: 'first' }));
    expect(await resubmit({ records: { filter: { requestId: id } } })).toEqual(counts(2, 2, 2));
    expect(await list({ requestId: id, isResolved: false })).toEqual([]);
  });

  it('passes over records of which only the beginning was kept', async () => {
    await send(`"${'x'.repeat(1024 * 1024)}"`);
    expect(await resubmit({ records: { filter: { codes: ['LINE_TOO_LONG'] } } })).toEqual(
      counts(0, 0),
    );
  });

  it('takes more than one batch', async () => {
    const model = unique('model');
    const modelVersion = { model, semver: '1.0.0' };
    const prefix = unique('many');
    await send(...Array.from({ length: 2500 }, (_, n) => line(`${prefix}-${n}`, { modelVersion })));
    await insertVersion(database, serving.schema, model);
    expect(await releaseWaiting(database, [`modelVersion:release:${model}@1.0.0`])).toBe(2500);
  });

  it('takes at most 1000 IDs', async () => {
    const id = Buffer.from('RejectedRecord:1').toString('base64');
    expect(await resubmit({ records: { ids: Array.from({ length: 1001 }, () => id) } })).toEqual({
      resubmitRejectedRecords: {
        message: '1001 IDs were given; give at most 1000, or a filter.',
        path: ['input', 'records', 'ids'],
      },
    });
  });
});

describe('a record that waits', () => {
  it('is released when the version it names is announced, whichever way it named it', async () => {
    const schema = await insertSchema(database, FIELDS);
    const version = await insertVersion(database, schema);
    const [byDigest, byRelease] = [unique('digest'), unique('release')];
    const model = unique('model');
    await send(
      line(byDigest, { modelVersion: `sha256:${'1'.repeat(64)}` }),
      line(byRelease, { modelVersion: { model, semver: '2.0.0' } }),
    );
    expect(await list({ requestId: byDigest })).toMatchObject([
      { waitsFor: `modelVersion:digest:sha256:${'1'.repeat(64)}` },
    ]);
    await insertVersion(database, schema, model, '2.0.0');
    await announceRecorded(database, [`modelVersion:release:${model}@2.0.0`]);
    expect(await predictionsOf(byRelease)).toBe(1);
    expect(await predictionsOf(byDigest)).toBe(0);
    expect(version.id).toBeGreaterThan(0);
  });

  it('is released by the mutation that records its schema', async () => {
    const id = unique('schema');
    const name = unique('schema');
    await send(line(id, { featureSchema: { name, semver: '1.0.0' } }));
    expect(await list({ requestId: id })).toMatchObject([
      { code: 'UNKNOWN_FEATURE_SCHEMA', waitsFor: `featureSchema:release:${name}@1.0.0` },
    ]);
    await ask(
      `mutation ($input: FeatureSchemaInput!) { recordFeatureSchema(input: $input) { __typename } }`,
      {
        input: {
          name,
          semver: '1.0.0',
          fields: [{ name: 'distance', type: 'FP64', isNullable: false }],
        },
      },
    );
    expect(await predictionsOf(id)).toBe(1);
    expect(await list({ requestId: id, isResolved: true })).toHaveLength(1);
  });

  it('waits for one thing after another', async () => {
    const id = unique('both');
    const [name, model] = [unique('endpoint'), unique('model')];
    const modelVersion = { model, semver: '1.0.0' };
    await send(line(id, { endpoint: { name, environment: 'production' }, modelVersion }));
    expect(await list({ requestId: id })).toMatchObject([
      { code: 'UNKNOWN_ENDPOINT', waitsFor: `endpoint:route:production/${name}` },
    ]);
    await insertEndpoint(database, name);
    await announceRecorded(database, [`endpoint:route:production/${name}`]);
    expect(await list({ requestId: id })).toMatchObject([
      {
        code: 'UNKNOWN_MODEL_VERSION',
        waitsFor: `modelVersion:release:${model}@1.0.0`,
        attempts: 2,
      },
    ]);
    await insertVersion(database, serving.schema, model);
    await announceRecorded(database, [`modelVersion:release:${model}@1.0.0`]);
    expect(await predictionsOf(id)).toBe(1);
    expect(await list({ requestId: id })).toMatchObject([{ attempts: 3 }]);
  });

  it('keeps its undeclared features when its sender asked for that', async () => {
    const id = unique('keep');
    const model = unique('model');
    const text = line(id, {
      modelVersion: { model, semver: '1.0.0' },
      features: { distance: 1, extra: 2 },
    });
    await post(hindcast, '/v1/predictions?undeclaredFeatures=keep', text);
    await insertVersion(database, serving.schema, model);
    await announceRecorded(database, [`modelVersion:release:${model}@1.0.0`]);
    expect(await predictionsOf(id)).toBe(1);
  });

  it('is released later by any process when the one that should have ended first', async () => {
    const model = unique('model');
    const waiting = [unique('left'), unique('left')];
    const never = unique('never');
    await send(
      ...waiting.map((id) => line(id, { modelVersion: { model, semver: '1.0.0' } })),
      line(never, { modelVersion: { model, semver: '2.0.0' } }),
    );
    // Recorded, and nobody told.
    await insertVersion(database, serving.schema, model);
    expect(await releaseForgotten(database)).toBe(2);
    expect(await Promise.all([...waiting, never].map(predictionsOf))).toEqual([1, 1, 0]);
    expect(await releaseForgotten(database)).toBe(0);
  });

  it('is released though its version was recorded between looking it up and keeping the record', async () => {
    const id = unique('overtaken');
    const model = unique('model');
    const overtaking = {
      ...database,
      transaction: async <Result>(work: Parameters<typeof database.transaction<Result>>[0]) => {
        const result = await database.transaction(work);
        const exists = await database.prisma.model.findUnique({ where: { name: model } });
        if (exists === null) await insertVersion(database, serving.schema, model);
        return result;
      },
    };
    const bytes = Buffer.from(line(id, { modelVersion: { model, semver: '1.0.0' } }));
    const report = await appendPredictions(overtaking, [rawLine(1, bytes)]);
    expect(report.rejected).toBe(1);
    expect(await predictionsOf(id)).toBe(1);
  });
});

it('refuses a page of more than 200 records', async () => {
  const { errors } = await respond('{ rejectedRecords(first: 201) { nodes { id } } }');
  expect(errors?.[0]?.message).toBe('A page holds 0 to 200 items; 201 were asked for.');
});
