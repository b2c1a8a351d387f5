import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureType } from '../src/evidence/feature-field.ts';
import type { ExactJson } from '../src/platform/exact-json.ts';
import { compileFeatureCodec } from '../src/prediction/feature-codec.ts';
import { FeatureLayoutError } from '../src/prediction/feature-decode.ts';
import type { EncodedFeatures } from '../src/prediction/feature-layout.ts';
import { lexical } from '../src/prediction/feature-lexical.ts';
import { field, nothing, read, stored } from './feature-fixture.ts';

describe('layout', () => {
  it('fills typed columns in schema order, whatever the order of the record', () => {
    const fields = [
      field('a', 'STRING'),
      field('b', 'FP64'),
      field('c', 'INT64'),
      field('d', 'BOOL'),
      field('e', 'FP64', { shape: [2, 3] }),
      field('f', 'TIMESTAMP'),
      field('g', 'FP32'),
      field('h', 'STRING', { shape: [2] }),
    ];
    const json = `{"h":["x","y"],"g":0.1,"f":"1970-01-01T00:00:01.000002+00:00","e":[[1,2,3],[4,5,6]],
      "d":true,"c":-9223372036854775808,"b":"-0","a":"é"}`;
    expect(stored(fields, json)).toStrictEqual({
      ...nothing,
      numbers: [-0, 1, 2, 3, 4, 5, 6, Math.fround(0.1)],
      integers: [-9223372036854775808n, 1n, 1000002n],
      texts: ['é', 'x', 'y'],
    });
    expect(
      compileFeatureCodec(fields).layout.map(({ column, offset, length }) => [
        column,
        offset,
        length,
      ]),
    ).toEqual([
      ['texts', 0, 1],
      ['numbers', 0, 1],
      ['integers', 0, 1],
      ['integers', 1, 1],
      ['numbers', 1, 6],
      ['integers', 2, 1],
      ['numbers', 7, 1],
      ['texts', 1, 2],
    ]);
    expect(read(fields, json).map(({ value, status }) => [status, value])).toEqual([
      ['PRESENT', 'é'],
      ['PRESENT', -0],
      ['PRESENT', -9223372036854775808n],
      ['PRESENT', true],
      ['PRESENT', [1, 2, 3, 4, 5, 6]],
      ['PRESENT', 1000002],
      ['PRESENT', Math.fround(0.1)],
      ['PRESENT', ['x', 'y']],
    ]);
  });

  it('reads names that every object inherits only from the record itself', () => {
    const names = ['constructor', '__proto__', 'toString'];
    const fields = names.map((name) => field(name, 'INT64', { isNullable: true }));
    expect(stored(fields, '{}').statuses).toEqual(Uint8Array.of(2, 2, 2));
    expect(stored(fields, '{"__proto__":2,"toString":3,"constructor":1}')).toStrictEqual({
      ...nothing,
      integers: [1n, 2n, 3n],
    });
  });
});

describe('values that are stored', () => {
  it.each<[FeatureType, string, number | bigint | string]>([
    ['FP64', '0.1', 0.1],
    ['FP64', '-0', -0],
    ['FP64', '-0.0', -0],
    ['FP64', '"-0"', -0],
    ['FP64', '"NaN"', Number.NaN],
    ['FP64', '"Infinity"', Infinity],
    ['FP64', '"-Infinity"', -Infinity],
    ['FP64', '5e-324', 5e-324],
    ['FP64', '1.7976931348623157e308', Number.MAX_VALUE],
    ['FP64', '9007199254740992', 9007199254740992],
    ['FP64', '18446744073709551616', 2 ** 64],
    ['FP32', '0.1', 0.10000000149011612],
    ['FP32', '0.10000000149011612', 0.10000000149011612],
    ['FP32', '0.123456789', 0.12345679104328156],
    ['FP32', '16777216', 16777216],
    ['FP32', '3.4028235e38', 3.4028234663852886e38],
    ['FP32', '1e-45', 1.401298464324817e-45],
    ['FP32', '"NaN"', Number.NaN],
    ['FP32', '"-Infinity"', -Infinity],
    ['FP32', '-0', -0],
    ['FP32', '18446744073709551616', 2 ** 64],
    ['INT64', '0', 0n],
    ['INT64', '1.0', 1n],
    ['INT64', '9223372036854775807', 9223372036854775807n],
    ['INT64', '"-9223372036854775808"', -9223372036854775808n],
    ['INT64', '"9007199254740993"', 9007199254740993n],
    ['BOOL', 'true', 1n],
    ['BOOL', 'false', 0n],
    ['STRING', '""', ''],
    ['STRING', '"NaN"', 'NaN'],
    ['STRING', '"\\ud83d\\ude00\\t\\\\"', '😀\t\\'],
    ['TIMESTAMP', '"1969-12-31T23:59:59.999999Z"', -1n],
  ])('keeps the %s %s exactly', (type, json, value) => {
    const { numbers, integers, texts } = stored([field('x', type)], `{"x":${json}}`);
    expect([...numbers, ...integers, ...texts]).toStrictEqual([value]);
  });
});

describe('reading stored rows', () => {
  const fields = [field('a', 'FP64'), field('b', 'BOOL')];
  const codec = compileFeatureCodec(fields);
  const row: EncodedFeatures = { ...nothing, numbers: [1], integers: [0n] };

  it('shows an erased value as erased', () => {
    const erased = { ...row, numbers: [null], statuses: Uint8Array.of(6, 0) };
    expect(codec.decode(erased)).toEqual([
      { field: fields[0], status: 'ERASED', value: null, observedAt: null },
      { field: fields[1], status: 'PRESENT', value: false, observedAt: null },
    ]);
  });

  it.each<[Partial<EncodedFeatures>, string]>([
    [{ numbers: [] }, 'The stored row has 0 numbers where its feature schema has 1'],
    [{ integers: [0n, 1n] }, 'The stored row has 2 integers where its feature schema has 1'],
    [{ texts: ['x'] }, 'The stored row has 1 texts where its feature schema has 0'],
    [
      { statuses: Uint8Array.of(0) },
      'The stored row has 1 statuses where its feature schema has 2',
    ],
    [{ observedAt: [1n] }, 'The stored row has 1 observedAt where its feature schema has 2'],
    [{ statuses: Uint8Array.of(9, 0) }, 'The stored status of a is 9, which is none'],
    [{ numbers: [null] }, 'The stored value of a is null, yet marked present'],
    [{ integers: [2n] }, 'The stored value of b is 2, which is no BOOL'],
  ])('refuses a row that does not fit: %o', (change, message) => {
    expect(() => codec.decode({ ...row, ...change })).toThrow(new FeatureLayoutError(message));
  });
});

describe('any record of any schema', () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true });
  const single = fc.float({ noNaN: true, noDefaultInfinity: true });
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const text = fc.string({ unit: 'binary' }).filter((value) => !/[\0\p{Surrogate}]/u.test(value));
  const special = fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0');
  const scalar: Readonly<Record<FeatureType, fc.Arbitrary<readonly [ExactJson, string]>>> = {
    FP64: fc.oneof(
      double.map((x) => [x, lexical('FP64', x)] as const),
      special.map((x) => [x, x] as const),
    ),
    FP32: fc.oneof(
      single.map((x) => [x, lexical('FP32', x)] as const),
      special.map((x) => [x, x] as const),
    ),
    INT64: int64.map((x) => [Number.isSafeInteger(Number(x)) ? Number(x) : x, String(x)] as const),
    BOOL: fc.boolean().map((x) => [x, String(x)] as const),
    STRING: text.map((x) => [x, x] as const),
    TIMESTAMP: fc
      .integer({ min: -(10 ** 15), max: 10 ** 15 })
      .map((x) => lexical('TIMESTAMP', x))
      .map((x) => [x, x] as const),
  };
  const types = fc.constantFrom<FeatureType>(
    'FP64',
    'FP32',
    'INT64',
    'BOOL',
    'STRING',
    'TIMESTAMP',
  );
  const feature = types.chain((type) =>
    fc.record({
      type: fc.constant(type),
      state: fc.constantFrom('PRESENT', 'NULL', 'MISSING', 'DEFAULTED'),
      shape: fc.constantFrom([], [3], [2, 2]),
      values: fc.array(scalar[type], { minLength: 4, maxLength: 4 }),
    }),
  );

  it('is read back exactly as it was sent', () => {
    fc.assert(
      fc.property(fc.array(feature, { maxLength: 12 }), (features) => {
        const fields = features.map(({ type, shape }, i) =>
          field(`f${i}`, type, { shape, isNullable: true }),
        );
        const record: Record<string, ExactJson> = {};
        const expected = features.map(({ state, shape, values }, i) => {
          const used = values.slice(
            0,
            shape.reduce((a, b) => a * b, 1),
          );
          const flat = used.map(([sent]) => sent);
          const value = shape.length === 0 ? (flat[0] ?? null) : flat;
          if (state === 'PRESENT') record[`f${i}`] = value;
          if (state === 'NULL') record[`f${i}`] = null;
          if (state === 'DEFAULTED') record[`f${i}`] = { value, status: 'DEFAULTED' };
          return [
            state,
            state === 'PRESENT' || state === 'DEFAULTED' ? used.map(([, t]) => t) : [],
          ];
        });
        const codec = compileFeatureCodec(fields);
        const encoded = codec.encode(record, { undeclared: 'reject' });
        if ('length' in encoded) throw new Error(JSON.stringify(encoded));
        const actual = codec
          .decode(encoded)
          .map(({ field: { type }, status, value }) => [
            status,
            value === null
              ? []
              : (typeof value === 'object' ? value : [value]).map((v) =>
                  v === null ? null : lexical(type, v),
                ),
          ]);
        expect(actual).toEqual(expected);
      }),
    );
  });
});
