import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { knownPatterns, patternOf } from '../src/prediction/known-patterns.ts';
import { preparePredictions } from '../src/prediction/prepare-predictions.ts';
import { rawLine } from '../src/prediction/raw-line.ts';
import { latestTime } from '../src/prediction/record-members.ts';
import { field } from './feature-fixture.ts';
import { unique, useTestDatabase } from './setup/database.ts';
import { openServing, rawLines } from './setup/ingest.ts';

const database = await useTestDatabase();
const { endpoint, version } = await openServing(
  { database },
  [
    field('double', 'FP64', { isNullable: true }),
    field('single', 'FP32', { isNullable: true }),
    field('count', 'INT64', { isNullable: true }),
    field('flag', 'BOOL', { isNullable: true }),
    field('at', 'TIMESTAMP', { isNullable: true }),
    field('name', 'STRING', { isNullable: true }),
    field('kind', 'STRING', { categories: ['a', 'ü'] }),
    field('vector', 'FP32', { shape: [2], isNullable: true }),
    field('late', 'FP64', { defaultValue: '1' }),
  ],
  {},
);

/** The same database, without the patterns that were learnt on it. */
const unlearned = (): Database => ({ ...database });

/** What becomes of lines: their rows up to the salt, and what is refused. */
const prepared = async (on: Database, lines: readonly string[]) => {
  const { staged, rejected, rows } = await preparePredictions(on, rawLines(lines), {});
  const text = rows.writer.bytes.toString('utf8', 0, rows.writer.length);
  const written = text.split('\n').map((row) => row.split('\t').slice(0, -3).join('\t'));
  const stored = staged.map(({ raw, ...prediction }, index) => ({
    line: raw.line,
    ...prediction,
    row: written[index],
  }));
  return {
    stored: stored.sort((one, other) => one.line - other.line),
    rejected: rejected.map(({ raw, ...rest }) => ({ line: raw.line, ...rest })),
    hours: [...rows.hours.byKey.values()].sort((one, other) => one.hour - other.hour),
  };
};

const names = {
  compact: { colon: ':', comma: ',' },
  python: { colon: ': ', comma: ', ' },
};

type Style = keyof typeof names;

const PLAIN = {
  requestId: '"r-1"',
  item: '0',
  occurredAt: '"2026-04-03T14:03:27.123456Z"',
  entityKey: '"e"',
  traceId: '"t"',
  double: '1.5',
  single: '0.1',
  count: '7',
  flag: 'true',
  at: '"2026-04-03T14:03:27Z"',
  name: '"n"',
  kind: '"a"',
  vector: '[1,2.5]',
  late: '2',
  score: '0.25',
  label: '"YES"',
  leaf: '0.5',
  latencyMs: '2.5',
};

type Tokens = typeof PLAIN;

/** A line in which each value is the JSON text given. */
const lineOf = (tokens: Partial<Tokens>, style: Style = 'compact'): string => {
  const { colon, comma } = names[style];
  const {
    requestId,
    item,
    occurredAt,
    entityKey,
    traceId,
    score,
    label,
    leaf,
    latencyMs,
    ...features
  } = {
    ...PLAIN,
    ...tokens,
  };
  const object = (members: Readonly<Record<string, string>>): string =>
    `{${Object.entries(members)
      .map(([name, value]) => `${JSON.stringify(name)}${colon}${value}`)
      .join(comma)}}`;
  return object({
    requestId,
    item,
    occurredAt,
    endpoint: object({ name: `"${endpoint.name}"`, environment: `"${endpoint.environment}"` }),
    modelVersion: `"${version.digest}"`,
    entityKey,
    traceId,
    features: object(features),
    score,
    label,
    output: object({ z: leaf, 'ä "q"': `[${leaf}${comma}"x"${comma}null]`, a: '{}' }),
    latencyMs,
  });
};

const learned = async (style: Style): Promise<Database> => {
  const on = unlearned();
  await prepared(on, [lineOf({}, style)]);
  return on;
};

const isRead = (on: Database, line: string): boolean =>
  patternOf(knownPatterns(on), rawLine(1, Buffer.from(line)), latestTime()) !== null;

const oddNumber = fc.constantFrom(
  ...[
    '0',
    '-0',
    '-0.0',
    '0.0',
    '1.50',
    '1e2',
    '1E-7',
    '1e-300',
    '1e999',
    '0.000001',
    '0.0000001',
    '-12.25',
    '01',
    '1.',
  ],
  ...[
    '123456789012345',
    '1234567890123456',
    '9007199254740993',
    '0.08145064115524292',
    '0.1234567890123456789',
  ],
  ...[
    '16777217',
    '3.4028236e38',
    '0.123456789012',
    '1e-46',
    '2e0',
    '100000000000000000000',
    '1e20',
    '.5',
    '-',
    '+1',
  ],
  ...[`0.${'0'.repeat(330)}1`, '4.9e-324', '1.7976931348623157e308', '5e-324', '12345678.5'],
);
const odd = fc.constantFrom(
  ...[
    'null',
    'true',
    'false',
    '{}',
    '[]',
    '[1,2]',
    '[1, 2]',
    '[1,null]',
    '[[1,2]]',
    '""',
    '"NaN"',
    '"-0"',
    '"Infinity"',
  ],
  ...[
    '"-Infinity"',
    '"a"',
    '"ü"',
    '"a\\tb"',
    '"\\u0000"',
    '"\\ud800"',
    '"it\'s {1,2}"',
    '"\u2028"',
    '"\u007f"',
    'nul',
    '"',
  ],
  ...[
    '{"value":1}',
    '{"value":null}',
    '{"value": 1, "observedAt": "2026-04-03T14:00:00Z"}',
    '{"value":"a"}',
  ],
  ...[
    '{"value":2,"observedAt":"2026-04-03T14:00:00.5Z"}',
    '{"value":1,"status":"STALE"}',
    '{"observedAt":null,"value":1}',
  ],
  ...[
    '{"value":[1,2],"observedAt":"1960-01-01T00:00:00.000001Z"}',
    '{"value":1,"observedAt":"2026-02-30T00:00:00Z"}',
  ],
  ...[
    '"2026-04-03T14:03:27+02:00"',
    '"2026-04-03T14:03:27.123000Z"',
    '"2026-04-03T14:03:27.1234567Z"',
    '"2026-04-03"',
  ],
  ...[
    '"2026-02-29T00:00:00Z"',
    '"2026-04-03T24:00:00Z"',
    '"1969-12-31T23:59:59Z"',
    '"2999-01-01T00:00:00Z"',
    `"${'x'.repeat(1025)}"`,
  ],
  ...[`"${'ü'.repeat(513)}"`, `"${'ü'.repeat(512)}"`, '2147483648', '2147483647'],
);
const token = fc.oneof(
  odd,
  oddNumber,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.maxSafeInteger().map(String),
  fc.string({ unit: 'binary' }).map((value) => JSON.stringify(value)),
);
const members = Object.keys(PLAIN) as (keyof Tokens)[];
/** A line of which one or two values are anything. */
const line = fc
  .tuple(
    fc.constantFrom<Style>('compact', 'python'),
    fc.array(fc.tuple(fc.constantFrom(...members), token), { minLength: 1, maxLength: 2 }),
  )
  .map(([style, values]) => lineOf(Object.fromEntries(values), style));

describe('a line like an earlier one', () => {
  it('becomes the row, digest and count that reading it in full gives, or is refused for the same reasons', async () => {
    const on = unlearned();
    await prepared(on, [lineOf({}), lineOf({}, 'python')]);
    expect(knownPatterns(on)).toHaveLength(2);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 40, maxLength: 60 }), async (lines) => {
        expect(await prepared(on, lines)).toEqual(await prepared(unlearned(), lines));
      }),
      { numRuns: 20 },
    );
  });

  it.each<[string, Partial<Tokens>]>([
    [
      'other plain values',
      { requestId: '"r-2"', double: '-12.25', count: '-3', flag: 'false', label: '"NÖ"' },
    ],
    [
      'doubles to the last digit',
      { score: '0.08145064115524292', double: '1e-7', leaf: '3.2e-05' },
    ],
    ['numbers that JSON lacks', { score: '"NaN"', double: '"-Infinity"', vector: '["-0","NaN"]' }],
    [
      'nulls',
      { double: 'null', vector: 'null', name: 'null', score: 'null', label: 'null', leaf: 'null' },
    ],
    ['times of observation', { single: '{"value":0.1,"observedAt":"2026-04-03T13:00:00Z"}' }],
  ])('is read by its pattern with %s', async (_, tokens) => {
    for (const style of ['compact', 'python'] as const) {
      const on = await learned(style);
      const text = lineOf(tokens, style);
      expect(isRead(on, text)).toBe(true);
      expect(await prepared(on, [text])).toEqual(await prepared(unlearned(), [text]));
    }
  });

  it('is not read by a pattern when it has other members, order or white space', async () => {
    const on = await learned('compact');
    expect(isRead(on, lineOf({}, 'python'))).toBe(false);
    expect(isRead(on, lineOf({}).replace('"item":0,', ''))).toBe(false);
    expect(isRead(on, lineOf({}).replace('"item":0,', '"item":0,"item":0,'))).toBe(false);
    expect(isRead(on, `${lineOf({})} `)).toBe(false);
  });

  it('keeps its place: the first of two that say different things stands', async () => {
    const on = await learned('compact');
    const requestId = JSON.stringify(unique('place'));
    const lines = [
      lineOf({ requestId, label: '"\\u0041"' }),
      lineOf({ requestId, label: '"B"' }),
      lineOf({ requestId, label: '"A"' }),
    ];
    expect(lines.map((text) => isRead(on, text))).toEqual([false, true, true]);
    const { results, stored } = await appendPredictions(on, rawLines(lines));
    expect(stored).toBe(1);
    expect(results.map(({ line: place, status }) => [place, status])).toEqual([
      [2, 'CONFLICT'],
      [3, 'DUPLICATE'],
    ]);
  });
});
