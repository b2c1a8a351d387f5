import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureType } from '../src/evidence/feature-field.ts';
import { elementDistance } from '../src/forensics/distance-sql.ts';
import { featureDistance } from '../src/forensics/gower.ts';
import type { FeatureScalar } from '../src/prediction/feature-decode.ts';
import { parameterList } from '../src/prediction/sql-condition.ts';
import { useTestDatabase } from './setup/database.ts';

const database = await useTestDatabase();

describe('the distance of two values', () => {
  it.each([
    ['numbers: their difference over the range', 3, 8, 10, 0.5],
    ['numbers farther apart than the range', 3, 30, 10, 1],
    ['equal numbers, zeros of either sign', 0, -0, 10, 0],
    ['numbers where training saw only one', 3, 4, 0, 1],
    ['integers beyond 2^53, exactly', 9007199254740993n, 9007199254740992n, 4, 0.25],
    ['categories', 'a', 'b', null, 1],
    ['equal categories', true, true, null, 0],
    ['absent values', null, null, 10, 0],
    ['an absent value and another', null, 3, 10, 1],
    ['NaN and NaN', Number.NaN, Number.NaN, 10, 0],
    ['NaN and a number', Number.NaN, 3, 10, 1],
    ['infinities', Infinity, Infinity, 10, 0],
    ['infinities of either sign', Infinity, -Infinity, 10, 1],
    ['an infinity and a number', 3, Infinity, 10, 1],
  ] as const)('%s', (_, one, other, range, expected) => {
    expect(featureDistance(one, other, { range })).toBe(expected);
    expect(featureDistance(other, one, { range })).toBe(expected);
  });

  it('of vectors is the mean over their elements', () => {
    expect(featureDistance([1, 2, null], [2, 2, 5], { range: 2 })).toBe(0.5);
    expect(featureDistance(null, [2, null], { range: 2 })).toBe(0.5);
    expect(featureDistance(null, null, { range: 2 })).toBe(0);
  });
});

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

const doubles = fc.oneof(
  fc.double(),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(0, -0, 5e-324, 1e-310, 1.7e308, -1.7e308, Infinity, -Infinity, Number.NaN),
);
const integers = fc.oneof(
  fc.bigInt({ min: MIN, max: MAX }),
  fc.bigInt({ min: -20n, max: 20n }),
  fc.constantFrom(MIN, MAX, 0n, 2n ** 53n, 2n ** 53n + 1n),
);
const ranges = fc.oneof(
  fc.double({ min: 0, max: 2 ** 1019, noNaN: true }),
  fc.integer({ min: 0, max: 40 }),
  fc.constantFrom(0, 5e-324, 1e-308, 2 ** 53, 2 ** 60, 1.8e19),
);

const SQL_TYPES = { FP64: 'float8', INT64: 'int8', STRING: 'text', BOOL: 'int8' } as const;
const storedOf = (value: FeatureScalar | null) =>
  typeof value === 'boolean' ? BigInt(value) : value;

/** The distance as the database works it out, of a row's value and a given one. */
const inDatabase = async (
  type: keyof typeof SQL_TYPES & FeatureType,
  row: FeatureScalar | null,
  given: FeatureScalar | null,
  range: number | null,
): Promise<number | undefined> => {
  const { values, parameter } = parameterList();
  const x = parameter(storedOf(row), SQL_TYPES[type]);
  const sql = elementDistance('v.x', given, { type, range }, parameter);
  const [found] = await database.query<{ distance: number }>({
    text: `SELECT ${sql} AS distance FROM (SELECT ${x} AS x OFFSET 0) v`,
    values,
  });
  return found?.distance;
};

describe('the distance in the database is the same, to the last bit, and never fails', () => {
  const nullable = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { freq: 20 });

  it('of floats', async () => {
    await fc.assert(
      fc.asyncProperty(nullable(doubles), nullable(doubles), ranges, async (one, other, range) => {
        const expected = featureDistance(one, other, { range });
        expect(await inDatabase('FP64', other, one, range)).toBe(expected);
      }),
      { numRuns: 600 },
    );
  });

  it('of integers', async () => {
    await fc.assert(
      fc.asyncProperty(
        nullable(integers),
        nullable(integers),
        ranges,
        async (one, other, range) => {
          const expected = featureDistance(one, other, { range });
          expect(await inDatabase('INT64', other, one, range)).toBe(expected);
        },
      ),
      { numRuns: 600 },
    );
  });

  it('of categories', async () => {
    const texts = nullable(fc.constantFrom('', 'a', 'A', 'é'));
    await fc.assert(
      fc.asyncProperty(texts, texts, async (one, other) => {
        const expected = featureDistance(one, other, { range: null });
        expect(await inDatabase('STRING', other, one, null)).toBe(expected);
      }),
      { numRuns: 60 },
    );
    for (const one of [true, false, null]) {
      for (const other of [true, false, null]) {
        const expected = featureDistance(one, other, { range: null });
        expect(await inDatabase('BOOL', other, one, null)).toBe(expected);
      }
    }
  });
});
