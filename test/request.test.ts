import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import {
  append,
  deploy,
  field,
  line,
  moveTo,
  type Route,
  register,
  registration,
  served,
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { ask, statementsOf, fetch } = hindcast;

type Json = Record<string, unknown>;

const REQUEST = `query ($by: RequestReference!) {
  request(by: $by) {
    isTruncated
    predictions { requestId }
    events {
      kind attempt answerKinds
      prediction { item score }
      conflict { record } outcome { label } rejected { code }
    }
    gaps { subject reason message }
  }
}`;

interface Report {
  readonly isTruncated: boolean;
  readonly predictions: readonly Json[];
  readonly events: readonly Json[];
  readonly gaps: readonly Json[];
}

const report = async (by: Json): Promise<Report> =>
  (await ask<{ request: Report }>(REQUEST, { by })).request;

const at = (minute: number): string => `2026-02-01T12:${String(minute).padStart(2, '0')}:00.000Z`;

const outcome = (endpoint: Route, requestId: string, more: Json): Promise<Response> =>
  fetch('/v1/outcomes', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${JSON.stringify({ endpoint, requestId, observedAt: at(30), ...more })}\n`,
  });

const shadowOf = async (endpoint: Route, trafficShare: number) => {
  const shadow = await register(hindcast, registration([field('a')]));
  await moveTo(hindcast, shadow, 'STAGING', '2026-01-01T01:00:00Z');
  await deploy(hindcast, shadow, endpoint, { role: 'SHADOW', trafficShare });
  return shadow;
};

describe('a request', () => {
  it('is told in order: shadow, retry, conflict, outcome and refused record', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const shadow = await shadowOf(endpoint, 1);
    const requestId = unique('order');
    const answer = (occurredAt: string, more: Json = {}) =>
      line(version, endpoint, { a: 1 }, { requestId, occurredAt, ...more });
    await append(hindcast, [
      answer(at(3), { score: 0.75 }),
      answer(at(1)),
      line(shadow, endpoint, { a: 1 }, { requestId, occurredAt: at(2), score: 0.25 }),
      answer(at(1), { score: 0.9 }),
      answer(at(4), { features: { a: 'no number' } }),
    ]);
    await outcome(endpoint, requestId, { label: 'GOOD' });
    const { events, gaps, isTruncated } = await report({ requestId });
    expect(isTruncated).toBe(false);
    expect(events.map(({ kind, attempt, answerKinds }) => [kind, attempt, answerKinds])).toEqual([
      ['PREDICTION', 1, []],
      ['PREDICTION', 1, ['SHADOW']],
      ['PREDICTION', 2, ['RETRY']],
      ['OUTCOME', null, []],
      ['CONFLICT', null, []],
      ['REJECTED', null, []],
    ]);
    expect(events.map(({ prediction }) => (prediction as Json | null)?.score)).toEqual([
      0.5,
      0.25,
      0.75,
      0.5,
      0.5,
      undefined,
    ]);
    expect(events[4]?.conflict).toMatchObject({ record: expect.stringContaining('0.9') });
    expect(events[5]?.rejected).toEqual({ code: 'FEATURE_SCHEMA_VIOLATION' });
    expect(gaps.map(({ subject, reason }) => [subject, reason])).toEqual([
      ['prediction', 'REJECTED'],
    ]);
  });

  it('names the items of its batch that were never recorded', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const requestId = unique('batch');
    const items = [0, 3].map((item) => line(version, endpoint, { a: item }, { requestId, item }));
    await append(hindcast, items);
    const { events, gaps } = await report({ requestId });
    expect(events.map(({ answerKinds }) => answerKinds)).toEqual([['BATCH_ITEM'], ['BATCH_ITEM']]);
    expect(gaps).toEqual([
      {
        subject: 'item',
        reason: 'NEVER_RECORDED',
        message: `Of request "${requestId}" on test/${endpoint.name}, item 1 and 2 were never recorded.`,
      },
    ]);
  });

  it('misses the answer of a shadow that gets all traffic, and not of one that gets a part', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    await shadowOf(endpoint, 0.5);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    expect((await report({ requestId: record.requestId })).gaps).toEqual([]);
    const shadow = await shadowOf(endpoint, 1);
    expect((await report({ requestId: record.requestId })).gaps).toEqual([
      {
        subject: 'shadow',
        reason: 'NEVER_RECORDED',
        message: `${shadow.model.name}@1.0.0 shadowed all requests of test/${endpoint.name} at 2026-02-01T12:00:00.123456Z, but its answer to ${JSON.stringify(record.requestId)} was never recorded.`,
      },
    ]);
  });

  it('spans the components that one trace or entity touched', async () => {
    const [one, other] = [
      await served(hindcast, [field('a')]),
      await served(hindcast, [field('a')]),
    ];
    const traceId = 'a8c892a380b98f9e4bb2c98e2ee8bdd0';
    const entityKey = unique('order');
    await append(hindcast, [
      line(one.version, one.endpoint, { a: 1 }, { traceId, entityKey, occurredAt: at(1) }),
      line(other.version, other.endpoint, { a: 1 }, { traceId, entityKey, occurredAt: at(2) }),
    ]);
    const kinds = ({ events }: Report) => events.map(({ answerKinds }) => answerKinds);
    expect(kinds(await report({ traceId }))).toEqual([['COMPONENT'], ['COMPONENT']]);
    const during = { from: at(2), to: at(3) };
    const { predictions } = await report({ entity: { key: entityKey, during } });
    expect(predictions).toHaveLength(1);
  });

  it('shows an outcome whose prediction is missing, and that nothing is on record at all', async () => {
    const { endpoint } = await served(hindcast, [field('a')]);
    const requestId = unique('lost');
    await outcome(endpoint, requestId, { label: 'GOOD', item: 2 });
    const nothing = {
      subject: 'prediction',
      reason: 'NEVER_RECORDED',
      message: 'Nothing of this request is on record: no prediction, and no rejected record.',
    };
    expect((await report({ requestId })).gaps).toEqual([
      nothing,
      {
        subject: 'prediction',
        reason: 'NEVER_RECORDED',
        message: `An outcome is on record for item 2 of request "${requestId}" on test/${endpoint.name}, but no prediction.`,
      },
    ]);
    expect((await report({ requestId: unique('unheard') })).gaps).toEqual([nothing]);
  });

  it('is cut off at 200 predictions, and says so', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const requestId = unique('large');
    const items = Array.from({ length: 201 }, (_, item) =>
      line(version, endpoint, { a: item }, { requestId, item }),
    );
    await append(hindcast, items.slice(0, 200));
    expect((await report({ requestId })).isTruncated).toBe(false);
    await append(hindcast, items);
    const { predictions, isTruncated } = await report({ requestId });
    expect([predictions.length, isTruncated]).toEqual([200, true]);
  });

  it('is answered by five statements, however much happened', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const requestId = unique('order');
    const items = [0, 1, 2].map((item) => line(version, endpoint, { a: 1 }, { requestId, item }));
    await append(hindcast, items);
    await report({ requestId });
    // Predictions, archives that may hold more, refused records, deployments, outcomes without a prediction.
    expect(await statementsOf(() => report({ requestId }))).toHaveLength(5);
  });

  it('is not found by its entity without the scope that entity keys need', async () => {
    const actor = { ...localActor('reader'), scopes: new Set(['predictions:read'] as const) };
    const limited = await openTestHindcast(actor, logRoutes);
    const { errors } = await limited.respond(REQUEST, { by: { entity: { key: 'x', during: {} } } });
    expect(errors).toMatchObject([
      {
        message:
          'To look for an entity needs the scope `features:sensitive`, which this caller lacks.',
        extensions: { code: 'FORBIDDEN' },
      },
    ]);
  });
});
