import fc from 'fast-check';

// Lines of predictions as a sender might write them, right and wrong.

/** Values as JSON text that are special to some member. */
const ODD: readonly string[] = [
  ...['null', 'true', 'false', '{}', '[]', '[1,2]', '[1, 2]', '[ 1,2]', '[1 ,2]', '[1,2 ]', '[1]'],
  ...[
    '[1,null]',
    '["NaN","-0"]',
    '[[1,2],[3,4]]',
    '[1,2,3,4]',
    '[[1,2],[3]]',
    '[null,null,null,1]',
  ],
  ...['0', '-0', '-0.0', '0.0', '1.50', '1e2', '1E-7', '1e-300', '1e999', '0.000001', '0.0000001'],
  ...[
    '-12.25',
    '01',
    '1.',
    '.5',
    '-',
    '+1',
    '1e',
    '1e+',
    '0x1',
    '1_000',
    '2147483647',
    '2147483648',
  ],
  ...['123456789012345', '1234567890123456', '9007199254740993', '0.08145064115524292', '1e-0'],
  ...['0.1234567890123456789', '16777217', '16777216', '3.4028236e38', '0.123456789012', '1e-46'],
  ...[
    '2e0',
    '100000000000000000000',
    '1e20',
    '4.9e-324',
    '2e-324',
    '1.7976931348623157e308',
    '1e22',
  ],
  ...['9223372036854775807', '-9223372036854775808', '9223372036854775808', '"12"', '"-0"', '1.0'],
  ...[
    `0.${'0'.repeat(330)}1`,
    '9'.repeat(1001),
    `1${'0'.repeat(400)}`,
    '0.1e1',
    '00',
    '-00',
    '1e00',
  ],
  ...[
    '"NaN"',
    '"Infinity"',
    '"-Infinity"',
    '"nan"',
    'NaN',
    'Infinity',
    '-Infinity',
    '""',
    '"',
    'nul',
  ],
  ...['"a"', '"ü"', '"u\u0308"', '"a\\tb"', '"a\tb"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"'],
  ...[
    '"\\u0061"',
    '"a\\/b"',
    '"\\\\N"',
    '"\\\\"',
    '"NULL"',
    '"\ufeff"',
    '"\ufeffa"',
    '"a\ufeff"',
    '"\u2028"',
    '"\u007f"',
    '"{1,2}"',
  ],
  ...['{"value":1}', '{"value":null}', '{"value":"a"}', '{ "value" : 1 }', '{"value":1,"value":2}'],
  ...['{"value":1,"status":"STALE"}', '{"status":"MISSING"}', '{"status":"NULL"}', '{"value":1 }'],
  ...[
    '{"status":"DEFAULTED"}',
    '{"value":3,"status":"DEFAULTED"}',
    '{"observedAt":null,"value":1}',
  ],
  ...['{"value": 1, "observedAt": "2026-04-03T14:00:00Z"}', '{"value":1,"observedAt":null}'],
  ...[
    '{"value":2,"observedAt":"2026-04-03T14:00:00.5Z"}',
    '{"value":1,"observedAt":"2026-02-30T00:00:00Z"}',
  ],
  ...['{"value":[1,2],"observedAt":"1960-01-01T00:00:00.000001Z"}', '{"value":{"value":1}}'],
  ...[
    '"2026-04-03T14:03:27+02:00"',
    '"2026-04-03T14:03:27.123000Z"',
    '"2026-04-03T14:03:27.1234567Z"',
  ],
  ...['"2026-04-03"', '"2026-02-29T00:00:00Z"', '"2026-04-03T24:00:00Z"', '"1969-12-31T23:59:59Z"'],
  ...[
    '"2026-04-03t14:03:27z"',
    '"2026-04-03 14:03:27.1200000Z"',
    '"2026-04-03T14:03:60Z"',
    '"1970-01-01T00:00:00Z"',
  ],
  ...[
    '"2999-01-01T00:00:00Z"',
    '"0099-01-01T00:00:00Z"',
    '"2026-04-03T14:03:27-00:00"',
    '"2026-04-03T14:03:27.000001Z"',
  ],
  ...[
    `"${'x'.repeat(1025)}"`,
    `"${'ü'.repeat(513)}"`,
    `"${'ü'.repeat(512)}"`,
    `"${'y'.repeat(201)}"`,
  ],
  ...['{"__proto__":1}', '{"constructor":1,"a":{"b":[]}}', '{"\\u0061":1,"a":2}', '{"b":1,"a":-0}'],
  ...['[1e400]', '[1e-400]', '[12345678901234567890, 0.1]', `${'['.repeat(99)}${']'.repeat(99)}`],
  ...[`${'['.repeat(101)}${']'.repeat(101)}`, `${'{"a":'.repeat(98)}1${'}'.repeat(98)}`],
];

const json = (value: unknown): string => JSON.stringify(value);

/** Any text that may stand where a value does. */
export const anyToken: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ODD) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(json) },
  { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }).map(json) },
  { weight: 1, arbitrary: fc.maxSafeInteger().map(String) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String) },
  { weight: 1, arbitrary: fc.stringMatching(/^-?\d{1,9}\.\d{1,20}(e[+-]?\d{1,3})?$/) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map(json) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map(json) },
);

const anyNumber = fc.oneof(
  fc.constantFrom(...ODD.filter((text) => /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text))),
  fc.constantFrom('"NaN"', '"Infinity"', '"-Infinity"', '"-0"', 'null'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(json),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map(json),
  fc.stringMatching(/^-?(0|[1-9]\d{0,8})\.\d{1,17}(e[+-]?\d{1,2})?$/),
  fc.stringMatching(/^-?(0|[1-9])\.\d{1,8}$/),
);
const anyInteger = fc.oneof(
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .chain((value) => fc.constantFrom(String(value), json(String(value)))),
  fc.integer().map(String),
);
const anyTime = fc.oneof(
  fc.constantFrom(...ODD.filter((text) => /^"\d{4}-.*[zZ0]"$/.test(text))),
  fc
    .tuple(
      fc.date({ min: new Date(0), max: new Date('2026-11-01'), noInvalidDate: true }),
      fc.stringMatching(/^[0-9]{0,3}$/),
    )
    .map(([date, more]) => json(date.toISOString().replace('Z', `${more}Z`))),
);
const anyText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).map(json),
  fc.constantFrom(...ODD.filter((text) => /^".+"$/.test(text))),
);
const listOf = (item: fc.Arbitrary<string>, length: number) =>
  fc
    .tuple(
      fc.constantFrom(',', ', ', ' , '),
      fc.array(item, { minLength: length, maxLength: length }),
    )
    .map(([comma, items]) => `[${items.join(comma)}]`);
const wrapped = (value: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 4, arbitrary: value },
    {
      weight: 1,
      arbitrary: fc
        .tuple(value, anyTime)
        .map(([one, time]) => `{"value":${one},"observedAt":${time}}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(value, anyTime)
        .map(([one, time]) => `{ "value": ${one}, "observedAt": ${time}}`),
    },
    { weight: 1, arbitrary: value.map((one) => `{"value":${one},"status":"DEFAULTED"}`) },
  );

/** Texts that a member takes, mostly. */
const FITTING = {
  double: wrapped(anyNumber),
  single: wrapped(anyNumber),
  count: wrapped(anyInteger),
  flag: wrapped(fc.constantFrom('true', 'false')),
  at: wrapped(anyTime),
  name: wrapped(anyText),
  kind: wrapped(fc.constantFrom('"a"', '"ü"', '"\\u0061"')),
  vector: wrapped(listOf(anyNumber, 2)),
  matrix: wrapped(fc.oneof(listOf(anyInteger, 4), listOf(listOf(anyInteger, 2), 2))),
  late: wrapped(anyNumber),
  aged: wrapped(anyNumber),
  requestId: anyText,
  occurredAt: anyTime,
  item: fc.constantFrom('0', '1', '1.0', '1e3', '2147483647', '999999999', '1000000000'),
  entityKey: anyText,
  traceId: anyText,
  score: anyNumber,
  label: anyText,
  output: fc.oneof(fc.json({ maxDepth: 4 }), anyNumber, anyText),
  latencyMs: anyNumber.map((text) => text.replace('-', '')),
  samplingRate: fc.constantFrom('1', '1.0', '0.1', '0.125', '1e-3', '0.30000000000000004'),
} as const;

/** What a line says when nothing is odd, as JSON text; the features first. */
const FEATURES = {
  double: '1.5',
  single: '0.1',
  count: '7',
  flag: 'true',
  at: '"2026-04-03T14:03:27Z"',
  name: '"n"',
  kind: '"a"',
  vector: '[1,2.5]',
  matrix: '[[1,2],[3,4]]',
  late: '2',
  aged: '{"value":1,"observedAt":"2026-04-03T14:03:00Z"}',
} as const;
const MEMBERS = {
  requestId: '"r"',
  occurredAt: '"2026-04-03T14:03:27.123456Z"',
  endpoint: '',
  modelVersion: '',
  features: '',
  item: '0',
  entityKey: '"e"',
  traceId: '"t"',
  score: '0.25',
  label: '"YES"',
  output: '{"z":0.5,"ä \\"q\\"":[0.5,"x",null],"a":{}}',
  latencyMs: '2.5',
  samplingRate: '0.5',
  featureSchema: 'null',
} as const;
const NEEDED = 5;

type Feature = keyof typeof FEATURES;
type Member = keyof typeof MEMBERS;
type Values = Partial<Record<Feature | Member, string>>;

const STYLES = [
  { colon: ':', comma: ',', open: '{', close: '}' },
  { colon: ': ', comma: ', ', open: '{', close: '}' },
  { colon: ' :\t', comma: ' , ', open: '{ ', close: ' }' },
] as const;

/** How one sender writes its lines: which members, in which order, how spaced, and how names are spelt. */
interface Sender {
  readonly style: (typeof STYLES)[number];
  readonly members: readonly Member[];
  readonly features: readonly Feature[];
  readonly escapes: boolean;
  readonly values: Values;
}

const features = Object.keys(FEATURES) as Feature[];
const members = Object.keys(MEMBERS) as Member[];
/** Some members with other values: mostly such as fit. */
const few = (names: readonly (keyof typeof FITTING)[], most: number): fc.Arbitrary<Values> =>
  fc
    .array(
      fc
        .constantFrom(...names)
        .chain((name) =>
          fc.tuple(
            fc.constant(name),
            fc.oneof({ weight: 5, arbitrary: FITTING[name] }, { weight: 1, arbitrary: anyToken }),
          ),
        ),
      { maxLength: most },
    )
    .map((entries): Values => Object.fromEntries(entries));
const fitting = Object.keys(FITTING) as (keyof typeof FITTING)[];

const anySender: fc.Arbitrary<Sender> = fc.record({
  style: fc.constantFrom(...STYLES),
  members: fc.oneof(
    fc.constant(members),
    fc.shuffledSubarray(members.slice(NEEDED)).chain((chosen) =>
      fc.shuffledSubarray([...members.slice(0, NEEDED), ...chosen], {
        minLength: NEEDED + chosen.length,
      }),
    ),
  ),
  features: fc.oneof(
    fc.constant(features),
    fc
      .shuffledSubarray(features.filter((name) => name !== 'kind'))
      .map((names): readonly Feature[] => ['kind', ...names]),
  ),
  escapes: fc.nat(7).map((number) => number === 0),
  values: few([...features, 'output', 'samplingRate'], 2),
});

/** What the lines are about. */
export interface Subject {
  readonly endpoint: { readonly name: string; readonly environment: string };
  readonly version: string;
}

const lineOf = (
  { style, members: names, features: named, escapes, values }: Sender,
  { endpoint, version }: Subject,
  own: Values,
  requestId: number,
): string => {
  const { colon, comma, open, close } = style;
  const object = (entries: readonly (readonly [string, string])[]): string =>
    `${open}${entries.map(([name, value]) => `${json(name)}${colon}${value}`).join(comma)}${close}`;
  const known: Values = {
    ...FEATURES,
    ...MEMBERS,
    requestId: json(`r-${requestId}`),
    endpoint: object(Object.entries(endpoint).map(([name, value]) => [name, json(value)])),
    modelVersion: json(version),
    ...values,
    ...own,
  };
  const text = (name: Feature | Member): string => known[name] || 'null';
  const all = { ...known, features: object(named.map((name) => [name, text(name)])) };
  const line = object(names.map((name) => [name, own[name] ?? (all[name] || 'null')]));
  return escapes ? line.replace('"score"', '"\\u0073core"') : line;
};

/** Bytes changed at some places: another byte, one more, one less, or the end cut off. */
export const anyChange: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc
  .array(
    fc.record({
      place: fc.double({ min: 0, max: 1, noNaN: true }),
      byte: fc.nat(255),
      how: fc.nat(4),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((changes) => (bytes) => changes.reduce(changed, bytes));

const JOINTS = Buffer.from('"\\{}[],: 0-.eEntf\t\r\u007f');

const changed = (
  bytes: Buffer,
  { place, byte, how }: { readonly place: number; readonly byte: number; readonly how: number },
): Buffer => {
  const at = Math.floor(place * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  const joint = JOINTS[byte % JOINTS.length] ?? 0;
  if (how === 0) return Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
  if (how === 1) return Buffer.concat([before, Buffer.of(joint), after.subarray(1)]);
  if (how === 2) return Buffer.concat([before, Buffer.of(joint), after]);
  if (how === 3) return Buffer.concat([before, after.subarray(1 + (byte % 4))]);
  return byte < 32 ? before : Buffer.concat([before, before.subarray(-3), after]);
};

/** Lines of one sender, each as it writes all others but for a value or two; some of them damaged on the way. */
export const anyLines = (subject: Subject): fc.Arbitrary<readonly Buffer[]> =>
  anySender.chain((sender) => {
    const own = fc.oneof(
      { weight: 5, arbitrary: few(fitting, 4) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(...members, ...features), anyToken)
          .map(([name, text]): Values => ({ [name]: text })),
      },
    );
    const line = fc
      .tuple(own, fc.nat(1_000_000))
      .map(([values, requestId]) => Buffer.from(lineOf(sender, subject, values, requestId)));
    const damaged = fc.tuple(line, anyChange).map(([bytes, change]) => change(bytes));
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
      fc.nat(300).map((depth) => Buffer.from('['.repeat(depth * 400))),
    );
    return fc.array(
      fc.oneof(
        { weight: 16, arbitrary: line },
        { weight: 3, arbitrary: damaged },
        { weight: 1, arbitrary: noise },
      ),
      { minLength: 10, maxLength: 60, size: 'max' },
    );
  });
