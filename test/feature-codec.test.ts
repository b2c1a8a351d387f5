import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureFieldDefinition, FeatureType } from '../src/evidence/feature-field.ts';
import { digestOf } from '../src/platform/canonical-json.ts';
import { type ExactJson, parseExactJson } from '../src/platform/exact-json.ts';
import { compileFeatureCodec } from '../src/prediction/feature-codec.ts';
import { FeatureLayoutError, type FeatureReading } from '../src/prediction/feature-decode.ts';
import type { FeatureIssue } from '../src/prediction/feature-issue.ts';
import type { EncodedFeatures } from '../src/prediction/feature-layout.ts';
import { featuresDigest, lexical, shortestFp32 } from '../src/prediction/feature-lexical.ts';
import { isStale } from '../src/prediction/feature-status.ts';

const field = (
  name: string,
  type: FeatureType,
  more: Partial<FeatureFieldDefinition> = {},
): FeatureFieldDefinition => ({
  name,
  type,
  position: 0,
  isNullable: false,
  shape: [],
  categories: null,
  defaultValue: null,
  maxAgeSeconds: null,
  isSensitive: false,
  description: null,
  transformations: [],
  ...more,
});

const encode = (
  fields: readonly FeatureFieldDefinition[],
  json: string,
  undeclared: 'reject' | 'keep' = 'reject',
): EncodedFeatures | FeatureIssue[] =>
  compileFeatureCodec(fields).encode(parseExactJson(json), { undeclared });

const stored = (
  fields: readonly FeatureFieldDefinition[],
  json: string,
  undeclared: 'reject' | 'keep' = 'reject',
): EncodedFeatures => {
  const encoded = encode(fields, json, undeclared);
  if ('length' in encoded) throw new Error(JSON.stringify(encoded));
  return encoded;
};

const read = (fields: readonly FeatureFieldDefinition[], json: string): FeatureReading[] =>
  compileFeatureCodec(fields).decode(stored(fields, json));

const nothing: EncodedFeatures = {
  numbers: [],
  integers: [],
  texts: [],
  statuses: null,
  observedAt: [],
  undeclared: null,
};

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

  it('refuses an integer of 400 digits as any number', () => {
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

describe('values that are not there', () => {
  const fields = [
    field('required', 'FP64'),
    field('nullable', 'INT64', { isNullable: true }),
    field('defaulted', 'STRING', { defaultValue: '"none"' }),
    field('vector', 'FP64', { isNullable: true, shape: [2] }),
  ];

  it('tells null from missing', () => {
    const json = '{"required":1,"nullable":null}';
    expect(stored(fields, json)).toStrictEqual({
      ...nothing,
      numbers: [1, null, null],
      integers: [null],
      texts: [null],
      statuses: Uint8Array.of(0, 1, 2, 2),
    });
    expect(read(fields, json).map(({ status, value }) => [status, value])).toEqual([
      ['PRESENT', 1],
      ['NULL', null],
      ['MISSING', null],
      ['MISSING', null],
    ]);
  });

  it('refuses an absent or null required feature', () => {
    expect(encode(fields, '{"defaulted":null}')).toEqual([
      {
        code: 'MISSING_FEATURE',
        path: 'features.required',
        value: '',
        message:
          'features.required is missing, and the schema requires it; send it, or declare it nullable or with a default',
      },
      {
        code: 'MISSING_FEATURE',
        path: 'features.defaulted',
        value: 'null',
        message:
          'features.defaulted is null, and the schema requires a value; send one, or declare the feature nullable',
      },
    ]);
  });

  it('keeps what the log says about defaults: the value given, else the declared one', () => {
    const declared = read(fields, '{"required":1,"defaulted":{"status":"DEFAULTED"}}');
    expect(declared[2]).toMatchObject({ status: 'DEFAULTED', value: 'none' });
    const given = read(fields, '{"required":1,"defaulted":{"status":"DEFAULTED","value":"other"}}');
    expect(given[2]).toMatchObject({ status: 'DEFAULTED', value: 'other' });
    const toNull = read(fields, '{"required":1,"nullable":{"status":"DEFAULTED","value":null}}');
    expect(toNull[1]).toMatchObject({ status: 'DEFAULTED', value: null });
    expect(encode(fields, '{"required":{"status":"DEFAULTED"}}')).toMatchObject([
      {
        code: 'MISSING_FEATURE',
        path: 'features.required',
        message:
          'features.required is missing, yet marked DEFAULTED, and the schema declares no default; send the value that the model received',
      },
    ]);
  });
});

describe('the wrapped form', () => {
  const fields = [
    field('a', 'FP64', { isNullable: true }),
    field('b', 'FP64', { isNullable: true }),
  ];

  it.each<[string, string, number | null]>([
    ['{"value":1}', 'PRESENT', 1],
    ['{"value":1,"status":"PRESENT"}', 'PRESENT', 1],
    ['{"value":1,"status":"STALE"}', 'PRESENT', 1],
    ['{"value":null}', 'NULL', null],
    ['{"value":null,"status":"NULL"}', 'NULL', null],
    ['{"status":"NULL"}', 'NULL', null],
    ['{"status":"MISSING"}', 'MISSING', null],
    ['{"value":null,"status":"MISSING"}', 'MISSING', null],
    ['{"value":1,"observedAt":null}', 'PRESENT', 1],
  ])('reads %s as %s', (json, status, value) => {
    expect(read(fields, `{"b":0,"a":${json}}`)[0]).toMatchObject({
      status,
      value,
      observedAt: null,
    });
  });

  it('keeps when each value was observed', () => {
    const json = '{"a":0,"b":{"value":1,"observedAt":"1970-01-01T01:00:00.000001+01:00"}}';
    expect(stored(fields, json)).toStrictEqual({
      ...nothing,
      numbers: [0, 1],
      observedAt: [null, 1n],
    });
    expect(read(fields, json).map(({ observedAt }) => observedAt)).toEqual([null, 1]);
  });

  it.each([
    [
      '{}',
      '.status',
      'WRONG_TYPE',
      'features.a.status is missing, and so is the value; send either',
    ],
    [
      '{"value":1,"status":"NULL"}',
      '.status',
      'WRONG_TYPE',
      'features.a.status is "NULL", but there is a value; leave it out, or send the status that fits',
    ],
    [
      '{"value":1,"status":"MISSING"}',
      '.status',
      'WRONG_TYPE',
      'features.a.status is "MISSING", but there is a value; leave it out, or send the status that fits',
    ],
    [
      '{"value":null,"status":"STALE"}',
      '.status',
      'WRONG_TYPE',
      'features.a.status is "STALE", but there is no value; send the value, or the status that fits',
    ],
    [
      '{"value":1,"status":"ERASED"}',
      '.status',
      'WRONG_TYPE',
      'features.a.status is "ERASED", which is no status; send "PRESENT", "NULL", "MISSING", "DEFAULTED" or "STALE"',
    ],
    [
      '{"value":1,"age":5}',
      '.age',
      'WRONG_TYPE',
      'features.a.age is 5, but an object may only have the keys "value", "observedAt" and "status"',
    ],
    [
      '{"value":1,"observedAt":"yesterday"}',
      '.observedAt',
      'INVALID_TIME',
      'features.a.observedAt is "yesterday", but "yesterday" is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z',
    ],
    [
      '{"value":1,"observedAt":0}',
      '.observedAt',
      'INVALID_TIME',
      'features.a.observedAt is 0, which is not a time; write an RFC 3339 string such as "2026-04-03T14:03:27.123456Z"',
    ],
    [
      '{"value":{"value":1}}',
      '',
      'WRONG_TYPE',
      'features.a is {"value":1}, which is not a number; write a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"',
    ],
  ])('refuses %s', (json, place, code, message) => {
    expect(encode(fields, `{"b":0,"a":${json}}`)).toMatchObject([
      { code, path: `features.a${place}`, message },
    ]);
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

describe('staleness', () => {
  it.each([
    [60, 0, 60_000_000, false],
    [60, 0, 60_000_001, true],
    [60, 5, 0, false],
    [null, 0, 60_000_001, false],
    [60, null, 60_000_001, false],
  ])(
    'with maximum age %s, observed at %s, used at %s is %s',
    (maxAgeSeconds, observedAt, occurredAt, stale) => {
      expect(isStale({ maxAgeSeconds }, observedAt, occurredAt)).toBe(stale);
    },
  );
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
