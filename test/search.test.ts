import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { append } from './setup/registration.ts';
import { appendAll, searchAll, searchPage } from './setup/search.ts';
import { insertEndpoint, insertSchema, insertVersion } from './setup/versions.ts';

type Json = Record<string, unknown>;

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { database } = hindcast;
const nullable = { isNullable: true };

// The same features stand at other places in the second schema, or have another type, or are not there.
const early = await insertSchema(database, [
  field('distance', 'FP64', nullable),
  field('weight', 'FP32', nullable),
  field('seats', 'INT64', nullable),
  field('origin', 'STRING', nullable),
  field('isLate', 'BOOL', nullable),
  field('bookedAt', 'TIMESTAMP', nullable),
  field('embedding', 'FP64', { ...nullable, shape: [2] }),
  field('mixed', 'INT64', nullable),
]);
const late = await insertSchema(database, [
  field('mixed', 'STRING', nullable),
  field('embedding', 'FP64', { ...nullable, shape: [2] }),
  field('bookedAt', 'TIMESTAMP', nullable),
  field('seats', 'INT64', nullable),
  field('distance', 'FP64', { ...nullable, defaultValue: '7' }),
]);
const first = await insertVersion(database, early);
const second = await insertVersion(database, late, first.model, '2.0.0');
const here = await insertEndpoint(database);
const there = await insertEndpoint(database);

const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';

const line = (requestId: string, features: Json, more: Json = {}): Json => ({
  requestId,
  occurredAt: '2026-02-01T12:00:00Z',
  endpoint: { name: here.name, environment: here.environment },
  modelVersion: first.digest,
  features,
  ...more,
});

const plain = line('a', {
  distance: 1500,
  weight: 0.1,
  seats: 3,
  origin: 'JFK',
  isLate: true,
  bookedAt: '2026-01-01T00:00:00.000001Z',
  mixed: 1,
});
const conflicting = { entityKey: 'flight-1', traceId: 'trace-1', score: 0.25, label: 'LATE' };

await appendAll(hindcast, [
  { ...plain, ...conflicting, latencyMs: 10 },
  line(
    'b',
    {
      distance: 'NaN',
      weight: 'NaN',
      seats: MAX,
      origin: 'J_K',
      isLate: false,
      bookedAt: '1970-01-01T00:00:00Z',
    },
    { score: 'NaN', label: 'L%TE', latencyMs: 20.5, occurredAt: '2026-02-01T12:00:00.000001Z' },
  ),
  line(
    'c',
    { distance: 'Infinity', seats: MIN, origin: 'J\\K' },
    { score: 'Infinity', entityKey: 'flight-2', occurredAt: '2026-02-10T00:00:00Z' },
  ),
  line(
    'd',
    { distance: '-Infinity', seats: '9007199254740993', origin: '' },
    { score: '-Infinity', occurredAt: '2026-02-20T00:00:00Z' },
  ),
  line('e', { distance: null }, { score: '-0', occurredAt: '2026-03-01T00:00:00Z' }),
  line(
    'f',
    { mixed: 'x', seats: 3, distance: 1600, embedding: [1, 2] },
    {
      modelVersion: second.digest,
      endpoint: { name: there.name, environment: there.environment },
      occurredAt: '2026-03-02T00:00:00Z',
    },
  ),
  line(
    'g',
    { mixed: null },
    { modelVersion: second.digest, featureSchema: late.digest, occurredAt: '2026-03-03T00:00:00Z' },
  ),
  line(
    'h',
    { distance: { value: 1500, status: 'DEFAULTED' } },
    { featureSchema: late.digest, occurredAt: '2026-03-04T00:00:00Z' },
  ),
]);
// The identity of the first with another score; and, of the third, what erasure leaves.
await append(hindcast, [{ ...plain, ...conflicting, score: 0.75 }]);
await appendAll(hindcast, [
  line('x', { distance: 5 }, { occurredAt: '2026-03-05T00:00:00Z', item: 2 ** 31 - 1 }),
]);
await database.query({
  text: `UPDATE prediction_log SET numbers = ARRAY[NULL, NULL, NULL, NULL]::float8[],
    statuses = '\\x0602020202020202' WHERE request_id = 'x'`,
});
const outcome = (requestId: string, observedAt: string, more: Json) =>
  JSON.stringify({
    requestId,
    endpoint: { name: here.name, environment: here.environment },
    observedAt,
    ...more,
  });
await hindcast
  .fetch('/v1/outcomes', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: [
      outcome('a', '2026-02-02T00:00:00Z', { label: 'LATE', value: 20 }),
      outcome('a', '2026-02-01T00:00:00Z', { label: 'EARLY', value: -20 }),
      outcome('b', '2026-02-02T00:00:00Z', { value: 'NaN' }),
    ].join('\n'),
  })
  .then((response) => response.text());

const WINDOW = { from: '2026-01-01T00:00:00Z', to: '2026-12-31T00:00:00Z' };

/** Request IDs of the predictions above that match, in the order of time, as one text. */
const found = async (filter: Json): Promise<string> => {
  const orderBy = { field: 'OCCURRED_AT', direction: 'ASC' };
  const page = await searchPage(hindcast, { occurredAt: WINDOW, ...filter }, { orderBy });
  return page.nodes.map(({ requestId }) => requestId).join('');
};

const feature = (name: string, is: Json): Json => ({ features: [{ name, is }] });
const ALL = 'abcdefghx';

describe('a search by', () => {
  const route = (name: string) => ({ route: { name, environment: 'production' } });
  it.each<[string, Json, string]>([
    ['nothing more than a window', {}, ALL],
    [
      'occurredAt, to the microsecond',
      { occurredAt: { ...WINDOW, to: '2026-02-01T12:00:00.000001Z' } },
      'a',
    ],
    [
      'occurredAt, its start included',
      { occurredAt: { ...WINDOW, from: '2026-03-04T00:00:00Z' } },
      'hx',
    ],
    ['recordedAt', { recordedAt: { from: '2026-06-01T00:00:00Z' } }, ALL],
    ['recordedAt before anything was', { recordedAt: { to: '2020-01-01T00:00:00Z' } }, ''],
    ['endpoint', { endpoint: route(there.name) }, 'f'],
    [
      'modelVersion by release',
      { modelVersion: { release: { model: first.model, semver: '2.0.0' } } },
      'fg',
    ],
    ['modelVersion by digest', { modelVersion: { digest: first.digest } }, 'abcdehx'],
    ['featureSchema by digest', { featureSchema: { digest: late.digest } }, 'fgh'],
    [
      'featureSchema by release',
      { featureSchema: { release: { name: early.name, semver: '1.0.0' } } },
      'abcdex',
    ],
    ['requestIds', { requestIds: ['a', 'h', 'none'] }, 'ah'],
    ['traceId', { traceId: 'trace-1' }, 'a'],
    ['entityKeys', { entityKeys: ['flight-2', 'flight-1'] }, 'ac'],
    ['score eq', { score: { eq: 0.25 } }, 'a'],
    ['score eq 0, which is -0', { score: { eq: 0 } }, 'e'],
    ['score gt, which NaN is not', { score: { gt: 0 } }, 'ac'],
    ['score gte', { score: { gte: -1.7976931348623157e308 } }, 'ace'],
    ['score lt', { score: { lt: 0.25 } }, 'de'],
    ['score between', { score: { gt: -1, lte: 0.25 } }, 'ae'],
    ['score isNaN', { score: { isNaN: true } }, 'b'],
    ['score of any number but NaN', { score: { isNaN: false } }, 'acde'],
    ['hasScore', { hasScore: true }, 'abcde'],
    ['no score', { hasScore: false }, 'fghx'],
    ['label eq', { label: { eq: 'LATE' } }, 'a'],
    ['label in', { label: { in: ['LATE', 'L%TE', 'late'] } }, 'ab'],
    ['label startsWith, % being a character', { label: { startsWith: 'L%' } }, 'b'],
    ['hasLabel', { hasLabel: true }, 'ab'],
    ['no label', { hasLabel: false }, 'cdefghx'],
    ['latencyMs', { latencyMs: { gt: 10 } }, 'b'],
    ['hasConflicts', { hasConflicts: true }, 'a'],
    ['no conflicts', { hasConflicts: false }, 'bcdefghx'],
    ['outcome isRecorded', { outcome: { isRecorded: true } }, 'ab'],
    ['no outcome', { outcome: { isRecorded: false } }, 'cdefghx'],
    ['outcome label, of the one observed last', { outcome: { label: { eq: 'LATE' } } }, 'a'],
    ['an outcome label that another outcome replaced', { outcome: { label: { eq: 'EARLY' } } }, ''],
    ['outcome value', { outcome: { value: { gt: 19 } } }, 'a'],
    ['outcome value isNaN', { outcome: { value: { isNaN: true } } }, 'b'],
    ['outcome label and value', { outcome: { label: { startsWith: 'L' }, value: { lt: 0 } } }, ''],
  ])('%s', async (_, filter, expected) => {
    expect(await found(filter)).toBe(expected);
  });

  it('the global ID of an endpoint and a version, at any depth', async () => {
    const { node, version } = await hindcast.ask<Record<'node' | 'version', { id: string }>>(
      `query ($endpoint: EndpointReference!, $version: ModelVersionReference!) {
        node: endpoint(by: $endpoint) { id }
        version: modelVersion(by: $version) { id }
      }`,
      { endpoint: route(here.name), version: { digest: second.digest } },
    );
    const both = { endpoint: { id: node.id }, modelVersion: { id: version.id } };
    expect(await found(both)).toBe('g');
    expect(await found({ and: [{ not: { or: [both] } }] })).toBe('abcdefhx');
  });
});

describe('a search by feature', () => {
  it.each<[string, Json, string]>([
    ['float, wherever the schema has it', feature('distance', { float: { gte: 1500 } }), 'acfh'],
    ['float eq, a default included', feature('distance', { float: { eq: 1500 } }), 'ah'],
    ['float lt', feature('distance', { float: { lt: 8 } }), 'd'],
    ['float isNaN', feature('distance', { float: { isNaN: true } }), 'b'],
    ['FP32 by the text it is shown with', feature('weight', { float: { eq: 0.1 } }), 'a'],
    ['FP32 greater than itself', feature('weight', { float: { gt: 0.1 } }), ''],
    ['FP32 by a number it does not hold', feature('weight', { float: { gt: 0.1000000001 } }), 'a'],
    ['FP32 below the largest double', feature('weight', { float: { lt: 1.7e308 } }), 'a'],
    ['integer, by every digit', feature('seats', { integer: { eq: '9007199254740993' } }), 'd'],
    ['integer at one end', feature('seats', { integer: { gte: MAX } }), 'b'],
    ['integer at the other', feature('seats', { integer: { lte: MIN } }), 'c'],
    [
      'integer beyond both',
      feature('seats', { integer: { gt: `${MIN}0`, lt: `${MAX}0` } }),
      'abcdf',
    ],
    ['integer equal to what none can be', feature('seats', { integer: { eq: `${MAX}0` } }), ''],
    ['integer gt', feature('seats', { integer: { gt: 3 } }), 'bd'],
    ['integer lt', feature('seats', { integer: { lt: 3 } }), 'c'],
    ['string eq', feature('origin', { string: { eq: '' } }), 'd'],
    ['string in', feature('origin', { string: { in: ['JFK', 'jfk'] } }), 'a'],
    [
      'string startsWith, _ being a character',
      feature('origin', { string: { startsWith: 'J_' } }),
      'b',
    ],
    [
      'string startsWith, \\ being a character',
      feature('origin', { string: { startsWith: 'J\\' } }),
      'c',
    ],
    ['string that starts with nothing', feature('origin', { string: { startsWith: '' } }), 'abcd'],
    ['boolean', feature('isLate', { boolean: true }), 'a'],
    ['the other boolean', feature('isLate', { boolean: false }), 'b'],
    ['timestamp', feature('bookedAt', { timestamp: { from: '2026-01-01T00:00:00.000001Z' } }), 'a'],
    [
      'timestamp, end excluded',
      feature('bookedAt', { timestamp: { to: '2026-01-01T00:00:00.000001Z' } }),
      'b',
    ],
    ['missing, an erased value not', feature('distance', { missing: true }), 'eg'],
    ['missing where the schema has none', feature('origin', { missing: true }), 'efghx'],
    ['present', feature('distance', { missing: false }), 'abcdfh'],
    ['the type it has in one schema', feature('mixed', { integer: { eq: 1 } }), 'a'],
    ['the type it has in another', feature('mixed', { string: { eq: 'x' } }), 'f'],
    ['missing in either type', feature('mixed', { missing: true }), 'bcdeghx'],
    [
      'two features',
      {
        features: [
          ...(feature('seats', { integer: { eq: 3 } }).features as Json[]),
          ...(feature('distance', { float: { gt: 1500 } }).features as Json[]),
        ],
      },
      'f',
    ],
  ])('%s', async (_, filter, expected) => {
    expect(await found(filter)).toBe(expected);
  });
});

describe('a search that combines', () => {
  it.each<[string, Json, string]>([
    ['and', { and: [{ score: { gt: 0 } }, { hasLabel: true }] }, 'a'],
    ['or', { or: [{ score: { isNaN: true } }, { requestIds: ['h'] }] }, 'bh'],
    ['not: the complement, with what is null', { not: { score: { gt: 0 } } }, 'bdefghx'],
    ['not of NaN', { not: { score: { isNaN: true } } }, 'acdefghx'],
    ['not of not', { not: { not: { score: { gt: 0 } } } }, 'ac'],
    [
      'not of a feature, erased and absent ones included',
      { not: feature('distance', { float: { gt: 0 } }) },
      'bdegx',
    ],
    ['not of an outcome', { not: { outcome: { label: { eq: 'LATE' } } } }, 'bcdefghx'],
    [
      'all at once',
      {
        hasLabel: false,
        or: [{ not: { hasScore: true } }, { and: [{ score: { lt: 0 } }] }],
        not: { requestIds: ['x'] },
      },
      'dfgh',
    ],
  ])('%s', async (_, filter, expected) => {
    expect(await found(filter)).toBe(expected);
  });
});

describe('pages', () => {
  it('say what lies before and after them', async () => {
    const filter = { occurredAt: WINDOW };
    const orderBy = { field: 'OCCURRED_AT', direction: 'ASC' };
    const one = await searchPage(hindcast, filter, { orderBy, first: 4 });
    expect(one.nodes.map(({ requestId }) => requestId)).toEqual(['a', 'b', 'c', 'd']);
    expect(one.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const after = one.pageInfo.endCursor;
    const two = await searchPage(hindcast, filter, { orderBy, first: 5, after });
    expect(two.nodes.map(({ requestId }) => requestId)).toEqual(['e', 'f', 'g', 'h', 'x']);
    expect(two.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const before = two.pageInfo.startCursor;
    const back = await searchPage(hindcast, filter, { orderBy, last: 3, before });
    expect(back.nodes.map(({ requestId }) => requestId)).toEqual(['b', 'c', 'd']);
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    expect(await searchPage(hindcast, filter, { first: 0 })).toMatchObject({
      nodes: [],
      pageInfo: { hasNextPage: true, startCursor: null },
    });
  });

  it('list the newest first unless told otherwise, and ties by request ID', async () => {
    const newest = await searchPage(hindcast, { occurredAt: WINDOW });
    expect(newest.nodes.map(({ requestId }) => requestId).join('')).toBe('xhgfedcba');
    const asRecorded = await searchAll(
      hindcast,
      { occurredAt: WINDOW },
      { size: 2, orderBy: { field: 'RECORDED_AT', direction: 'ASC' } },
    );
    // All but the last were recorded at once, so they follow each other by time.
    expect(asRecorded.join('')).toBe(ALL);
  });

  it('hold each prediction that was there once, while others are appended', async () => {
    const week = { from: '2025-05-01T00:00:00Z', to: '2025-06-01T00:00:00Z' };
    const at = (day: number) => ({
      occurredAt: `2025-05-${String(day).padStart(2, '0')}T00:00:00Z`,
    });
    const initial = Array.from({ length: 20 }, (_, index) => `stable-${index}`);
    await appendAll(
      hindcast,
      // Four share each instant.
      initial.map((id, index) => line(id, {}, at(1 + (index % 5) * 5))),
    );
    for (const isBackward of [false, true]) {
      for (const field of ['OCCURRED_AT', 'RECORDED_AT']) {
        let added = 0;
        const ids = await searchAll(
          hindcast,
          { occurredAt: week },
          {
            size: 3,
            isBackward,
            orderBy: { field, direction: 'ASC' },
            between: () => {
              added += 1;
              // Without end when paging forward in the order of recording, were they appended without end.
              if (added > 5) return Promise.resolve();
              return appendAll(
                hindcast,
                [1, 8, 11, 16, 30].map((day) =>
                  line(`new-${isBackward}-${field}-${added}-${day}`, {}, at(day)),
                ),
              );
            },
          },
        );
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.filter((id) => id.startsWith('stable')).sort()).toEqual([...initial].sort());
      }
    }
  });

  it('take a statement that tells which versions answered and one for the page, and one more where features are looked up', async () => {
    const filter = { occurredAt: WINDOW };
    const byFeatures = {
      ...filter,
      or: [
        feature('distance', { float: { gt: 0 } }),
        feature('seats', { integer: { gt: 0 } }),
        { endpoint: { route: { name: here.name, environment: here.environment } } },
      ],
    };
    for (const [which, statements] of [
      [filter, 2],
      [byFeatures, 3],
    ] as const) {
      await searchPage(hindcast, which, { first: 2 });
      for (const more of [{ first: 1 }, { first: 100 }, { last: 3 }]) {
        const sent = await hindcast.statementsOf(() => searchPage(hindcast, which, more));
        expect(sent).toHaveLength(statements);
      }
    }
  });

  it('read only the partitions of the window, and of these only those beyond the cursor', async () => {
    /** The weeks that a page reads when it is asked for with other values. */
    const weeksRead = async (filter: Json, more: Json, ...values: unknown[]): Promise<string[]> => {
      const sent = await hindcast.statementsOf(() => searchPage(hindcast, filter, more));
      const plan = await database.query<{ 'QUERY PLAN': string }>({
        text: `EXPLAIN ${sent.at(-1)}`,
        values,
      });
      const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
      return [...new Set(lines.match(/\bprediction_log_p\d{8}/g))].sort();
    };
    const all = { occurredAt: WINDOW };
    const window = ['2026-02-01T00:00:00Z', '2026-02-16T00:00:00Z'];
    const versions = [1, 2];
    expect(await weeksRead(all, {}, ...window, ...versions)).toEqual([
      'prediction_log_p20260126',
      'prediction_log_p20260209',
    ]);
    const { pageInfo } = await searchPage(hindcast, all, { first: 1 });
    const after = { after: pageInfo.endCursor };
    const beyond = [...window, '2026-02-05T00:00:00Z', 'id', 1, 0, ...versions];
    expect(await weeksRead(all, after, ...beyond)).toEqual(['prediction_log_p20260126']);
    const before = { last: 1, before: pageInfo.endCursor };
    expect(await weeksRead(all, before, ...beyond)).toEqual(['prediction_log_p20260209']);
    const ofVersion = {
      ...all,
      modelVersion: { digest: first.digest },
      ...feature('distance', { float: { gte: 1, lt: 9 } }),
    };
    const day = ['2026-02-12T00:00:00Z', '2026-02-13T00:00:00Z'];
    expect(await weeksRead(ofVersion, {}, ...day, 1, [1], 1, 9, [2], 1, 9)).toEqual([
      'prediction_log_p20260209',
    ]);
  });
});

describe('a count', () => {
  const COUNT = `query ($filter: PredictionLogFilter!, $limit: Int! = 10000) {
    predictionLogs(filter: $filter, first: 1) { count(limit: $limit) { value isExact } }
  }`;
  const count = async (filter: Json, limit?: number) => {
    const variables = { filter: { occurredAt: WINDOW, ...filter }, limit };
    const { predictionLogs } = await hindcast.ask<{ predictionLogs: { count: unknown } }>(
      COUNT,
      variables,
    );
    return predictionLogs.count;
  };

  it('is that of all pages, exact up to its bound', async () => {
    expect(await count({})).toEqual({ value: 9, isExact: true });
    expect(await count({}, 9)).toEqual({ value: 9, isExact: true });
    expect(await count({}, 8)).toEqual({ value: 8, isExact: false });
    expect(await count({}, 1)).toEqual({ value: 1, isExact: false });
    expect(await count({ hasLabel: true }, 2)).toEqual({ value: 2, isExact: true });
    expect(await count({ requestIds: ['none'] })).toEqual({ value: 0, isExact: true });
  });

  it.each([0, -1, 100_001])('up to %i is refused', async (limit) => {
    const { errors } = await hindcast.respond(COUNT, { filter: { occurredAt: WINDOW }, limit });
    expect(errors).toMatchObject([
      { message: `limit is ${limit}: give 1 to 100000.`, extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });

  it('takes one statement of its own', async () => {
    const filter = { requestIds: ['none'] };
    await count(filter);
    expect(await hindcast.statementsOf(() => count(filter))).toHaveLength(2);
  });
});

describe('the predictions of', () => {
  const OF = `query ($version: ModelVersionReference!, $endpoint: EndpointReference!, $filter: PredictionLogFilter!) {
    modelVersion(by: $version) {
      all: predictions(orderBy: { field: OCCURRED_AT, direction: ASC }, filter: { occurredAt: { from: "2026-01-01T00:00:00Z" } }) {
        nodes { requestId }
        count { value isExact }
      }
      last: predictions(first: 1) { nodes { requestId } }
      some: predictions(filter: $filter) { nodes { requestId } count { value } }
    }
    endpoint(by: $endpoint) {
      some: predictions(filter: $filter) { nodes { requestId } count { value } }
    }
  }`;

  it('a version and an endpoint are those that match among theirs', async () => {
    const answer = await hindcast.ask(OF, {
      version: { digest: first.digest },
      endpoint: { route: { name: there.name, environment: 'production' } },
      filter: { requestIds: ['a', 'f', 'g'] },
    });
    expect(answer).toEqual({
      modelVersion: {
        all: {
          nodes: [...'abcdehx'].map((requestId) => ({ requestId })),
          count: { value: 7, isExact: true },
        },
        last: { nodes: [{ requestId: 'x' }] },
        some: { nodes: [{ requestId: 'a' }], count: { value: 1 } },
      },
      endpoint: { some: { nodes: [{ requestId: 'f' }], count: { value: 1 } } },
    });
  });
});
