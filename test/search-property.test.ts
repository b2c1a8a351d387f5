import fc from 'fast-check';
import { expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { appendAll, searchAll, searchPage } from './setup/search.ts';
import { insertEndpoint, insertSchema, insertVersion } from './setup/versions.ts';

// Random rows are searched by random filters, and by a plain reading of what each filter means.

type Json = Record<string, unknown>;

/** What a filter may compare with and a row may hold: few values, so that they meet, and all that are special. */
const FLOATS = [
  NaN,
  Infinity,
  -Infinity,
  -1.7976931348623157e308,
  -1,
  -0,
  5e-324,
  0.1,
  1500,
  2 ** 53,
];
const FINITE = FLOATS.filter(Number.isFinite);
const INTEGERS = [-(2n ** 63n), -(2n ** 63n) + 1n, -1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const TEXTS = ['', 'a', 'A', 'ab', 'a%', 'a_', 'a\\', 'ä', '😀', 'b'];
const INSTANTS = [
  '2026-02-01T23:59:59.999999Z',
  '2026-02-02T00:00:00.000000Z',
  '2026-02-02T00:00:00.000001Z',
  '2026-02-10T00:00:00.000000Z',
  '2026-03-31T00:00:00.000000Z',
];

interface Row {
  readonly requestId: string;
  readonly occurredAt: string;
  readonly batch: number;
  readonly version: 0 | 1;
  readonly score: number | null;
  readonly label: string | null;
  readonly distance: number | null;
  readonly seats: bigint | null;
  readonly origin: string | null;
}

const orNull = <Value>(values: readonly Value[]) =>
  fc.option(fc.constantFrom(...values), { nil: null });

const anyRow = fc.record({
  occurredAt: fc.constantFrom(...INSTANTS),
  batch: fc.nat(2),
  version: fc.constantFrom(0 as const, 1 as const),
  score: orNull(FLOATS),
  label: orNull(TEXTS),
  distance: orNull(FLOATS),
  seats: orNull(INTEGERS),
  origin: orNull(TEXTS),
});

const rows: readonly Row[] = fc
  .sample(anyRow, { numRuns: 250, seed: 42 })
  .map((row, index) => ({ ...row, requestId: `r${(index * 7919) % 1000}` }));

/** A filter and what it means. */
interface Meaning {
  readonly filter: Json;
  readonly matches: (row: Row) => boolean;
}

const OPERATORS = {
  eq: (a, b) => a === b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
} as const satisfies Record<string, (a: number | bigint, b: number | bigint) => boolean>;

const operator = fc.constantFrom(...(Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]));

const comparing = <Value extends number | bigint>(
  values: readonly Value[],
  read: (row: Row) => Value | null,
  filterOf: (comparator: Json) => Json,
): fc.Arbitrary<Meaning> =>
  fc.tuple(operator, fc.constantFrom(...values)).map(([name, operand]) => ({
    filter: filterOf({ [name]: typeof operand === 'bigint' ? String(operand) : operand }),
    matches: (row) => {
      const value = read(row);
      return value !== null && OPERATORS[name](value, operand);
    },
  }));

const comparingText = (
  read: (row: Row) => string | null,
  filterOf: (comparator: Json) => Json,
): fc.Arbitrary<Meaning> => {
  const text = fc.constantFrom(...TEXTS);
  const meaning = (comparator: Json, holds: (value: string) => boolean): Meaning => ({
    filter: filterOf(comparator),
    matches: (row) => {
      const value = read(row);
      return value !== null && holds(value);
    },
  });
  return fc.oneof(
    text.map((eq) => meaning({ eq }, (value) => value === eq)),
    text.map((start) => meaning({ startsWith: start }, (value) => value.startsWith(start))),
    fc
      .uniqueArray(text, { minLength: 1 })
      .map((texts) => meaning({ in: texts }, (value) => texts.includes(value))),
  );
};

const feature = (name: string, kind: string) => (comparator: unknown) => ({
  features: [{ name, is: { [kind]: comparator } }],
});

// The second schema has no origin.
const originOf = ({ version, origin }: Row) => (version === 0 ? origin : null);

const leaf: fc.Arbitrary<Meaning> = fc.oneof(
  comparing(
    FINITE,
    ({ score }) => score,
    (score) => ({ score }),
  ),
  comparing(FINITE, ({ distance }) => distance, feature('distance', 'float')),
  comparing(INTEGERS, ({ seats }) => seats, feature('seats', 'integer')),
  comparingText(
    ({ label }) => label,
    (label) => ({ label }),
  ),
  comparingText(originOf, feature('origin', 'string')),
  fc.boolean().map((hasScore) => ({
    filter: { hasScore },
    matches: ({ score }: Row) => (score !== null) === hasScore,
  })),
  fc.boolean().map((wanted) => ({
    filter: { score: { isNaN: wanted } },
    matches: ({ score }: Row) => score !== null && Number.isNaN(score) === wanted,
  })),
  fc.boolean().map((missing) => ({
    filter: feature('origin', 'missing')(missing),
    matches: (row: Row) => (originOf(row) === null) === missing,
  })),
  fc.constantFrom(...INSTANTS).map((from) => ({
    filter: { occurredAt: { from } },
    matches: ({ occurredAt }: Row) => occurredAt >= from,
  })),
);

const tree = fc.letrec<{ node: Meaning }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((parts) => ({
      filter: { and: parts.map(({ filter }) => filter) },
      matches: (row: Row) => parts.every(({ matches }) => matches(row)),
    })),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((parts) => ({
      filter: { or: parts.map(({ filter }) => filter) },
      matches: (row: Row) => parts.some(({ matches }) => matches(row)),
    })),
    tie('node').map((inner) => ({
      filter: { not: inner.filter },
      matches: (row: Row) => !inner.matches(row),
    })),
  ),
})).node;

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { database } = hindcast;
const nullable = { isNullable: true };
const versions = [
  await insertVersion(
    database,
    await insertSchema(database, [
      field('distance', 'FP64', nullable),
      field('origin', 'STRING', nullable),
      field('seats', 'INT64', nullable),
    ]),
  ),
  await insertVersion(
    database,
    await insertSchema(database, [
      field('padding', 'INT64', nullable),
      field('other', 'FP64', nullable),
      field('seats', 'INT64', nullable),
      field('distance', 'FP64', nullable),
    ]),
  ),
] as const;
const endpoint = await insertEndpoint(database);

const sent = (value: number | null): unknown => {
  if (Object.is(value, -0)) return '-0';
  return value === null || Number.isFinite(value) ? value : String(value);
};

const lineOf = ({ requestId, occurredAt, version, score, label, ...row }: Row): Json => ({
  requestId,
  occurredAt,
  endpoint: { name: endpoint.name, environment: endpoint.environment },
  modelVersion: versions[version].digest,
  ...(score !== null && { score: sent(score) }),
  ...(label !== null && { label }),
  features: {
    distance: sent(row.distance),
    seats: row.seats === null ? null : String(row.seats),
    ...(version === 0 && { origin: row.origin }),
  },
});

for (const batch of [0, 1, 2]) {
  await appendAll(hindcast, rows.filter((row) => row.batch === batch).map(lineOf));
}

const inOrder = (field: string, direction: string, found: readonly Row[]): readonly string[] => {
  const key = ({ batch, occurredAt }: Row) =>
    field === 'OCCURRED_AT' ? occurredAt : `${batch} ${occurredAt}`;
  const sign = direction === 'ASC' ? 1 : -1;
  // Instants above are texts of one length.
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...found]
    .sort((a, b) => sign * (compare(key(a), key(b)) || compare(a.requestId, b.requestId)))
    .map(({ requestId }) => requestId);
};

const WINDOW = { from: '2026-01-01T00:00:00Z', to: '2026-12-31T00:00:00Z' };

it('finds, in both directions and any order, exactly what a filter means', {
  timeout: 180_000,
}, async () => {
  const order = fc.record({
    field: fc.constantFrom('OCCURRED_AT', 'RECORDED_AT'),
    direction: fc.constantFrom('ASC', 'DESC'),
  });
  let total = 0;
  await fc.assert(
    fc.asyncProperty(tree, order, fc.constantFrom(30, 77, 200), async (meaning, orderBy, size) => {
      const filter = { occurredAt: WINDOW, and: [meaning.filter] };
      const expected = inOrder(orderBy.field, orderBy.direction, rows.filter(meaning.matches));
      total += expected.length;
      expect(await searchAll(hindcast, filter, { size, orderBy })).toEqual(expected);
      expect(await searchAll(hindcast, filter, { size, orderBy, isBackward: true })).toEqual(
        expected,
      );
    }),
    { numRuns: 150, seed: 7 },
  );
  // Neither always nothing nor always everything.
  expect(total).toBeGreaterThan(5000);
});

it('counts what it finds', async () => {
  await fc.assert(
    fc.asyncProperty(tree, fc.integer({ min: 1, max: 300 }), async ({ filter, matches }, limit) => {
      const { predictionLogs } = await hindcast.ask<{ predictionLogs: { count: unknown } }>(
        `query ($filter: PredictionLogFilter!, $limit: Int!) {
          predictionLogs(filter: $filter, first: 0) { count(limit: $limit) { value isExact } }
        }`,
        { filter: { occurredAt: WINDOW, and: [filter] }, limit },
      );
      const { length } = rows.filter(matches);
      expect(predictionLogs.count).toEqual({
        value: Math.min(length, limit),
        isExact: length <= limit,
      });
    }),
    { numRuns: 50, seed: 8 },
  );
});

it('finds all of them without a further condition', async () => {
  const page = await searchPage(hindcast, { occurredAt: WINDOW }, { first: 200 });
  expect(page.nodes).toHaveLength(200);
  expect(new Set(rows.map(({ requestId }) => requestId)).size).toBe(rows.length);
});
