import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureType } from '../src/evidence/feature-field.ts';
import { digestOf } from '../src/platform/canonical-json.ts';
import { featuresDigest, lexical, shortestFp32 } from '../src/prediction/feature-lexical.ts';
import { field, read } from './feature-fixture.ts';

describe('lexical form', () => {
  it.each<[FeatureType, number | bigint | boolean | string, string]>([
    ['FP64', 0.1, '0.1'],
    ['FP64', Math.fround(0.1), '0.10000000149011612'],
    ['FP64', -0, '-0'],
    ['FP64', Number.NaN, 'NaN'],
    ['FP64', -Infinity, '-Infinity'],
    ['FP64', 1e21, '1e+21'],
    ['FP32', Math.fround(0.1), '0.1'],
    ['FP32', Math.fround(16777217), '16777216'],
    ['FP32', 2 ** -149, '1e-45'],
    ['FP32', 3.4028234663852886e38, '3.4028235e+38'],
    ['FP32', 2 ** -96, '1.2621775e-29'],
    ['FP32', -(2 ** 90), '-1.2379401e+27'],
    ['FP32', -0, '-0'],
    ['FP32', Infinity, 'Infinity'],
    ['INT64', 9223372036854775807n, '9223372036854775807'],
    ['BOOL', true, 'true'],
    ['STRING', '1.0', '1.0'],
    ['TIMESTAMP', -1, '1969-12-31T23:59:59.999999Z'],
  ])('of %s %s is %s', (type, value, text) => {
    expect(lexical(type, value)).toBe(text);
  });

  it('of FP32 reads back as the same value, with no shorter nearest text', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = lexical('FP32', value);
        expect(Math.fround(Number(text))).toBe(value);
        for (let precision = 1; precision <= 9; precision += 1) {
          const shorter = Number(value.toPrecision(precision));
          if (Math.fround(shorter) !== value) continue;
          expect(String(shorter).length).toBeGreaterThanOrEqual(String(shortestFp32(value)).length);
          break;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('digest of the features', () => {
  const fields = [
    field('a', 'FP32'),
    field('b', 'INT64', { isNullable: true }),
    field('c', 'FP64', { shape: [2], isNullable: true }),
    field('d', 'STRING'),
  ];

  it('is over canonical JSON of names, types, statuses and lexical values', () => {
    const readings = read(fields, '{"d":"é\\u001f\\"","c":[-0,null],"a":0.1}');
    expect(featuresDigest(readings)).toBe(
      digestOf([
        ['a', 'FP32', 'PRESENT', '0.1'],
        ['b', 'INT64', 'MISSING'],
        ['c', 'FP64', 'PRESENT', '-0', null],
        ['d', 'STRING', 'PRESENT', 'é\u001f"'],
      ]),
    );
  });

  it('tells apart what differs only in sign of zero or in absence', () => {
    const digests = [
      '{"a":0,"b":null,"c":[0,0],"d":""}',
      '{"a":-0,"b":null,"c":[0,0],"d":""}',
      '{"a":0,"c":[0,0],"d":""}',
      '{"a":0,"b":0,"c":[0,0],"d":""}',
    ].map((json) => featuresDigest(read(fields, json)));
    expect(new Set(digests).size).toBe(4);
  });
});
