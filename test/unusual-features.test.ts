import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { rarityOf } from '../src/prediction/rarity.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { append, field, line, served, sha256 } from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { ask, respond, statementsOf } = hindcast;

type Json = Record<string, unknown>;

const numeric = {
  count: 90,
  missing: 10,
  min: 0,
  max: 100,
  mean: 50,
  quantiles: [{ probability: 0.5, value: 50 }],
  histogram: null,
};

const colours = {
  count: 10,
  missing: 0,
  categories: [
    { value: 'red', count: 7 },
    { value: 'green', count: 2 },
    { value: 'blue', count: 1 },
  ],
};

describe('rarity', () => {
  it('of a number is its two-sided tail, and 0 outside of what was seen', () => {
    const of = (value: number) => rarityOf({ feature: 'x', numeric, categorical: null }, value);
    expect([50, 25, 75, 10, 95].map(of)).toEqual([1, 0.5, 0.5, 0.2, expect.closeTo(0.1)]);
    expect([-1, 101, Number.NaN, Infinity].map(of)).toEqual([0, 0, 0, 0]);
  });

  it('of a category adds up all that are no more frequent', () => {
    const of = (value: string) =>
      rarityOf({ feature: 'x', numeric: null, categorical: colours }, value);
    expect(['red', 'green', 'blue', 'pink'].map(of)).toEqual([1, 0.3, 0.1, 0]);
  });

  it('of an absent value is the share that was absent in training', () => {
    expect(rarityOf({ feature: 'x', numeric, categorical: null }, null)).toBe(0.1);
    expect(rarityOf({ feature: 'x', numeric: null, categorical: colours }, null)).toBe(0);
    expect(rarityOf({ feature: 'x', numeric: null, categorical: null }, null)).toBeNull();
  });

  it('lies between 0 and 1 and falls towards either end', () => {
    const value = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(value, value, (one, other) => {
        const of = (x: number) => rarityOf({ feature: 'x', numeric, categorical: null }, x) ?? -1;
        const [inner = 0, outer = 0] = [one, other].sort(
          (a, b) => Math.abs(a - 50) - Math.abs(b - 50),
        );
        expect(of(inner)).toBeGreaterThanOrEqual(of(outer) - 1e-12);
        expect(of(outer)).toBeGreaterThanOrEqual(0);
        expect(of(inner)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

const fields = [
  field('common'),
  field('rare'),
  field('beyond'),
  field('colour', 'STRING'),
  field('gone', 'FP64', { isNullable: true }),
  field('unknown', 'FP64'),
];

const datasets = [
  {
    role: 'TRAINING',
    snapshot: {
      definition: {
        name: 'training',
        contentDigest: sha256(unique('training')),
        location: 's3://x',
        statistics: [
          ...['common', 'rare', 'beyond'].map((feature) => ({
            feature,
            numeric: { ...numeric, histogram: undefined },
          })),
          { feature: 'gone', numeric: { ...numeric, count: 98, missing: 2, histogram: undefined } },
          { feature: 'colour', categorical: colours },
        ],
      },
    },
  },
];

const UNUSUAL = `query ($by: PredictionLogReference!, $atMost: Float! = 0.05) {
  predictionLog(by: $by) { unusualFeatures(atMost: $atMost) { name text rarity } }
}`;

describe('unusual features', () => {
  it('are ranked: never seen first, then the rarest', async () => {
    const { version, endpoint } = await served(hindcast, fields, { datasets });
    const values = { common: 50, rare: 2, beyond: 1e9, colour: 'pink', gone: null, unknown: 7 };
    const record = line(version, endpoint, values);
    await append(hindcast, [record]);
    const by = { request: { endpoint, requestId: record.requestId } };
    const unusual = async (atMost?: number) =>
      (
        await ask<{ predictionLog: { unusualFeatures: Json[] } }>(UNUSUAL, {
          by,
          ...(atMost === undefined ? {} : { atMost }),
        })
      ).predictionLog.unusualFeatures;
    expect(await unusual()).toEqual([
      { name: 'beyond', text: '1000000000', rarity: 0 },
      { name: 'colour', text: 'pink', rarity: 0 },
      { name: 'gone', text: null, rarity: 0.02 },
      { name: 'rare', text: '2', rarity: 0.04 },
    ]);
    expect((await unusual(1)).map(({ name }) => name)).toEqual([
      'beyond',
      'colour',
      'gone',
      'rare',
      'common',
    ]);
    const { errors } = await respond(UNUSUAL, { by, atMost: 1.5 });
    expect(errors).toMatchObject([
      { message: 'atMost: 1.5; give 0 to 1.', extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });
});

describe('the history of a feature', () => {
  const HISTORY = `query ($by: PredictionLogReference!, $name: String!, $first: Int, $after: String) {
    predictionLog(by: $by) {
      featureHistory(name: $name, first: $first, after: $after) {
        nodes { prediction { requestId } value { status text } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`;

  it('follows one entity back in time across endpoints, page by page, in one statement', async () => {
    const [one, other] = [
      await served(hindcast, [field('a')]),
      await served(hindcast, [field('b')]),
    ];
    const entityKey = unique('customer');
    const about = (version: typeof one, features: Json, hour: number, more: Json = {}) =>
      line(version.version, version.endpoint, features, {
        entityKey,
        occurredAt: `2026-02-01T${String(hour).padStart(2, '0')}:00:00Z`,
        ...more,
      });
    const records = [
      about(one, { a: 1 }, 1),
      about(other, { b: 5 }, 2),
      about(one, { a: 3 }, 3),
      about(one, { a: 4 }, 4),
      about(one, { a: 9 }, 5, { entityKey: unique('somebody else') }),
    ];
    await append(hindcast, records);
    const by = { request: { endpoint: one.endpoint, requestId: records[2]?.requestId } };
    const page = async (more: Json) =>
      (
        await ask<{
          predictionLog: { featureHistory: { nodes: Json[]; pageInfo: { endCursor: string } } };
        }>(HISTORY, { by, name: 'a', ...more })
      ).predictionLog.featureHistory;
    const all = await page({});
    expect(all.nodes).toEqual([
      { prediction: { requestId: records[2]?.requestId }, value: { status: 'PRESENT', text: '3' } },
      { prediction: { requestId: records[1]?.requestId }, value: null },
      { prediction: { requestId: records[0]?.requestId }, value: { status: 'PRESENT', text: '1' } },
    ]);
    const first = await page({ first: 1 });
    const second = await page({ first: 1, after: first.pageInfo.endCursor });
    expect(second.nodes).toEqual(all.nodes.slice(1, 2));
    // The prediction itself, and the page.
    expect(await statementsOf(() => page({}))).toHaveLength(2);
  });

  it('is refused for a prediction about nothing, and without the scope', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    const by = { request: { endpoint, requestId: record.requestId } };
    const { errors } = await respond(HISTORY, { by, name: 'a' });
    expect(errors).toMatchObject([
      {
        message: 'featureHistory: The prediction names no entity, so there is nothing to follow.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });
});
