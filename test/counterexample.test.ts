import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { localActor, type Scope } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { unique } from './setup/database.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { field, register, registration, sha256 } from './setup/registration.ts';
import { appendAll } from './setup/search.ts';
import { insertEndpoint } from './setup/versions.ts';

type Json = Record<string, unknown>;

const scopes = new Set<Scope>(localActor('tester').scopes);
const hindcast = await openTestHindcast({ name: 'tester', scopes }, logRoutes);
const { ask, respond, database } = hindcast;

const optional = { isNullable: true };
const numeric = (feature: string, min: number, max: number) => ({
  feature,
  numeric: { count: 2, missing: 0, mean: (min + max) / 2, min, max },
});
const dataset = {
  role: 'TRAINING',
  snapshot: {
    definition: {
      name: 'training',
      contentDigest: sha256(randomUUID()),
      location: 's3://d/t',
      statistics: [
        numeric('amount', 0, 10),
        numeric('steps', 0, 4),
        numeric('position', 0, 2),
        numeric('madeAt', 0, 1_000_000),
      ],
    },
  },
};
const fields = [
  field('amount', 'FP64', optional),
  field('steps', 'INT64', optional),
  field('kind', 'STRING', optional),
  field('flag', 'BOOL', optional),
  field('position', 'FP32', { ...optional, shape: [2] }),
  field('madeAt', 'TIMESTAMP', optional),
  field('unknown', 'FP64', optional),
  field('email', 'STRING', { ...optional, isSensitive: true }),
];
const model = unique('model');
const first = await register(hindcast, registration(fields, { model, datasets: [dataset] }));
// The same features at other places, one less, and `steps` counted in another way.
const step = { function: 'count', version: '2', inputs: ['t.steps'], parameters: {} };
const others = [
  field('flag', 'BOOL', optional),
  field('extra', 'FP64', optional),
  field('steps', 'INT64', { ...optional, transformations: [step] }),
  field('amount', 'FP64', optional),
  field('kind', 'STRING', optional),
  field('email', 'STRING', { ...optional, isSensitive: true }),
];
const second = await register(
  hindcast,
  registration(others, { model, semver: '2.0.0', datasets: [dataset] }),
);
const endpoint = await insertEndpoint(database);

const plain = {
  amount: 5,
  steps: 2,
  kind: 'a',
  flag: true,
  position: [1, 1],
  madeAt: '1970-01-01T00:00:00.5Z',
  unknown: 1,
  email: 'x',
};

/** A prediction of the first version, two seconds after the one before it. */
let sent = 0;
const line = (requestId: string, features: Json, more: Json = {}): Json => {
  sent += 1;
  return {
    requestId,
    occurredAt: new Date(Date.UTC(2026, 0, 10, 12, 0, 2 * sent)).toISOString(),
    endpoint: { name: endpoint.name, environment: endpoint.environment },
    modelVersion: first.digest,
    features,
    score: 0.5,
    label: 'YES',
    ...more,
  };
};
const no = { label: 'NO', score: 0.25 };

await appendAll(hindcast, [
  line('subject', plain),
  line('same', plain),
  line('amount', { ...plain, amount: 7 }, no),
  line('twin', plain, no),
  line('twin-2', plain, no),
  line('steps', { ...plain, steps: 3 }, no),
  line('vector', { ...plain, position: [1, 2] }, no),
  line('kind', { ...plain, kind: 'b' }, no),
  line('absent', { ...plain, flag: null, position: null }, no),
  line('nan', { ...plain, amount: 'NaN', email: 'y', unknown: 9 }, no),
  line('late', plain, { ...no, occurredAt: '2026-01-17T12:00:02Z' }),
  line('unlabelled', plain, { label: null, score: 'NaN' }),
  line(
    'other-version',
    { flag: true, steps: 2, amount: 5, kind: 'b', email: 'x', extra: 1 },
    { ...no, modelVersion: second.digest },
  ),
  line('odd', { ...plain, amount: null, kind: null }, { label: 'ODD', score: 'Infinity' }),
]);

const QUERY = `query (
  $requestId: String!, $endpoint: EndpointRouteInput!, $first: Int! = 5, $modelVersion: ModelVersionReference,
  $during: TimeWindow, $margin: Float, $features: [String!]
) {
  predictionLog(by: { request: { requestId: $requestId, endpoint: $endpoint } }) {
    counterexamples(first: $first, modelVersion: $modelVersion, during: $during, margin: $margin, features: $features) {
      from to measuredCount comparedFeatures excludedFeatures { name reason }
      skipped { featureSchema { semver digest } reason candidateCount }
      nearest {
        distance differenceCount prediction { requestId }
        differences { name text otherText contribution }
      }
    }
  }
}`;

interface Found {
  readonly from: string;
  readonly to: string;
  readonly measuredCount: number;
  readonly comparedFeatures: readonly string[];
  readonly excludedFeatures: readonly Json[];
  readonly skipped: readonly Json[];
  readonly nearest: readonly (Json & {
    readonly distance: number;
    readonly prediction: { readonly requestId: string };
    readonly differences: readonly Json[];
  })[];
}

const route = { name: endpoint.name, environment: endpoint.environment };

const search = async (more: Json = {}): Promise<Found> => {
  const { predictionLog } = await ask<{ predictionLog: { counterexamples: Found } }>(QUERY, {
    requestId: 'subject',
    endpoint: route,
    ...more,
  });
  return predictionLog.counterexamples;
};

const refusal = async (more: Json): Promise<string> => {
  const { errors } = await respond(QUERY, { requestId: 'subject', endpoint: route, ...more });
  expect(errors).toHaveLength(1);
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  return String(errors?.[0]?.message);
};

const placesOf = ({ nearest }: Found) =>
  nearest.map(({ prediction, distance }) => [prediction.requestId, distance] as const);

describe('counterexamples', () => {
  it('are the nearest of those with another label, measured by every feature that has a scale', async () => {
    const found = await search({ first: 20 });
    // Of the seven features compared: amount, steps, kind, flag, position, madeAt and email.
    expect(placesOf(found)).toEqual([
      ['twin', 0],
      ['twin-2', 0],
      ['amount', expect.closeTo(0.2 / 7, 15)],
      ['steps', expect.closeTo(0.25 / 7, 15)],
      ['vector', expect.closeTo(0.25 / 7, 15)],
      ['kind', expect.closeTo(1 / 7, 15)],
      ['absent', expect.closeTo(2 / 7, 15)],
      ['nan', expect.closeTo(2 / 7, 15)],
      ['odd', expect.closeTo(2 / 7, 15)],
    ]);
    expect(found).toMatchObject({
      measuredCount: 9,
      skipped: [],
      comparedFeatures: ['amount', 'steps', 'kind', 'flag', 'position', 'madeAt', 'email'],
      excludedFeatures: [{ name: 'unknown', reason: 'NO_RANGE' }],
      from: '2026-01-03T12:00:02.000Z',
      to: '2026-01-17T12:00:02.000Z',
    });
  });

  it('say how each feature differs, the most different first', async () => {
    const { nearest } = await search({ first: 20 });
    const differencesOf = (id: string) =>
      nearest.find(({ prediction }) => prediction.requestId === id)?.differences;
    expect(differencesOf('twin')).toEqual([]);
    expect(differencesOf('absent')).toEqual([
      { name: 'flag', text: 'true', otherText: null, contribution: 1 / 7 },
      { name: 'position', text: '[1, 1]', otherText: null, contribution: 1 / 7 },
    ]);
    expect(differencesOf('nan')).toEqual([
      { name: 'amount', text: '5', otherText: 'NaN', contribution: 1 / 7 },
      { name: 'email', text: 'x', otherText: 'y', contribution: 1 / 7 },
    ]);
    expect(differencesOf('vector')).toEqual([
      { name: 'position', text: '[1, 1]', otherText: '[1, 2]', contribution: 0.25 / 7 },
    ]);
  });

  it('are as many as asked for', async () => {
    const found = await search({ first: 3 });
    expect(placesOf(found).map(([id]) => id)).toEqual(['twin', 'twin-2', 'amount']);
    expect(found.measuredCount).toBe(9);
  });

  it('of absent values are equal to absent ones', async () => {
    const found = await search({ requestId: 'odd', first: 20 });
    expect(found.nearest[0]).toMatchObject({
      prediction: { requestId: 'subject' },
      distance: expect.closeTo(2 / 7, 15),
    });
    const same = await search({ requestId: 'odd', features: ['kind', 'flag'], first: 1 });
    expect(same.nearest[0]?.differences).toEqual([
      { name: 'kind', text: null, otherText: 'a', contribution: 0.5 },
    ]);
  });

  it('may have a score beyond a margin instead, on either side; NaN is none', async () => {
    const found = await search({ margin: 0.25, first: 20 });
    expect(placesOf(found).map(([id]) => id)).toEqual([
      'twin',
      'twin-2',
      'amount',
      'steps',
      'vector',
      'kind',
      'absent',
      'nan',
      'odd',
    ]);
    expect(placesOf(await search({ margin: 0.2500001 })).map(([id]) => id)).toEqual(['odd']);
  });

  it('of a schema with another meaning are skipped and counted, unless those features are left out', async () => {
    const other = { modelVersion: { digest: second.digest } };
    expect(await search(other)).toMatchObject({
      measuredCount: 0,
      nearest: [],
      skipped: [
        {
          featureSchema: { digest: second.featureSchema.digest },
          reason: 'OTHER_MEANING',
          candidateCount: 1,
        },
      ],
    });
    const found = await search({ ...other, features: ['amount', 'flag', 'kind'] });
    expect(found).toMatchObject({ measuredCount: 1, skipped: [] });
    expect(found.comparedFeatures).toEqual(['amount', 'kind', 'flag']);
    expect(found.nearest[0]?.differences).toEqual([
      { name: 'kind', text: 'a', otherText: 'b', contribution: expect.closeTo(1 / 3, 15) },
    ]);
    expect((await search({ ...other, features: ['steps'] })).skipped).toHaveLength(1);
  });

  it('lie within the window', async () => {
    const during = { from: '2026-01-17T12:00:02Z', to: '2026-01-17T12:00:03Z' };
    expect(placesOf(await search({ during }))).toEqual([['late', 0]]);
    const empty = { from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' };
    expect(await search({ during: empty })).toMatchObject({
      measuredCount: 0,
      nearest: [],
      skipped: [],
    });
  });

  it('leave out sensitive features for a caller without the scope', async () => {
    scopes.delete('features:sensitive');
    try {
      const found = await search({ first: 20 });
      expect(found.comparedFeatures).not.toContain('email');
      expect(found.excludedFeatures).toContainEqual({ name: 'email', reason: 'SENSITIVE' });
      expect(Object.fromEntries(placesOf(found)).nan).toBeCloseTo(1 / 6, 15);
      expect(JSON.stringify(found.nearest)).not.toContain('email');
      expect(await refusal({ features: ['email'] })).toBe(
        'features: There is none to compare by. Excluded: email (SENSITIVE).',
      );
    } finally {
      scopes.add('features:sensitive');
    }
  });

  it('leave out rows that were altered, and count them', async () => {
    await appendAll(hindcast, [
      line('cut', plain, { ...no, occurredAt: '2026-03-01T00:00:00Z' }),
      line('hollow', plain, { ...no, occurredAt: '2026-03-01T00:00:01Z' }),
      line('whole', plain, { ...no, occurredAt: '2026-03-01T00:00:02Z' }),
    ]);
    const alter = (set: string, requestId: string) =>
      database.query({
        text: `UPDATE prediction_log SET ${set} WHERE request_id = $1`,
        values: [requestId],
      });
    await alter(`numbers = '{1}'`, 'cut');
    await alter(`texts = '{NULL,NULL}'`, 'hollow');
    const during = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
    const found = await search({ during });
    expect(placesOf(found)).toEqual([['whole', 0]]);
    expect(found).toMatchObject({
      measuredCount: 1,
      skipped: [{ reason: 'UNKNOWN_VALUES', candidateCount: 2 }],
    });
    expect(await refusal({ requestId: 'cut', during })).toBe(
      'features: There is none to compare by.',
    );
  });

  it.each([
    [{ first: 0 }, 'first: 0; give 1 to 50.'],
    [{ first: 51 }, 'first: 51; give 1 to 50.'],
    [{ margin: 0 }, 'margin: 0; give more than 0.'],
    [
      { requestId: 'unlabelled' },
      'margin: is needed: the prediction has no label that another could differ from.',
    ],
    [
      { requestId: 'unlabelled', margin: 1 },
      'margin: compares scores, and that of the prediction is absent or not finite.',
    ],
    [{ during: { from: '2026-01-01T00:00:00Z' } }, 'during: has no `to`; give both ends.'],
    [
      { during: { from: '2026-01-02T00:00:00Z', to: '2026-01-02T00:00:00Z' } },
      'during: is empty: `from` must lie before `to`.',
    ],
    [
      { during: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00.000001Z' } },
      'during: spans 32 days; give at most 31.',
    ],
    [
      { modelVersion: { release: { model, semver: '9.9.9' } } },
      'modelVersion: There is no such model version.',
    ],
    [
      { features: ['amuont'] },
      'features: The schema of the prediction does not declare "amuont". Did you mean "amount"?',
    ],
    [
      { features: ['unknown'] },
      'features: There is none to compare by. Excluded: unknown (NO_RANGE).',
    ],
  ])('refuse %j', async (more, message) => {
    expect(await refusal(more)).toBe(message);
  });
});
