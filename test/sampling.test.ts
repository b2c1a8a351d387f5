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
const { ask, database, fetch } = hindcast;

type Json = Record<string, unknown>;

const DECLARE = `mutation ($input: DeclareSamplingInput!) { declareSampling(input: $input) {
  __typename
  ... on DeclareSamplingPayload { sampling { sequence rule key rate validFrom recordedAt reason actor } }
  ... on InvalidInputError { issues { path message } }
  ... on NotFoundError { path message }
} }`;

const answerOf = async (endpoint: Route, more: Json): Promise<Json> => {
  const input = {
    endpoint: { route: endpoint },
    reason: 'Cost.',
    validFrom: '2026-01-02T00:00:00Z',
    ...more,
  };
  return (await ask<{ declareSampling: Json }>(DECLARE, { input })).declareSampling;
};

const declare = async (endpoint: Route, more: Json): Promise<{ readonly recordedAt: string }> => {
  const { __typename, sampling } = await answerOf(endpoint, more);
  expect(__typename).toBe('DeclareSamplingPayload');
  return sampling as { recordedAt: string };
};

const byEntity = (rate: number): Json => ({ rule: 'KEYED', key: 'ENTITY_KEY', rate });

describe('a declared sampling', () => {
  const SAMPLING = `query ($route: EndpointRouteInput!, $at: DateTime, $knownAt: DateTime, $after: String) {
    endpoint(by: { route: $route }) {
      sampling(at: $at, knownAt: $knownAt) { rule key rate kept: keeps(key: "order-1") out: keeps(key: "order-2") }
      samplingHistory(first: 2, after: $after) { nodes { sequence rate } pageInfo { hasNextPage endCursor } }
    }
  }`;

  it('holds until another one, as it was known at any time, and is corrected by one from the same time', async () => {
    const { endpoint } = await served(hindcast, [field('a')]);
    const at = async (day: string, knownAt?: string): Promise<unknown> => {
      const variables = { route: endpoint, at: `2026-01-${day}T00:00:00Z`, knownAt };
      const answer = await ask<{ endpoint: { sampling: Json | null } }>(SAMPLING, variables);
      return answer.endpoint.sampling?.rate ?? null;
    };
    expect(await answerOf(endpoint, { rule: 'RANDOM', rate: 0.30000000000000004 })).toMatchObject({
      sampling: {
        sequence: 1,
        rule: 'RANDOM',
        key: null,
        rate: 0.30000000000000004,
        validFrom: '2026-01-02T00:00:00.000Z',
        reason: 'Cost.',
        actor: 'tester',
      },
    });
    const { recordedAt } = await declare(endpoint, {
      ...byEntity(0.05),
      validFrom: '2026-01-20T00:00:00Z',
    });
    // Recorded late, and then corrected.
    await declare(endpoint, { rule: 'ALL', validFrom: '2026-01-10T00:00:00Z' });
    await declare(endpoint, { rule: 'RANDOM', rate: 0.25, validFrom: '2026-01-10T00:00:00Z' });
    const now = [await at('01'), await at('02'), await at('10'), await at('19'), await at('20')];
    expect(now).toEqual([null, 0.30000000000000004, 0.25, 0.25, 0.05]);
    expect([await at('10', recordedAt), await at('20', recordedAt)]).toEqual([
      0.30000000000000004, 0.05,
    ]);
    expect(await at('20', '2026-01-01T00:00:00Z')).toBe(null);
    const first = await ask<{ endpoint: { samplingHistory: { pageInfo: Json } } }>(SAMPLING, {
      route: endpoint,
    });
    expect(first.endpoint).toMatchObject({
      sampling: { rule: 'KEYED', key: 'ENTITY_KEY', rate: 0.05, kept: true, out: false },
      samplingHistory: {
        nodes: [
          { sequence: 4, rate: 0.25 },
          { sequence: 3, rate: 1 },
        ],
        pageInfo: { hasNextPage: true },
      },
    });
    const after = first.endpoint.samplingHistory.pageInfo.endCursor;
    expect(await ask(SAMPLING, { route: endpoint, after })).toMatchObject({
      endpoint: { samplingHistory: { nodes: [{ sequence: 2 }, { sequence: 1 }] } },
    });
  });

  it('is refused when it makes no sense, with everything that is wrong', async () => {
    const { endpoint } = await served(hindcast, [field('a')]);
    const issues = async (more: Json): Promise<unknown> => (await answerOf(endpoint, more)).issues;
    expect(await issues({ rule: 'KEYED', rate: 0, reason: 'x'.repeat(2001) })).toEqual([
      {
        path: ['input', 'rate'],
        message:
          'rate is 0; give a share of predictions, more than 0 and at most 1, no less than 1e-9.',
      },
      {
        path: ['input', 'key'],
        message: 'KEYED needs a key; give ENTITY_KEY, REQUEST_ID or TRACE_ID.',
      },
      { path: ['input', 'reason'], message: 'reason has 2001 characters; give at most 2000.' },
    ]);
    const validFrom = new Date(Date.now() + 3_600_000).toISOString();
    expect(await issues({ rule: 'ALL', key: 'TRACE_ID', rate: 0.5, validFrom })).toEqual([
      {
        path: ['input', 'rate'],
        message:
          'rate is 0.5, but ALL logs every prediction; leave it out, or give the rule RANDOM or KEYED.',
      },
      {
        path: ['input', 'key'],
        message: 'key is TRACE_ID, but ALL looks at none; leave it out.',
      },
      {
        path: ['input', 'validFrom'],
        message: expect.stringMatching(/, more than 5 minutes ahead; declare it when it holds\.$/),
      },
    ]);
    expect(await answerOf({ name: unique('none'), environment: 'test' }, { rule: 'ALL' })).toEqual({
      __typename: 'NotFoundError',
      path: ['input', 'endpoint'],
      message: 'No such endpoint is on record; it comes into being with its first deployment.',
    });
  });
});

const ESTIMATE = '{ recorded estimated standardError isSampled }';
const estimate = (recorded: number, estimated: number, variance: number): Json => ({
  recorded,
  estimated,
  standardError: Math.sqrt(variance),
  isSampled: variance > 0,
});

describe('counts', () => {
  const COUNTS = `query ($version: ID!, $route: EndpointRouteInput!, $during: TimeWindow!) {
    modelVersion(by: { id: $version }) { predictionEstimate(during: $during) ${ESTIMATE} }
    endpoint(by: { route: $route }) {
      predictionEstimate ${ESTIMATE}
      predictions(filter: { occurredAt: $during }) {
        count { value }
        all: estimate ${ESTIMATE}
        few: estimate(limit: 5) ${ESTIMATE}
        nodes { samplingRate }
      }
    }
    impact(of: { id: $version }, during: $during) {
      predictionCount predictionEstimate ${ESTIMATE}
      endpoints { nodes { predictionCount predictionEstimate ${ESTIMATE} } }
      spans { nodes { predictionCount predictionEstimate ${ESTIMATE} } }
      gaps { subject reason message }
    }
    servedAt(endpoint: { route: $route }, at: "2026-02-01T10:00:00Z") {
      observed(withinSeconds: 60) { predictionCount predictionEstimate ${ESTIMATE} }
    }
  }`;

  it('say what is recorded, what it stands for and how sure that is, from hours and rows alike', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const rates = [1, 0.5, 0.25, 0.2, undefined, 0.1];
    const minutes = ['09:30', '09:59', '10:00', '10:30', '11:00', '11:30'];
    const lines = minutes.map((minute, index) =>
      line(
        version,
        endpoint,
        { a: 1 },
        {
          occurredAt: `2026-02-01T${minute}:00Z`,
          samplingRate: rates[index],
        },
      ),
    );
    await append(hindcast, lines);
    // What is sent again counts once.
    await append(hindcast, lines);
    await declare(endpoint, { rule: 'RANDOM', rate: 0.5 });
    const counts = (from: string, to: string): Promise<Json> =>
      ask<Json>(COUNTS, {
        version: version.id,
        route: endpoint,
        during: { from: `2026-02-01T${from}:00Z`, to: `2026-02-01T${to}:00Z` },
      });
    // 1 + 2 + 4 + 5 + 1 + 10, and 0 + 2 + 12 + 20 + 0 + 90
    const all = estimate(6, 23, 124);
    const message = `Services logged a part of the affected predictions: 6 are recorded and stand for about 23, with a standard error of at least 12. Declared was random sampling at rate 0.5 on test/${endpoint.name}. What was left out is in no list, nor is an entity of which nothing was kept.`;
    const counted = { predictionCount: 6, predictionEstimate: all };
    expect(await counts('09:00', '12:00')).toEqual({
      modelVersion: { predictionEstimate: all },
      endpoint: {
        predictionEstimate: all,
        predictions: {
          count: { value: 6 },
          all,
          few: null,
          nodes: [...rates].reverse().map((rate) => ({ samplingRate: rate ?? 1 })),
        },
      },
      impact: {
        ...counted,
        endpoints: { nodes: [counted] },
        spans: { nodes: [counted] },
        gaps: [{ subject: 'predictions', reason: 'SAMPLED_OUT', message }],
      },
      servedAt: { observed: [{ predictionCount: 2, predictionEstimate: estimate(2, 6, 14) }] },
    });
    expect(await counts('09:45', '11:15')).toMatchObject({
      modelVersion: { predictionEstimate: estimate(4, 12, 34) },
      impact: { predictionEstimate: estimate(4, 12, 34) },
    });
    const rollups = await database.query({
      text: `SELECT count::integer AS count, estimated::text AS estimated, variance::text AS variance
        FROM prediction_rollup WHERE endpoint_id = (SELECT id FROM endpoint WHERE name = $1) ORDER BY hour`,
      values: [endpoint.name],
    });
    const zeros = '0'.repeat(30);
    expect(rollups).toEqual([
      { count: 2, estimated: `3.${zeros}`, variance: `2.${zeros}` },
      { count: 2, estimated: `9.${zeros}`, variance: `32.${zeros}` },
      { count: 2, estimated: `11.${zeros}`, variance: `90.${zeros}` },
    ]);
  });

  it('say of predictions that are not sampled that they are all there are', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    await append(hindcast, [line(version, endpoint, { a: 1 }), line(version, endpoint, { a: 2 })]);
    const during = { from: '2026-02-01T00:00:00Z', to: '2026-02-02T00:00:00Z' };
    const variables = { version: version.id, route: endpoint, during };
    expect(await ask(COUNTS, variables)).toMatchObject({
      modelVersion: { predictionEstimate: estimate(2, 2, 0) },
      impact: { predictionEstimate: estimate(2, 2, 0), gaps: [] },
    });
  });

  it('of disagreements and cohorts have estimates, and a cohort notes that its rates differ', async () => {
    const { endpoint } = await served(hindcast, [field('a')]);
    const stranger = await register(hindcast, registration([field('a')]));
    const at = (second: number): string => `2026-02-01T12:00:${String(second).padStart(2, '0')}Z`;
    await append(
      hindcast,
      [0.5, 0.5, 0.25, 0.25].map((samplingRate, second) =>
        line(stranger, endpoint, { a: 1 }, { occurredAt: at(second), samplingRate }),
      ),
    );
    const cohort = (from: number, to: number) => ({
      endpoint: { route: endpoint },
      occurredAt: { from: at(from), to: at(to) },
    });
    const answer = await ask(
      `query ($route: EndpointRouteInput!, $during: TimeWindow!, $base: PredictionLogFilter!, $head: PredictionLogFilter!) {
        endpoint(by: { route: $route }) {
          disagreements(during: $during) { nodes { predictionCount predictionEstimate ${ESTIMATE} } }
        }
        compareCohorts(base: $base, head: $head) {
          base { size predictionEstimate ${ESTIMATE} } head { size predictionEstimate ${ESTIMATE} } notes
        }
      }`,
      {
        route: endpoint,
        during: { from: '2026-02-01T00:00:00Z', to: '2026-02-02T00:00:00Z' },
        base: cohort(0, 2),
        head: cohort(1, 4),
      },
    );
    expect(answer).toEqual({
      endpoint: {
        disagreements: {
          nodes: [{ predictionCount: 4, predictionEstimate: estimate(4, 12, 28) }],
        },
      },
      compareCohorts: {
        base: { size: 2, predictionEstimate: estimate(2, 4, 4) },
        head: { size: 3, predictionEstimate: estimate(3, 10, 26) },
        notes: [
          'In head, predictions were kept at rates from 0.25 to 0.5. Figures weigh each recorded one alike, so those kept at higher rates count for more than their share; narrow it to one rate to avoid that.',
        ],
      },
    });
  });
});

describe('a record', () => {
  const TRACE = `query ($prediction: PredictionLogReference!, $knownAt: DateTime) {
    trace(prediction: $prediction, knownAt: $knownAt) { verdict findings { code severity message } }
  }`;
  interface Trace {
    readonly verdict: string;
    readonly findings: readonly { readonly code: string; readonly message: string }[];
  }

  it('that states another rate than was declared, or has a key that is not kept, is stored and reported', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const traced = async (
      more: Json,
      knownAt?: string,
    ): Promise<readonly (readonly string[])[]> => {
      const record = line(version, endpoint, { a: 1 }, more);
      await append(hindcast, [record]);
      const prediction = { request: { endpoint, requestId: record.requestId } };
      const { trace } = await ask<{ trace: Trace }>(TRACE, { prediction, knownAt });
      return trace.findings.map(({ code, message }) => [code, message]);
    };
    const route = `test/${endpoint.name}`;
    expect(await traced({})).toEqual([]);
    expect(await traced({ samplingRate: 0.5 })).toEqual([
      [
        'SAMPLING_RATE_MISMATCH',
        `The record states that it was kept at rate 0.5, not 1: no sampling was declared on ${route} at that moment.`,
      ],
    ]);
    const before = await declare(endpoint, { rule: 'RANDOM', rate: 0.5 });
    await declare(endpoint, byEntity(0.05));
    const declared = `declared was sampling by entity key at rate 0.05 on ${route} from 2026-01-02T00:00:00.000Z on, by tester.`;
    const notKept = [
      'SAMPLING_KEY_NOT_KEPT',
      `The record came although its key is not kept: ${declared}`,
    ];
    expect(await traced({ entityKey: 'order-1', samplingRate: 0.05 })).toEqual([]);
    expect(await traced({ entityKey: 'order-2', samplingRate: 0.05 })).toEqual([notKept]);
    expect(await traced({ entityKey: 'order-2' })).toEqual([
      [
        'SAMPLING_RATE_MISMATCH',
        `The record states that it was kept at rate 1, not 0.05: ${declared}`,
      ],
      notKept,
    ]);
    // Without the key it cannot be sampled by it.
    expect(await traced({})).toEqual([]);
    expect(await traced({ occurredAt: '2026-01-01T12:00:00Z' })).not.toContainEqual(
      expect.arrayContaining(['SAMPLING_RATE_MISMATCH']),
    );
    const record = line(version, endpoint, { a: 1 }, { entityKey: 'order-2', samplingRate: 0.05 });
    await append(hindcast, [record]);
    const prediction = { request: { endpoint, requestId: record.requestId } };
    const { trace } = await ask<{ trace: Trace | null }>(TRACE, { prediction });
    expect(trace?.verdict).toBe('INCOMPLETE');
    // What was believed before comes back with the time at which it was.
    await declare(endpoint, { rule: 'RANDOM', rate: 0.25 });
    const [row] = await database.query<{ recorded_at: number }>({
      text: 'SELECT recorded_at FROM prediction_log WHERE request_id = $1',
      values: [record.requestId],
    });
    const knownAt = new Date((row?.recorded_at ?? 0) / 1000 + 1).toISOString();
    expect(knownAt > before.recordedAt).toBe(true);
    const then = await ask<{ trace: Trace | null }>(TRACE, { prediction, knownAt });
    expect(then.trace?.findings.map(({ code }) => code)).toEqual(['SAMPLING_KEY_NOT_KEPT']);
  });
});

describe('what is absent', () => {
  const GAPS =
    'query ($by: RequestReference!) { request(by: $by) { gaps { subject reason message } } }';
  const gapsOf = async (by: Json): Promise<readonly Json[]> =>
    (await ask<{ request: { gaps: Json[] } }>(GAPS, { by })).request.gaps;
  const ofEndpoint = (gaps: readonly Json[], { name }: Route): readonly Json[] =>
    gaps.filter(({ message }) => String(message).includes(name));

  it('may have been sampled out, and where its key is known it is said whether it was', async () => {
    const { endpoint } = await served(hindcast, [field('a')]);
    const route = `test/${endpoint.name}`;
    const during = { from: '2025-01-05T00:00:00Z', to: '2025-01-06T00:00:00Z' };
    const later = { from: '2025-01-15T00:00:00Z', to: '2025-01-16T00:00:00Z' };
    await declare(endpoint, { ...byEntity(0.05), validFrom: '2025-01-02T00:00:00Z' });
    await declare(endpoint, { rule: 'ALL', validFrom: '2025-01-10T00:00:00Z' });
    const nothing = 'Nothing of this request is on record: no prediction, and no rejected record.';
    const sampling = `sampling by entity key at rate 0.05 on ${route}`;
    expect(await gapsOf({ entity: { key: 'order-2', during } })).toEqual([
      {
        subject: 'prediction',
        reason: 'SAMPLED_OUT',
        message: `${nothing} Its key is not kept by ${sampling}.`,
      },
    ]);
    const never = [{ subject: 'prediction', reason: 'NEVER_RECORDED', message: nothing }];
    expect(await gapsOf({ entity: { key: 'order-1', during } })).toEqual(never);
    expect(await gapsOf({ entity: { key: 'order-2', during: later } })).toEqual(never);
    // On whichever endpoint it was.
    expect(await gapsOf({ requestId: unique('absent') })).toEqual([
      {
        subject: 'prediction',
        reason: 'SAMPLED_OUT',
        message: expect.stringMatching(`^${nothing} It may have been left out by .*${sampling}`),
      },
    ]);
    const requestId = unique('outcome');
    await fetch('/v1/outcomes', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: JSON.stringify({ endpoint, requestId, observedAt: '2026-01-07T00:00:00Z', label: 'x' }),
    });
    expect((await gapsOf({ requestId })).at(-1)).toEqual({
      subject: 'prediction',
      reason: 'SAMPLED_OUT',
      message: `An outcome is on record for item 0 of request "${requestId}" on ${route}, but no prediction. It may have been left out by ${sampling}.`,
    });
  });

  it('beside a recorded prediction is sampled out only where a key that both share does not keep both', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const shadow = await register(hindcast, registration([field('a')]));
    await moveTo(hindcast, shadow, 'STAGING', '2026-01-01T01:00:00Z');
    await deploy(hindcast, shadow, endpoint, { role: 'SHADOW', trafficShare: 1 });
    const requestId = unique('batch');
    const items = [0, 2].map((item) =>
      line(
        version,
        endpoint,
        { a: item },
        { requestId, item, entityKey: 'order-1', samplingRate: 0.05 },
      ),
    );
    await append(hindcast, items);
    const reasons = async (): Promise<unknown> =>
      ofEndpoint(await gapsOf({ requestId }), endpoint).map(({ subject, reason }) => [
        subject,
        reason,
      ]);
    // Another item may be about another entity; a shadow's answer is about the same.
    await declare(endpoint, byEntity(0.05));
    expect(await reasons()).toEqual([
      ['item', 'SAMPLED_OUT'],
      ['shadow', 'NEVER_RECORDED'],
    ]);
    await declare(endpoint, { rule: 'RANDOM', rate: 0.05 });
    expect(await reasons()).toEqual([
      ['item', 'SAMPLED_OUT'],
      ['shadow', 'SAMPLED_OUT'],
    ]);
    await declare(endpoint, { rule: 'KEYED', key: 'TRACE_ID', rate: 0.05 });
    expect(await reasons()).toEqual([
      ['item', 'NEVER_RECORDED'],
      ['shadow', 'NEVER_RECORDED'],
    ]);
  });
});
