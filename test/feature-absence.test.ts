import { describe, expect, it } from 'vitest';
import { isStale } from '../src/prediction/feature-status.ts';
import { encode, field, nothing, read, stored } from './feature-fixture.ts';

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
