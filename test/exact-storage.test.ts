import { expect, it } from 'vitest';
import { featureSchemaById } from '../src/evidence/feature-schema.ts';
import { referenced } from '../src/platform/immutable-cache.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { predictionDigest } from '../src/prediction/prediction-digest.ts';
import { selectPredictions } from '../src/prediction/prediction-log.ts';
import { codecOf } from '../src/prediction/schema-codec.ts';
import { modelVersionById } from '../src/registry/model-version.ts';
import { endpointById, routeOf } from '../src/serving/endpoint.ts';
import { field } from './feature-fixture.ts';
import { unique, useTestDatabase } from './setup/database.ts';
import { openServing, rawLines } from './setup/ingest.ts';

const database = await useTestDatabase();
const serving = await openServing(
  { database },
  [
    field('double', 'FP64'),
    field('single', 'FP32'),
    field('integer', 'INT64'),
    field('flag', 'BOOL'),
    field('text', 'STRING'),
    field('seen', 'TIMESTAMP'),
    field('vector', 'FP64', { shape: [2, 2], isNullable: true }),
    field('maybe', 'FP64', { isNullable: true }),
    field('defaulted', 'INT64', { defaultValue: '7' }),
  ],
  null,
);

/** Appends a line whose features, and other members, are JSON text; returns the row as it is read. */
const roundTrip = async (features: string, members = '"score":null') => {
  const id = unique('exact');
  const text = serving.line(id).replace('"features":null', `"features":${features},${members}`);
  const report = await appendPredictions(database, rawLines([text]));
  expect(report).toMatchObject({ stored: 1, results: [] });
  const [row] = await selectPredictions(database, 'exact_storage', 'WHERE l.request_id = $1', [id]);
  if (row === undefined) throw new Error('not stored');
  const [endpoint, version, schema] = await Promise.all([
    endpointById(database).load(row.endpointId),
    modelVersionById(database).load(row.modelVersionId),
    featureSchemaById(database).load(row.featureSchemaId),
  ]);
  const featureSchema = referenced(schema);
  const names = {
    endpoint: routeOf(referenced(endpoint)),
    modelVersion: referenced(version).digest,
    featureSchema: featureSchema.digest,
  };
  // What is stored is enough to compute the digest again.
  expect(predictionDigest(row, names)).toBe(Buffer.from(row.digest ?? []).toString('hex'));
  return { row, readings: codecOf(featureSchema).decode(row.features) };
};

const features = (other: Record<string, string> = {}): string => {
  const all = {
    double: '1',
    single: '1',
    integer: '1',
    flag: 'true',
    text: '""',
    seen: '"2026-01-01T00:00:00Z"',
    defaulted: '1',
    ...other,
  };
  const members = Object.entries(all).map(([name, value]) => `"${name}":${value}`);
  return `{${members.join(',')}}`;
};

it.each<[string, string, unknown]>([
  ['double', '"NaN"', Number.NaN],
  ['double', '"Infinity"', Number.POSITIVE_INFINITY],
  ['double', '"-Infinity"', Number.NEGATIVE_INFINITY],
  ['double', '"-0"', -0],
  ['double', '-0.0', -0],
  ['double', '5e-324', 5e-324],
  ['double', '1.7976931348623157e308', Number.MAX_VALUE],
  ['double', '0.1', 0.1],
  ['single', '0.1', Math.fround(0.1)],
  ['single', '"NaN"', Number.NaN],
  ['single', '1e-45', 2 ** -149],
  ['integer', '9223372036854775807', 9223372036854775807n],
  ['integer', '"9223372036854775807"', 9223372036854775807n],
  ['integer', '-9223372036854775808', -9223372036854775808n],
  ['flag', 'false', false],
  ['text', '"NULL"', 'NULL'],
  ['text', '"\\\\N"', '\\N'],
  ['text', '"{\\"a\\",\\\\}\\t\\n\\r\\u0001"', '{"a",\\}\t\n\r\u0001'],
  ['text', '"\\ud83d\\udc69\\u200d\\ud83d\\ude80 \u00c6r\u00f8"', '👩‍🚀 Ærø'],
  [
    'seen',
    '"2026-04-03T16:03:27.123456+02:00"',
    Date.parse('2026-04-03T14:03:27Z') * 1000 + 123_456,
  ],
  ['vector', '[["NaN","-0"],[1.5,null]]', [Number.NaN, -0, 1.5, null]],
  ['vector', '[1,2,3,4]', [1, 2, 3, 4]],
])('keeps the %s %s exactly', async (name, text, value) => {
  const { readings } = await roundTrip(features({ [name]: text }));
  const reading = readings.find(({ field: { name: of } }) => of === name);
  expect(reading).toMatchObject({ status: 'PRESENT', observedAt: null });
  expect(reading?.value).toStrictEqual(value);
});

it('tells null from missing from defaulted', async () => {
  const statuses = async (text: string) => {
    const { readings } = await roundTrip(text);
    return readings.slice(-3).map(({ status, value }) => [status, value]);
  };
  expect(await statuses(features({ maybe: 'null', vector: 'null' }))).toEqual([
    ['NULL', null],
    ['NULL', null],
    ['PRESENT', 1n],
  ]);
  const missing = features().replace(',"defaulted":1', '');
  expect(await statuses(missing)).toEqual([
    ['MISSING', null],
    ['MISSING', null],
    ['MISSING', null],
  ]);
  expect(await statuses(features({ defaulted: '{"status":"DEFAULTED"}' }))).toEqual([
    ['MISSING', null],
    ['MISSING', null],
    ['DEFAULTED', 7n],
  ]);
});

it('keeps when a feature was observed, to the microsecond', async () => {
  const observed = '{"value":2,"observedAt":"2026-04-03T14:00:00.000001Z"}';
  const { readings } = await roundTrip(features({ double: observed }));
  expect(readings[0]).toMatchObject({
    value: 2,
    observedAt: Date.parse('2026-04-03T14:00:00Z') * 1000 + 1,
  });
});

it.each<[string, number]>([
  ['"NaN"', Number.NaN],
  ['"-Infinity"', Number.NEGATIVE_INFINITY],
  ['"-0"', -0],
  ['-0', -0],
  ['18446744073709551616', 2 ** 64],
  ['0.30000000000000004', 0.30000000000000004],
])('keeps the score %s exactly', async (text, value) => {
  const { row } = await roundTrip(features(), `"score":${text}`);
  expect(row.score).toStrictEqual(value);
});

it('keeps every other member as it was sent', async () => {
  const { row } = await roundTrip(
    features(),
    `"item":3,"entityKey":"AA 100 \u{1f6eb}","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","label":"",
     "output":{"z":[12345678901234567890,-0,1e300,"\\u0000",null],"a":{"y":1,"x":2}},"latencyMs":0.25`.replaceAll(
      '\n',
      '',
    ),
  );
  expect(row).toMatchObject({
    item: 3,
    occurredAt: Date.parse('2026-04-03T14:03:27Z') * 1000 + 123_456,
    entityKey: 'AA 100 🛫',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    label: '',
    output: '{"a":{"x":2,"y":1},"z":[12345678901234567890,-0,1e+300,"\\u0000",null]}',
    latencyMs: 0.25,
  });
});
