import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { featureDistance, gowerDistance, nearestOf } from '../src/forensics/gower.ts';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import {
  append,
  field,
  line,
  type RegisteredVersion,
  type Route,
  served,
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { ask, respond } = hindcast;

type Json = Record<string, unknown>;

describe('the distance of a feature', () => {
  const scale = { name: 'x', range: 10 };
  it('is 0 for equal values, 1 beyond the range, and 1 where one is absent', () => {
    const of = (one: number | null, other: number | null) => featureDistance(one, other, scale);
    expect([of(1, 1), of(1, 6), of(0, 99), of(null, 1), of(null, null)]).toEqual([0, 0.5, 1, 1, 0]);
    expect([of(Number.NaN, Number.NaN), of(Number.NaN, 1), of(Infinity, Infinity)]).toEqual([
      0, 1, 0,
    ]);
    const category = { name: 'x', range: null };
    expect([
      featureDistance('a', 'a', category),
      featureDistance('a', 'b', category),
      featureDistance(true, false, category),
    ]).toEqual([0, 1, 1]);
    expect(featureDistance(1, 2, { name: 'x', range: 0 })).toBe(1);
  });

  it('lies between 0 and 1 and is symmetric, and so is its mean', () => {
    const value = fc.option(fc.double());
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1 }), (pairs) => {
        const there = pairs.map(([one, other]) => featureDistance(one, other, scale));
        const back = pairs.map(([one, other]) => featureDistance(other, one, scale));
        expect(there).toEqual(back);
        expect(gowerDistance(there)).toBeGreaterThanOrEqual(0);
        expect(gowerDistance(there)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

it('the nearest are those that sorting all of them gives', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 5 }), (distances, size) => {
      const nearest = nearestOf<number>(size);
      for (const [index, distance] of distances.entries()) nearest.offer(distance, index);
      const sorted = distances
        .map((distance, item) => ({ distance, item }))
        .sort((a, b) => a.distance - b.distance || a.item - b.item);
      expect(nearest.kept()).toEqual(sorted.slice(0, size));
    }),
  );
});

const QUERY = `query ($by: PredictionLogReference!, $first: Int! = 5, $during: TimeWindow, $margin: Float) {
  predictionLog(by: $by) {
    counterexamples(first: $first, during: $during, margin: $margin) {
      comparedCount skippedCount comparedFeatures excludedFeatures { name reason }
      nearest { distance prediction { requestId } differences { name own other distance } }
    }
  }
}`;

const FIELDS = [
  field('a', 'FP64', { isNullable: true }),
  field('kind', 'STRING'),
  field('list', 'FP64', { shape: [2] }),
];

const features = (a: number | null, kind = 'x'): Json => ({ a, kind, list: [0, 0] });

const setUp = async () => {
  const { version, endpoint } = await served(hindcast, FIELDS);
  const at = (minute: number, label: string | null, values: Json, score = 0.5) =>
    line(version, endpoint, values, {
      ...(label === null ? {} : { label }),
      score,
      occurredAt: `2026-02-01T12:${String(minute).padStart(2, '0')}:00Z`,
    });
  return { version, endpoint, at };
};

const nearest = async (route: Route, requestId: unknown, more: Json = {}) =>
  (
    await ask<{ predictionLog: { counterexamples: Json & { nearest: Json[] } } }>(QUERY, {
      by: { request: { endpoint: route, requestId } },
      ...more,
    })
  ).predictionLog.counterexamples;

const refusal = async (endpoint: Route, requestId: unknown, more: Json) =>
  (await respond(QUERY, { by: { request: { endpoint, requestId } }, ...more })).errors?.map(
    ({ message }) => message,
  );

describe('counterexamples', () => {
  it('are the nearest with the other label, with what differs, and say what was not compared', async () => {
    const { endpoint, at } = await setUp();
    const own = at(0, 'NO', features(50));
    const [near, far, gone] = [
      at(1, 'YES', features(60)),
      at(2, 'YES', features(50, 'y')),
      at(3, 'YES', features(null)),
    ];
    await append(hindcast, [
      own,
      near,
      far,
      gone,
      at(4, 'NO', features(50)),
      at(5, null, features(50)),
    ]);
    expect(await nearest(endpoint, own.requestId)).toEqual({
      comparedCount: 3,
      skippedCount: 0,
      comparedFeatures: ['a', 'kind'],
      excludedFeatures: [{ name: 'list', reason: 'It has a shape.' }],
      nearest: [
        {
          distance: 0.05,
          prediction: { requestId: near.requestId },
          differences: [{ name: 'a', own: '50', other: '60', distance: 0.1 }],
        },
        {
          distance: 0.5,
          prediction: { requestId: gone.requestId },
          differences: [{ name: 'a', own: '50', other: null, distance: 1 }],
        },
        {
          distance: 0.5,
          prediction: { requestId: far.requestId },
          differences: [{ name: 'kind', own: 'x', other: 'y', distance: 1 }],
        },
      ],
    });
  });

  it('are found by a margin of the score, and only within the window', async () => {
    const { endpoint, at } = await setUp();
    const own = at(0, null, features(50), 0.5);
    const [close, beyond] = [at(1, null, features(51), 0.55), at(2, null, features(52), 0.7)];
    await append(hindcast, [own, close, beyond]);
    const found = await nearest(endpoint, own.requestId, { margin: 0.1 });
    expect(found.nearest.map(({ prediction }) => prediction)).toEqual([
      { requestId: beyond.requestId },
    ]);
    const during = { from: '2026-02-01T12:00:00Z', to: '2026-02-01T12:02:00Z' };
    expect((await nearest(endpoint, own.requestId, { margin: 0.1, during })).nearest).toEqual([]);
  });

  it('may lie farther away than a 64-bit float can say', async () => {
    const { endpoint, at } = await setUp();
    const [own, far] = [at(0, null, features(50), 1.7e308), at(1, null, features(50), -1.7e308)];
    await append(hindcast, [own, far]);
    const found = await nearest(endpoint, own.requestId, { margin: 1 });
    expect(found.nearest.map(({ prediction }) => prediction)).toEqual([
      { requestId: far.requestId },
    ]);
  });

  it('refuse what cannot be answered, naming the remedy', async () => {
    const { endpoint, at } = await setUp();
    const own = at(0, null, features(50));
    await append(hindcast, [own]);
    const of = (more: Json) => refusal(endpoint, own.requestId, more);
    expect(await of({})).toEqual([
      'margin: The prediction has no label to differ from; give a margin of the score.',
    ]);
    expect(await of({ first: 51, margin: 1 })).toEqual(['first: 51; give 1 to 50.']);
    expect(await of({ margin: 0 })).toEqual(['margin: 0; give more than 0.']);
    const during = { from: '2026-01-01T00:00:00Z', to: '2026-02-02T00:00:00Z' };
    expect(await of({ margin: 1, during })).toEqual([
      'during: Give `from` and a later `to`, at most 31 days apart.',
    ]);
  });

  it('leave out cases whose features mean something else', async () => {
    const inUnit = (unit: string) =>
      field('a', 'FP64', {
        transformations: [{ function: 'f', version: '1', inputs: ['x'], parameters: { unit } }],
      });
    const { version, endpoint } = await served(hindcast, [inUnit('mi')]);
    const other: RegisteredVersion = (await served(hindcast, [inUnit('km')])).version;
    const own = line(version, endpoint, { a: 1 }, { label: 'NO' });
    const foreign = line(
      version,
      endpoint,
      { a: 1 },
      { label: 'YES', featureSchema: other.featureSchema.digest },
    );
    await append(hindcast, [own, foreign]);
    expect(await nearest(endpoint, own.requestId)).toMatchObject({
      comparedCount: 0,
      skippedCount: 1,
      nearest: [],
    });
  });
});
