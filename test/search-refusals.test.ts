import { describe, expect, it } from 'vitest';
import { type Actor, localActor } from '../src/platform/context.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { refusalOf, searchPage } from './setup/search.ts';
import { insertEndpoint, insertSchema, insertVersion } from './setup/versions.ts';

type Json = Record<string, unknown>;

const hindcast = await openTestHindcast(localActor('tester'));
const FIELDS = [
  field('distance', 'FP64'),
  field('email', 'STRING', { isSensitive: true }),
  field('embedding', 'FP32', { shape: [2, 3] }),
  field('seats', 'INT64'),
];
const schema = await insertSchema(hindcast.database, FIELDS);
await insertSchema(hindcast.database, [
  field('seats', 'STRING'),
  field('embedding', 'FP32', { shape: [2, 3] }),
]);
const version = await insertVersion(hindcast.database, schema);
const endpoint = await insertEndpoint(hindcast.database);

const WINDOW = { occurredAt: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' } };

const messageOf = async (filter: Json, more?: Json): Promise<string> => {
  const { message, extensions } = await refusalOf(hindcast, filter, more);
  expect(extensions).toEqual({ code: 'BAD_USER_INPUT' });
  return message;
};

const many = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => item(index));

const nested = (depth: number): Json =>
  depth === 1 ? { hasScore: true } : { not: nested(depth - 1) };

const feature = (name: string, is: Json): Json => ({ features: [{ name, is }] });

describe('a search without a bound is refused', () => {
  const remedy =
    'Give `occurredAt` with `from` and `to` at most 366 days apart, `entityKeys`, `requestIds` or `traceId`; within `or`, in each alternative.';
  const from = '2025-01-01T00:00:00Z';

  it.each<[string, Json, string]>([
    ['for it is empty', {}, ''],
    ['for it has a version only', { modelVersion: { digest: version.digest } }, ''],
    ['for the time of recording is none', { recordedAt: WINDOW.occurredAt }, ''],
    ['for its window has no end', { occurredAt: { from } }, ' `occurredAt` has no `to`.'],
    ['for its window has no start', { occurredAt: { to: from } }, ' `occurredAt` has no `from`.'],
    [
      'for its window is too long',
      { occurredAt: { from, to: '2026-01-02T00:00:00.000001Z' } },
      ' `occurredAt` spans 367 days.',
    ],
    ['for an alternative has none', { or: [WINDOW, { hasScore: true }] }, ''],
    ['for what is excluded bounds nothing', { not: WINDOW }, ''],
  ])('%s', async (_, filter, why) => {
    expect(await messageOf(filter)).toBe(`filter: does not bound the search.${why} ${remedy}`);
  });

  it.each<[string, Json]>([
    ['exactly 366 days', { occurredAt: { from, to: '2026-01-02T00:00:00Z' } }],
    ['request IDs', { requestIds: ['a'] }],
    ['a trace', { traceId: 'a' }],
    ['entities', { entityKeys: ['a'], occurredAt: { from } }],
    ['a window within `and`', { and: [{ hasScore: true }, { and: [WINDOW] }] }],
    ['a bound in each alternative', { or: [WINDOW, { traceId: 'a' }] }],
  ])('and accepted with %s', async (_, filter) => {
    expect((await searchPage(hindcast, filter)).nodes).toEqual([]);
  });

  it('also on a version, unless it asks for no more than a time', async () => {
    const ask = (args: string) =>
      hindcast.respond(
        `query ($by: ModelVersionReference!) { modelVersion(by: $by) { predictions${args} { nodes { id } } } }`,
        { by: { digest: version.digest } },
      );
    const none = { data: { modelVersion: { predictions: { nodes: [] } } } };
    expect(await ask('')).toEqual(none);
    expect(await ask('(filter: { occurredAt: { from: "2020-01-01T00:00:00Z" } })')).toEqual(none);
    for (const args of ['(filter: { hasScore: true })', '(orderBy: { field: RECORDED_AT })']) {
      const { errors } = await ask(args);
      expect(errors?.map(({ message }) => message)).toEqual([
        `filter: does not bound the search. ${remedy}`,
      ]);
    }
  });
});

describe('a filter is refused', () => {
  const half = '\ud800';
  it.each<[string, Json, string]>([
    [
      'nested too deeply',
      nested(6),
      'filter.not.not.not.not.not: is nested more than 5 levels deep; say it with fewer levels.',
    ],
    [
      'with too many conditions',
      { and: many(30, () => ({ hasScore: true })) },
      'filter: has 31 conditions; give at most 30.',
    ],
    [
      'with too many features',
      { features: many(11, () => ({ name: 'distance', is: { float: { eq: 1 } } })) },
      'filter.features: has 11 items; give 1 to 10, or leave it out.',
    ],
    [
      'with too many values',
      { requestIds: many(101, String) },
      'filter.requestIds: has 101 items; give 1 to 100, or leave it out.',
    ],
    [
      'with too many entities',
      { entityKeys: many(101, String) },
      'filter.entityKeys: has 101 items; give 1 to 100, or leave it out.',
    ],
    [
      'with too many labels',
      { label: { in: many(101, String) } },
      'filter.label.in: has 101 items; give 1 to 100, or leave it out.',
    ],
    [
      'with an empty list of values',
      { requestIds: [] },
      'filter.requestIds: has 0 items; give 1 to 100, or leave it out.',
    ],
    [
      'with an empty list of features',
      { features: [] },
      'filter.features: has 0 items; give 1 to 10, or leave it out.',
    ],
    ['with an empty `or`', { or: [] }, 'filter.or: has 0 items; give 1 to 30, or leave it out.'],
    [
      'with an empty filter in it',
      { not: {} },
      'filter.not: is empty; give a condition, or leave it out.',
    ],
    [
      'with a window without bounds',
      { recordedAt: {} },
      'filter.recordedAt: has no bound; give `from`, `to` or both.',
    ],
    [
      'with a window that ends where it begins',
      { recordedAt: { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00+01:00' } },
      'filter.recordedAt: is empty: `to` is exclusive and must lie after `from`.',
    ],
    [
      'with a comparison without a condition',
      { score: {} },
      'filter.score: has no condition; give one, or leave it out.',
    ],
    [
      'with a comparison with null',
      { label: { eq: null } },
      'filter.label: has no condition; give one, or leave it out.',
    ],
    [
      'with an outcome without a condition',
      { outcome: { value: {} } },
      'filter.outcome.value: has no condition; give one, or leave it out.',
    ],
    [
      'with U+0000',
      { traceId: 'a\0b' },
      'filter.traceId: contains U+0000, which no stored text may hold; remove it.',
    ],
    [
      'with U+0000 in a list',
      { not: { label: { in: ['a', '\0'] } } },
      'filter.not.label.in.1: contains U+0000, which no stored text may hold; remove it.',
    ],
    [
      'with U+0000 in the start of a feature',
      feature('email', { string: { startsWith: '\0' } }),
      'filter.features.0.is.string.startsWith: contains U+0000, which no stored text may hold; remove it.',
    ],
    [
      'with U+0000 in the name of a feature',
      feature('\0', { missing: true }),
      'filter.features.0.name: contains U+0000, which no stored text may hold; remove it.',
    ],
    [
      'with half a character',
      { label: { eq: half } },
      'filter.label.eq: contains half of a surrogate pair, which is not Unicode; send both halves or neither.',
    ],
    [
      'with an endpoint that is not there',
      { endpoint: { route: { name: 'none', environment: 'production' } } },
      'filter.endpoint: There is no such endpoint.',
    ],
    [
      'with a version that is not there',
      { or: [{ modelVersion: { release: { model: version.model, semver: '9.9.9' } } }] },
      'filter.or.0.modelVersion: There is no such model version.',
    ],
    [
      'with a schema that is not there',
      { featureSchema: { release: { name: 'none', semver: '1.0.0' } } },
      'filter.featureSchema: There is no such feature schema.',
    ],
    [
      'with a feature that is not there',
      feature('Distanze', { float: { eq: 1 } }),
      'filter.features.0.name: No feature schema declares "Distanze". Did you mean "distance"? Known features: "distance", "email", "embedding", "seats".',
    ],
    [
      'with a condition of another type',
      feature('distance', { integer: { eq: 1 } }),
      'filter.features.0.is: "distance" is FP64, which `integer` does not compare; use `float` or `missing`.',
    ],
    [
      'with a condition of neither type',
      feature('seats', { boolean: true }),
      'filter.features.0.is: "seats" is INT64 or STRING, which `boolean` does not compare; use `integer` or `string` or `missing`.',
    ],
    [
      'with a feature that has a shape',
      feature('embedding', { float: { gt: 1 } }),
      'filter.features.0.is: "embedding" has the shape [2, 3]; only features of one value can be searched.',
    ],
    [
      'with everything that is wrong',
      {
        endpoint: { route: { name: 'x', environment: 'y' } },
        ...feature('embedding', { missing: true }),
      },
      'filter.endpoint: There is no such endpoint.\nfilter.features.0.is: "embedding" has the shape [2, 3]; only features of one value can be searched.',
    ],
  ])('%s', async (_, filter, message) => {
    const lines = await messageOf({ ...WINDOW, ...filter });
    expect(lines.split('\n').sort()).toEqual(message.split('\n').sort());
  });

  it('with a number beyond all others, which only a document can hold', async () => {
    const { errors } = await hindcast.respond(
      '{ predictionLogs(filter: { traceId: "a", score: { eq: 1e999 } }) { nodes { id } } }',
    );
    expect(errors).toMatchObject([
      { message: 'filter.score.eq: is beyond the largest number, 1.7976931348623157e+308.' },
    ]);
  });

  it('with an integer that no number is, in a variable', async () => {
    const refusal = async (digits: string) => {
      const response = await hindcast.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: `{"query":"query ($n: Float) { predictionLogs(filter: { traceId: \\"a\\", score: { eq: $n } }) { nodes { id } } }","variables":{"n":${digits}}}`,
      });
      return response.json();
    };
    const variable = (digits: string) =>
      `Variable "$n" got invalid value ${digits}; Float cannot represent ${digits}:`;
    expect(await refusal('9007199254740993')).toMatchObject({
      errors: [
        {
          message: `${variable('9007199254740993')} it is not a 64-bit float; the nearest is 9.007199254740992e+15.`,
        },
      ],
    });
    const huge = `1${'0'.repeat(309)}`;
    expect(await refusal(huge)).toMatchObject({
      errors: [
        {
          message: `${variable(huge)} it is beyond the largest 64-bit float, 1.7976931348623157e+308.`,
        },
      ],
    });
    expect(await refusal('9007199254740992')).toEqual({ data: { predictionLogs: { nodes: [] } } });
  });

  it('but not at its limits', async () => {
    const limits = [
      nested(5),
      { and: many(29, () => ({ hasScore: true })) },
      { features: many(10, () => ({ name: 'distance', is: { float: { eq: 1 } } })) },
      { entityKeys: many(100, String), label: { in: many(100, String) } },
      { endpoint: { route: { name: endpoint.name, environment: endpoint.environment } } },
    ];
    for (const filter of limits) {
      expect((await searchPage(hindcast, { ...WINDOW, ...filter })).nodes).toEqual([]);
    }
  });

  it('nested beyond what JSON may be, without failing', async () => {
    const deep = `${'{"not":'.repeat(20_000)}{}${'}'.repeat(20_000)}`;
    const response = await hindcast.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: `{"query":"query ($f: PredictionLogFilter!) { predictionLogs(filter: $f) { nodes { id } } }","variables":{"f":${deep}}}`,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'JSON_DEPTH_LIMIT' } }],
    });
  });
});

describe('a cursor is refused', () => {
  const cursor = (...key: string[]) => Buffer.from(JSON.stringify(key)).toString('base64url');
  const other = (path: string, order: string) =>
    `${path}: The cursor is not of a list ordered by ${order}; pass one that this list returned.`;

  it.each([
    ['of the other order', cursor('1', '1', 'a', '1', '0')],
    ['without an instant', cursor('x', 'a', '1', '0')],
    ['with an item that is no integer', cursor('1', 'a', '1', '-1')],
    ['with an endpoint beyond all', cursor('1', 'a', '99999999999', '0')],
    ['of nothing', cursor()],
  ])('%s', async (_, after) => {
    expect(await messageOf(WINDOW, { after })).toBe(other('after', 'OCCURRED_AT'));
  });

  it('of the other order, backward', async () => {
    const more = { last: 1, before: cursor('1', 'a', '1', '0'), orderBy: { field: 'RECORDED_AT' } };
    expect(await messageOf(WINDOW, more)).toBe(other('before', 'RECORDED_AT'));
  });

  it.each([
    ['that is no cursor at all', 'x'],
    ['with U+0000', cursor('1', '\0', '1', '0')],
  ])('%s', async (_, after) => {
    expect(await messageOf(WINDOW, { after })).toBe(
      `"${after}" is not a cursor of this list; pass one that it returned.`,
    );
  });
});

describe('a caller without features:sensitive', async () => {
  const actor: Actor = {
    ...localActor('guest'),
    scopes: new Set(['registry:read', 'predictions:read']),
  };
  const guest = await openTestHindcast(actor);
  await insertSchema(guest.database, FIELDS);
  const needs = 'needs the scope `features:sensitive`, which this caller lacks.';

  it.each<[string, Json, string]>([
    [
      'entity keys',
      { entityKeys: ['a'] },
      `filter.entityKeys: A condition on entity keys ${needs}`,
    ],
    [
      'entity keys within',
      { not: { or: [{ entityKeys: ['a'] }] } },
      `filter.not.or.0.entityKeys: A condition on entity keys ${needs}`,
    ],
    [
      'a sensitive feature',
      feature('email', { string: { eq: 'a' } }),
      `filter.features.0: A condition on the sensitive feature "email" ${needs}`,
    ],
    [
      'whether it is missing',
      feature('email', { missing: true }),
      `filter.features.0: A condition on the sensitive feature "email" ${needs}`,
    ],
    [
      'it with the wrong type',
      feature('email', { integer: { eq: 1 } }),
      `filter.features.0: A condition on the sensitive feature "email" ${needs}`,
    ],
  ])('may not ask for %s', async (_, filter, message) => {
    const refusal = await refusalOf(guest, { ...WINDOW, ...filter });
    expect(refusal).toMatchObject({ message, extensions: { code: 'BAD_USER_INPUT' } });
  });

  it('may ask for what is not sensitive', async () => {
    const filter = { ...WINDOW, ...feature('distance', { float: { eq: 1 } }) };
    expect((await searchPage(guest, filter)).nodes).toEqual([]);
  });

  it('may not where one schema of several declares it sensitive', async () => {
    await insertSchema(guest.database, [field('email', 'STRING')]);
    const refusal = await refusalOf(guest, {
      ...WINDOW,
      ...feature('email', { string: { eq: 'a' } }),
    });
    expect(refusal.message).toBe(
      `filter.features.0: A condition on the sensitive feature "email" ${needs}`,
    );
  });
});
