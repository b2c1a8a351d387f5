import { isList, isNumber, isObject, type JsonText, readJson } from './json-text.ts';

// What an accepted line means, read plainly from its text and nothing else.

export interface FieldMeaning {
  readonly name: string;
  readonly type: string;
  readonly defaultValue?: number;
  readonly maxAgeSeconds?: number;
}

export interface FeatureMeaning {
  readonly name: string;
  readonly status: string;
  readonly value: unknown;
  readonly observedAt: bigint | null;
}

export interface LineMeaning {
  readonly requestId: string;
  readonly item: number;
  readonly occurredAt: bigint;
  readonly endpoint: string;
  readonly modelVersion: string;
  readonly entityKey: string | null;
  readonly traceId: string | null;
  readonly score: number | null;
  readonly label: string | null;
  readonly output: unknown;
  readonly latencyMs: number | null;
  readonly samplingRate: number;
  readonly features: readonly FeatureMeaning[];
  /** In the order of their names. */
  readonly undeclared: readonly (readonly [string, unknown])[];
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)$/;

/** Microseconds since 1970. */
export const microseconds = (text: string): bigint => {
  const [, year, month, day, hour, minute, second, fraction = '', sign, hours, minutes = '0'] =
    TIME.exec(text) ?? [];
  const seconds =
    Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    ) / 1000;
  const offset =
    sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes));
  return BigInt(seconds - offset * 60) * 1_000_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
};

/** Whether a double is exactly what a token says. */
const isExactly = (token: string, double: number): boolean => {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(token) ?? [];
  let value = Math.abs(double);
  let scale = 0n;
  for (; !Number.isInteger(value); value *= 2) scale += 1n;
  const tens = BigInt(exponent) - BigInt(fraction.length);
  const [up, down] = tens < 0n ? [1n, 10n ** -tens] : [10n ** tens, 1n];
  return BigInt(whole + fraction) * up * 2n ** scale === BigInt(value) * down;
};

const digitsOf = (token: string): number =>
  token
    .replace(/[eE].*/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '').length;

/** The double that is meant; 17 digits name any, and whole numbers or more digits must be kept to the last. */
export const doubleOf = (value: JsonText): number => {
  if (!isNumber(value)) return Number(value);
  const double = Number(value.token);
  const isWhole = /^-?\d+$/.test(value.token);
  if ((isWhole || digitsOf(value.token) > 17) && !isExactly(value.token, double)) {
    throw new Error(`${value.token} was taken for ${double}`);
  }
  return double;
};

/** JSON with its numbers read by `number`, and members in the order of their names. */
export const plain = (value: JsonText, number: (token: string) => unknown): unknown => {
  if (isNumber(value)) return number(value.token);
  if (isList(value)) return value.map((item) => plain(item, number));
  if (!isObject(value)) return value;
  return [...value]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, item]) => [name, plain(item, number)]);
};

/** As GraphQL shows what was sent: large integers as text, and no sign of 0. */
export const shown = (token: string): unknown =>
  /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))
    ? String(BigInt(token))
    : doubleOf({ token }) + 0;

const scalarOf = (type: string, value: JsonText): unknown => {
  if (value === null) return null;
  switch (type) {
    case 'FP64':
      return doubleOf(value);
    case 'FP32':
      return Math.fround(Number(isNumber(value) ? value.token : value));
    case 'INT64':
      // `1e3` is one, too.
      return isNumber(value) && !/^-?\d+$/.test(value.token)
        ? BigInt(doubleOf(value))
        : BigInt(isNumber(value) ? value.token : String(value));
    case 'TIMESTAMP':
      return microseconds(String(value));
    default:
      return value;
  }
};

const bare = (type: string, value: JsonText): unknown =>
  isList(value) ? value.flat().map((item) => scalarOf(type, item)) : scalarOf(type, value);

const featureOf = (
  { name, type, defaultValue, maxAgeSeconds }: FieldMeaning,
  sent: JsonText | undefined,
  occurredAt: bigint,
): FeatureMeaning => {
  const wrapper: ReadonlyMap<string, JsonText> = isObject(sent)
    ? sent
    : new Map(sent === undefined ? [['status', 'MISSING']] : [['value', sent]]);
  const value = wrapper.get('value');
  const time = wrapper.get('observedAt') ?? null;
  const observedAt = time === null ? null : microseconds(String(time));
  const age = observedAt === null ? 0n : occurredAt - observedAt;
  const isStale = maxAgeSeconds !== undefined && age > BigInt(maxAgeSeconds) * 1_000_000n;
  const status = wrapper.get('status') ?? (value === null ? 'NULL' : 'PRESENT');
  if (status === 'NULL' || status === 'MISSING') return { name, status, value: null, observedAt };
  const taken = value === undefined ? (defaultValue ?? null) : bare(type, value);
  const shown = status === 'STALE' ? 'PRESENT' : String(status);
  return { name, status: isStale ? 'STALE' : shown, value: taken, observedAt };
};

const textOf = (value: JsonText | undefined): string | null =>
  typeof value === 'string' ? value : null;
const orNull = (value: JsonText | undefined): number | null =>
  value === undefined || value === null ? null : doubleOf(value);

/** Throws a `SyntaxError` where the line is no JSON object, which no line that is stored may be. */
export const meaningOf = (line: string, fields: readonly FieldMeaning[]): LineMeaning => {
  const record = readJson(line);
  if (!isObject(record)) throw new SyntaxError('The line is no object');
  const occurredAt = microseconds(String(record.get('occurredAt')));
  const endpoint = record.get('endpoint');
  const features = record.get('features');
  if (!isObject(endpoint) || !isObject(features)) throw new SyntaxError('No endpoint or features');
  const declared = new Set(fields.map(({ name }) => name));
  const version = record.get('modelVersion');
  return {
    requestId: String(record.get('requestId')),
    item: (orNull(record.get('item')) ?? 0) + 0,
    occurredAt,
    endpoint: `${String(endpoint.get('environment'))}/${String(endpoint.get('name'))}`,
    modelVersion: String(isObject(version) ? version.get('digest') : version),
    entityKey: textOf(record.get('entityKey')),
    traceId: textOf(record.get('traceId')),
    score: orNull(record.get('score')),
    label: textOf(record.get('label')),
    output: plain(record.get('output') ?? null, shown),
    latencyMs: record.get('latencyMs') == null ? null : (orNull(record.get('latencyMs')) ?? 0) + 0,
    samplingRate: orNull(record.get('samplingRate')) ?? 1,
    features: fields.map((field) => featureOf(field, features.get(field.name), occurredAt)),
    undeclared: [...features]
      .filter(([name]) => !declared.has(name))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, value]) => [name, plain(value, shown)]),
  };
};
