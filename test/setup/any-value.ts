import {
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';
import type { Random } from './random.ts';

/** A value as text of a GraphQL document and as JSON of its variables. */
export interface AnyValue {
  readonly literal: string;
  readonly json: string;
}

/** Values that something on record has, for each scalar; they are mixed with others. */
export type Pools = Readonly<Record<string, readonly string[]>>;

const both = (text: string): AnyValue => ({ literal: text, json: text });
const quoted = (text: string): AnyValue => both(JSON.stringify(text));

const NUMBERS: readonly string[] = [
  ...['0', '1', '2', '3', '5', '-1', '-0', '50', '200', '201', '1000', '2147483647', '2147483648'],
  ...[
    '0.5',
    '1.5',
    '1e3',
    '-1e-7',
    '1e308',
    '5e-324',
    '9007199254740993',
    '123456789012345678901234567890',
  ],
];
const TEXTS: readonly string[] = [
  ...[
    '',
    ' ',
    'a',
    '%',
    '_',
    '\\',
    "'",
    '"',
    '\u0000',
    '\ud800',
    '\ufeff',
    '😀',
    'NaN',
    '0',
    '-1',
    'null',
  ],
  ...[
    'constructor',
    '__proto__',
    'a/b',
    'x@1.0.0',
    'Tm9kZTox',
    'TW9kZWxWZXJzaW9uOi0x',
    '2026-02-01T12:00:00Z',
  ],
  ...['TW9kZWxWZXJzaW9uOjk5OTk5OTk5OTk5OTk5OTk5OTk=', 'ü'.repeat(600), 'x'.repeat(3000)],
];
const OWN: Readonly<Record<string, readonly string[]>> = {
  DateTime: [
    ...['2026-01-01T00:00:00Z', '2026-02-01T12:00:00.123456Z', '2026-02-02T00:00:00+02:00'],
    ...[
      '2026-03-01T00:00:00Z',
      '1685-01-01T00:00:00Z',
      '2254-12-31T23:59:59.999999Z',
      '1970-01-01T00:00:00Z',
    ],
  ],
  Digest: [`sha256:${'0'.repeat(64)}`, `sha256:${'f'.repeat(64)}`],
  SemVer: ['1.0.0', '0.0.1-rc.1', '1.0.0+build'],
  URL: ['https://example.org/a', 'urn:x', 'file:///etc/passwd'],
  GitObjectID: ['0'.repeat(40), 'a'.repeat(64)],
  BigInt: ['0', '-1', '9223372036854775808', '9'.repeat(100)],
};
/** What no database holds, also where cursors and IDs carry it. */
const UNSTORABLE: readonly string[] = [
  '\u0000',
  'x\u0000y',
  '\ud800',
  Buffer.from(JSON.stringify(['a\u0000', 'b'])).toString('base64url'),
  Buffer.from('Endpoint:\u0000').toString('base64'),
];
const NUMERIC = new Set(['Int', 'Float', 'SafeInt']);
const SMALL: readonly string[] = ['0', '1', '2', '3', '4', '5'];

const nonsense = (random: Random): AnyValue =>
  random.pick([
    () => both(random.pick(NUMBERS)),
    () => quoted(random.pick(TEXTS)),
    () => both('null'),
    () => both('true'),
    () => both('[]'),
    () => both('[1, null, "x"]'),
    () => ({ literal: '{a: 1}', json: '{"a":1}' }),
    () => ({ literal: 'NOWHERE', json: '"NOWHERE"' }),
    () => ({ literal: '{}', json: '{}' }),
  ])();

const scalar = (name: string, random: Random, pools: Pools): AnyValue => {
  if (NUMERIC.has(name)) return both(random.pick(random.isOneIn(4) ? NUMBERS : SMALL));
  if (name === 'Boolean') return both(random.pick(['true', 'false']));
  if (name === 'JSON') return nonsense(random);
  if (random.isOneIn(12)) return quoted(random.pick(UNSTORABLE));
  const pool = [...(pools[name] ?? []), ...(OWN[name] ?? [])];
  return quoted(random.pick(pool.length === 0 || random.isOneIn(6) ? TEXTS : pool));
};

/** A value of a type, mostly: now and then one of another. */
export const anyValue = (
  type: GraphQLInputType,
  random: Random,
  pools: Pools,
  depth = 4,
): AnyValue => {
  if (random.isOneIn(25)) return nonsense(random);
  if (isNonNullType(type)) return anyValue(type.ofType, random, pools, depth);
  if (isListType(type)) {
    const items = Array.from({ length: random.below(4) }, () =>
      anyValue(type.ofType, random, pools, depth),
    );
    return {
      literal: `[${items.map(({ literal }) => literal).join(', ')}]`,
      json: `[${items.map(({ json }) => json).join(',')}]`,
    };
  }
  if (isEnumType(type)) {
    const { name } = random.pick(type.getValues());
    return { literal: name, json: JSON.stringify(name) };
  }
  if (!isInputObjectType(type)) return scalar(type.name, random, pools);
  const all = Object.values(type.getFields());
  const chosen =
    type.isOneOf && !random.isOneIn(12)
      ? [random.pick(all)]
      : all.filter((field) =>
          isRequiredInputField(field) ? !random.isOneIn(40) : depth > 0 && random.isOneIn(3),
        );
  const members = chosen.map(({ name, type: inner }) => ({
    name,
    value: anyValue(inner, random, pools, depth - 1),
  }));
  return {
    literal: `{${members.map(({ name, value }) => `${name}: ${value.literal}`).join(', ')}}`,
    json: `{${members.map(({ name, value }) => `${JSON.stringify(name)}:${value.json}`).join(',')}}`,
  };
};
