import { describe, expect, it } from 'vitest';
import type { FeatureType } from '../src/evidence/feature-field.ts';
import { encode, field, nothing, stored } from './feature-fixture.ts';

describe('values that are refused', () => {
  const NUMBER =
    'which is not a number; write a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"';
  const INTEGER =
    'which is not an integer; write a JSON integer, or a string of its decimal digits';
  const INT64 =
    'which is outside INT64, -9223372036854775808 to 9223372036854775807; declare the feature FP64 or STRING';
  const FP32_MAX =
    'which is beyond the largest FP32, 3.4028235e+38; write "Infinity" if that is what the model saw, or declare the feature FP64';
  const REQUIRED = 'and the schema requires a value; send one, or declare the feature nullable';
  it.each<[FeatureType, string, string, string]>([
    ['FP64', '"abc"', 'WRONG_TYPE', NUMBER],
    ['FP64', '"1.5"', 'WRONG_TYPE', NUMBER],
    ['FP64', '"nan"', 'WRONG_TYPE', NUMBER],
    ['FP64', 'true', 'WRONG_TYPE', NUMBER],
    ['FP64', '[1]', 'WRONG_TYPE', NUMBER],
    ['FP64', 'null', 'MISSING_FEATURE', REQUIRED],
    [
      'FP64',
      '9007199254740993',
      'NOT_REPRESENTABLE',
      'which FP64 does not hold exactly; write the nearest, 9.007199254740992e+15, or declare the feature INT64',
    ],
    ['FP32', '1e+39', 'NOT_REPRESENTABLE', FP32_MAX],
    ['FP32', '-3.4028236e+38', 'NOT_REPRESENTABLE', FP32_MAX],
    [
      'FP32',
      '1000000000000000000001',
      'NOT_REPRESENTABLE',
      'which FP32 does not hold exactly; write the nearest, 1e+21, or declare the feature FP64',
    ],
    [
      'FP32',
      '1e-46',
      'NOT_REPRESENTABLE',
      'which is smaller than the smallest FP32, 1e-45; write 0 if that is what the model saw, or declare the feature FP64',
    ],
    [
      'FP32',
      '0.1234567891',
      'NOT_REPRESENTABLE',
      'which FP32 does not hold exactly; write the nearest, 0.12345679, or declare the feature FP64',
    ],
    [
      'FP32',
      '1234567891',
      'NOT_REPRESENTABLE',
      'which FP32 does not hold exactly; write the nearest, 1234568000, or declare the feature FP64',
    ],
    [
      'FP32',
      '9007199254740993',
      'NOT_REPRESENTABLE',
      'which FP32 does not hold exactly; write the nearest, 9007199000000000, or declare the feature FP64',
    ],
    [
      'INT64',
      '1.5',
      'NOT_REPRESENTABLE',
      'which is not an integer; round it or declare the feature FP64',
    ],
    ['INT64', '-0', 'NOT_REPRESENTABLE', 'which INT64 does not hold; write 0'],
    [
      'INT64',
      '1e+17',
      'NOT_REPRESENTABLE',
      'which may have lost digits; write all digits of the integer',
    ],
    ['INT64', '1e+20', 'NOT_REPRESENTABLE', INT64],
    ['INT64', '9223372036854775808', 'NOT_REPRESENTABLE', INT64],
    ['INT64', '"-9223372036854775809"', 'NOT_REPRESENTABLE', INT64],
    ['INT64', '"123456789012345678901234567890"', 'NOT_REPRESENTABLE', INT64],
    ['INT64', '"1.0"', 'WRONG_TYPE', INTEGER],
    ['INT64', '"-0"', 'WRONG_TYPE', INTEGER],
    ['INT64', '"007"', 'WRONG_TYPE', INTEGER],
    ['INT64', '""', 'WRONG_TYPE', INTEGER],
    ['INT64', 'false', 'WRONG_TYPE', INTEGER],
    ['BOOL', '1', 'WRONG_TYPE', 'which is not a boolean; write true or false'],
    ['BOOL', '"true"', 'WRONG_TYPE', 'which is not a boolean; write true or false'],
    ['STRING', '1', 'WRONG_TYPE', 'which is not a string; put it in quotes'],
    [
      'STRING',
      '"a\\u0000"',
      'INVALID_TEXT',
      'which contains U+0000, which no stored text may hold; remove it',
    ],
    [
      'STRING',
      '"\\ud800a"',
      'INVALID_TEXT',
      'which contains half of a surrogate pair, which is not Unicode; send both halves or neither',
    ],
    [
      'TIMESTAMP',
      '1775217600',
      'WRONG_TYPE',
      'which is not a time; write an RFC 3339 string such as "2026-04-03T14:03:27.123456Z"',
    ],
    [
      'TIMESTAMP',
      '"2026-02-30T00:00:00Z"',
      'INVALID_TIME',
      'but "2026-02-30T00:00:00Z" names a day, time or offset that does not exist',
    ],
  ])('refuses the %s %s', (type, json, code, reason) => {
    const path = 'features.x';
    expect(encode([field('x', type)], `{"x":${json}}`)).toEqual([
      { code, path, value: json, message: `${path} is ${json}, ${reason}` },
    ]);
  });

  it('refuses an integer of 400 digits for every numeric type', () => {
    const digits = '9'.repeat(400);
    const codes = (['FP64', 'FP32', 'INT64'] as const).map((type) => {
      const issues = encode([field('x', type)], `{"x":${digits}}`);
      return Array.isArray(issues) ? issues.map(({ code, value }) => [code, value]) : [];
    });
    expect(codes).toEqual(Array(3).fill([['NOT_REPRESENTABLE', `${'9'.repeat(99)}…`]]));
  });

  it('enforces categories and names some of them', () => {
    const some = [field('c', 'STRING', { categories: ['a', 'b'], isNullable: true })];
    expect(stored(some, '{"c":"b"}').texts).toEqual(['b']);
    expect(stored(some, '{"c":null}').texts).toEqual([null]);
    expect(encode(some, '{"c":"z"}')).toEqual([
      {
        code: 'UNKNOWN_CATEGORY',
        path: 'features.c',
        value: '"z"',
        message:
          'features.c is "z", which is not a declared category; send "a", "b", or register a schema that declares it',
      },
    ]);
    expect(encode(some, '{"c":1}')).toMatchObject([{ code: 'WRONG_TYPE' }]);
    const many = [field('c', 'STRING', { categories: [...'abcdefg'] })];
    expect(encode(many, '{"c":"z"}')).toMatchObject([
      {
        message:
          'features.c is "z", which is not a declared category; send "a", "b", "c", "d", "e" or another of the 7 declared, or register a schema that declares it',
      },
    ]);
  });

  it('refuses undeclared features, or keeps them as exact text apart', () => {
    const fields = [field('a', 'FP64')];
    const json = '{"b":[1e-300,-0,9007199254740993,null],"a":1,"__proto__":{"value":"x"}}';
    expect(encode(fields, json)).toEqual([
      {
        code: 'UNDECLARED_FEATURE',
        path: 'features.b',
        value: '[1e-300,-0,9007199254740993,null]',
        message:
          'features.b is [1e-300,-0,9007199254740993,null], but the schema declares no such feature; leave it out, or register a schema that declares it',
      },
      {
        code: 'UNDECLARED_FEATURE',
        path: 'features.__proto__',
        value: '{"value":"x"}',
        message:
          'features.__proto__ is {"value":"x"}, but the schema declares no such feature; leave it out, or register a schema that declares it',
      },
    ]);
    expect(stored(fields, json, 'keep')).toStrictEqual({
      ...nothing,
      numbers: [1],
      undeclared: '{"b":[1e-300,-0,9007199254740993,null],"__proto__":{"value":"x"}}',
    });
  });

  it.each(['null', '[]', '1', '"x"'])('refuses %s instead of an object', (json) => {
    expect(encode([], json)).toEqual([
      {
        code: 'WRONG_TYPE',
        path: 'features',
        value: json,
        message: `features is ${json}, which is not an object; write {"<feature name>": <value>, …}`,
      },
    ]);
  });

  it('reports all issues of a record in schema order, at most 20, each value cut to 100 characters', () => {
    const fields = Array.from({ length: 15 }, (_, i) => field(`f${i}`, 'BOOL'));
    const bad = Object.fromEntries(fields.map(({ name }) => [name, `${'😀'.repeat(60)}`]));
    const extra = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`u${i}`, i]));
    const issues = encode(fields, JSON.stringify({ ...extra, ...bad }));
    if (!Array.isArray(issues)) throw new Error('accepted');
    expect(issues.map(({ path }) => path)).toEqual([
      ...fields.map(({ name }) => `features.${name}`),
      ...[0, 1, 2, 3, 4].map((i) => `features.u${i}`),
    ]);
    expect(issues[0]?.value).toBe(`"${'😀'.repeat(49)}…`);
  });
});

describe('shapes', () => {
  const matrix = [field('m', 'INT64', { shape: [2, 3], isNullable: true })];

  it.each([
    ['[[1,2,3],[4,null,6]]', [1n, 2n, 3n, 4n, null, 6n]],
    ['[1,2,3,4,null,6]', [1n, 2n, 3n, 4n, null, 6n]],
    ['{"value":[[1,2,3],[4,5,6]]}', [1n, 2n, 3n, 4n, 5n, 6n]],
    ['null', [null, null, null, null, null, null]],
  ])('reads %s row-major', (json, integers) => {
    expect(stored(matrix, `{"m":${json}}`).integers).toEqual(integers);
  });

  it.each([
    ['[1,2,3]', 'which has 3 elements; the shape [2, 3] takes nested arrays, or a flat one of 6'],
    [
      '[[1,2],[3,4],[5,6]]',
      'which is nested differently; the shape [2, 3] takes nested arrays, or a flat one of 6',
    ],
    [
      '[[1,2,3],[4,5]]',
      'which is nested differently; the shape [2, 3] takes nested arrays, or a flat one of 6',
    ],
    [
      '[[1,2,3],4,5,6]',
      'which is nested differently; the shape [2, 3] takes nested arrays, or a flat one of 6',
    ],
    ['1', 'which is not an array; the feature has the shape [2, 3]'],
  ])('refuses %s', (json, reason) => {
    expect(encode(matrix, `{"m":${json}}`)).toEqual([
      {
        code: 'WRONG_SHAPE',
        path: 'features.m',
        value: json,
        message: `features.m is ${json}, ${reason}`,
      },
    ]);
  });

  it('names the element at fault', () => {
    const paths = (json: string): string[] => {
      const issues = encode(matrix, `{"m":${json}}`);
      return Array.isArray(issues) ? issues.map(({ path }) => path) : [];
    };
    expect(paths('[[1,2,"x"],[true,5,1.5]]')).toEqual([
      'features.m[0][2]',
      'features.m[1][0]',
      'features.m[1][2]',
    ]);
    expect(paths('[1,2,3,4,5,"x"]')).toEqual(['features.m[5]']);
    expect(paths('[1,2,3,4,5,[6]]')).toEqual(['features.m[5]']);
    expect(encode([field('v', 'FP64', { shape: [3] })], '{"v":[1,null,2]}')).toEqual([
      {
        code: 'MISSING_FEATURE',
        path: 'features.v[1]',
        value: 'null',
        message:
          'features.v[1] is null, and the schema requires a value; send one, or declare the feature nullable',
      },
    ]);
    expect(
      encode(
        [field('v', 'FP64', { shape: [1000] })],
        `{"v":${JSON.stringify(new Array(1000).fill('x'))}}`,
      ),
    ).toHaveLength(20);
  });
});
