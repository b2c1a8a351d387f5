import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { stringifyExactJson } from '../src/platform/exact-json.ts';
import { field } from './feature-fixture.ts';
import { unique } from './setup/database.ts';
import { OCCURRED_AT, openIngest, openServing, post } from './setup/ingest.ts';

const hindcast = await openIngest();
const { database, ask } = hindcast;
const serving = await openServing(
  hindcast,
  [
    field('distance', 'FP32'),
    field('count', 'INT64', { isNullable: true }),
    field('carrier', 'STRING', { isNullable: true, categories: ['AA', 'UA'] }),
    field('history', 'FP64', { isNullable: true, shape: [3] }),
  ],
  { distance: 1.5 },
);
const { endpoint, version, line } = serving;

const OK = { distance: 1.5 };

interface Expected {
  readonly code: string;
  readonly path: string | null;
  readonly value?: string | null;
  readonly message: string;
}

const stored = async (requestIds: readonly string[]): Promise<readonly string[]> => {
  const rows = await database.query<{ request_id: string }>({
    text: 'SELECT request_id FROM prediction_log WHERE request_id = ANY($1::text[]) ORDER BY 1',
    values: [requestIds],
  });
  return rows.map(({ request_id }) => request_id);
};

const kept = async (raw: string | Uint8Array) =>
  database.query<{ code: string; path: string | null; message: string; attempts: number }>({
    text: `SELECT code, path, message, attempts FROM rejected_record WHERE raw = decode($1, 'hex')`,
    values: [Buffer.from(raw).toString('hex')],
  });

const MUTATION = `mutation ($input: RecordPredictionsInput!) {
  recordPredictions(input: $input) {
    ... on RecordPredictionsPayload {
      receivedCount storedCount duplicateCount conflictCount rejectedCount
      results { index requestId status code path value message }
    }
    ... on InvalidInputError { message path }
  }
}`;

interface Payload {
  readonly recordPredictions: Record<string, unknown>;
}

/** What the mutation takes for a line of the route, beside the members that both share. */
const mutationInput = (requestId: string, members: Record<string, unknown>) => {
  const { modelVersion = version.digest, featureSchema, ...shared } = members;
  const isRelease = typeof modelVersion === 'object' && modelVersion !== null;
  return {
    requestId,
    occurredAt: OCCURRED_AT,
    features: OK,
    endpoint: { route: { name: endpoint.name, environment: endpoint.environment } },
    ...shared,
    ...(members.endpoint === undefined ? {} : { endpoint: { route: members.endpoint } }),
    modelVersion: isRelease ? { release: modelVersion } : { digest: modelVersion },
    ...(featureSchema === undefined ? {} : { featureSchema: { release: featureSchema } }),
  };
};

const DIGEST = `sha256:${'0'.repeat(64)}`;
const LONG = 'x'.repeat(10_240);

describe.each<[string, Record<string, unknown>, Expected]>([
  [
    'a number that FP32 does not hold',
    { features: { distance: 1e39 } },
    {
      code: 'NUMBER_NOT_REPRESENTABLE',
      path: 'features.distance',
      value: '1e+39',
      message:
        'features.distance is 1e+39, which is beyond the largest FP32, 3.4028235e+38; write "Infinity" if that is what the model saw, or declare the feature FP64',
    },
  ],
  [
    'an integer beyond INT64',
    { features: { distance: 1, count: '9223372036854775808' } },
    {
      code: 'NUMBER_NOT_REPRESENTABLE',
      path: 'features.count',
      value: '"9223372036854775808"',
      message:
        'features.count is "9223372036854775808", which is outside INT64, -9223372036854775808 to 9223372036854775807; declare the feature FP64 or STRING',
    },
  ],
  [
    'a wrong type',
    { features: { distance: true } },
    {
      code: 'FEATURE_SCHEMA_VIOLATION',
      path: 'features.distance',
      value: 'true',
      message:
        'features.distance is true, which is not a number; write a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"',
    },
  ],
  [
    'an unknown category',
    { features: { distance: 1, carrier: 'ZZ' } },
    {
      code: 'FEATURE_SCHEMA_VIOLATION',
      path: 'features.carrier',
      value: '"ZZ"',
      message:
        'features.carrier is "ZZ", which is not a declared category; send "AA", "UA", or register a schema that declares it',
    },
  ],
  [
    'an undeclared feature',
    { features: { distance: 1, distanse: 2 } },
    {
      code: 'FEATURE_SCHEMA_VIOLATION',
      path: 'features.distanse',
      value: '2',
      message:
        'features.distanse is 2, but the schema declares no such feature; leave it out, or register a schema that declares it',
    },
  ],
  [
    'a missing required feature',
    { features: {} },
    {
      code: 'FEATURE_SCHEMA_VIOLATION',
      path: 'features.distance',
      value: null,
      message:
        'features.distance is missing, and the schema requires it; send it, or declare it nullable or with a default',
    },
  ],
  [
    'a wrong shape',
    { features: { distance: 1, history: [1, 2] } },
    {
      code: 'FEATURE_SCHEMA_VIOLATION',
      path: 'features.history',
      value: '[1,2]',
      message: 'features.history is [1,2], which has 2 elements; the shape [3] takes an array of 3',
    },
  ],
  [
    'an unknown version',
    { modelVersion: DIGEST },
    {
      code: 'UNKNOWN_MODEL_VERSION',
      path: 'modelVersion',
      value: `"${DIGEST}"`,
      message: `modelVersion is "${DIGEST}", which is not registered; register it and this record is tried again by itself`,
    },
  ],
  [
    'an unknown release',
    { modelVersion: { model: 'nobody', semver: '1.0.0' } },
    {
      code: 'UNKNOWN_MODEL_VERSION',
      path: 'modelVersion',
      value: '"nobody@1.0.0"',
      message:
        'modelVersion is "nobody@1.0.0", which is not registered; register it and this record is tried again by itself',
    },
  ],
  [
    'an unknown endpoint',
    { endpoint: { name: 'nowhere', environment: 'production' } },
    {
      code: 'UNKNOWN_ENDPOINT',
      path: 'endpoint',
      value: '"production/nowhere"',
      message:
        'endpoint is "production/nowhere", which is not on record; start a deployment on it (startDeployment) and this record is tried again by itself',
    },
  ],
  [
    'an environment with a slash',
    { endpoint: { name: 'b', environment: 'production/a' } },
    {
      code: 'INVALID_FIELD',
      path: 'endpoint.environment',
      value: '"production/a"',
      message: 'endpoint.environment is "production/a", which holds a slash; no environment does',
    },
  ],
  [
    'an unknown schema',
    { featureSchema: { name: 'nothing', semver: '2.0.0' } },
    {
      code: 'UNKNOWN_FEATURE_SCHEMA',
      path: 'featureSchema',
      value: '"nothing@2.0.0"',
      message:
        'featureSchema is "nothing@2.0.0", which is not registered; register it and this record is tried again by itself',
    },
  ],
  [
    'a time without offset',
    { occurredAt: '2026-04-03T14:03:27' },
    {
      code: 'INVALID_FIELD',
      path: 'occurredAt',
      value: '"2026-04-03T14:03:27"',
      message:
        'occurredAt is "2026-04-03T14:03:27", but "2026-04-03T14:03:27" is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z',
    },
  ],
  [
    'a time finer than a microsecond',
    { occurredAt: '2026-04-03T14:03:27.1234567Z' },
    {
      code: 'INVALID_FIELD',
      path: 'occurredAt',
      value: '"2026-04-03T14:03:27.1234567Z"',
      message:
        'occurredAt is "2026-04-03T14:03:27.1234567Z", but "2026-04-03T14:03:27.1234567Z" is finer than a microsecond; write at most 6 digits after the second',
    },
  ],
  [
    'a time in the far future',
    { occurredAt: '2200-01-01T00:00:00Z' },
    {
      code: 'TIME_OUT_OF_RANGE',
      path: 'occurredAt',
      value: '"2200-01-01T00:00:00Z"',
      message:
        'occurredAt is "2200-01-01T00:00:00Z", which is more than 24 hours ahead of this server; the serving clock is ahead: set it right and send the record again',
    },
  ],
  [
    'a time before 1970',
    { occurredAt: '1969-12-31T23:59:59.999999Z' },
    {
      code: 'TIME_OUT_OF_RANGE',
      path: 'occurredAt',
      value: '"1969-12-31T23:59:59.999999Z"',
      message:
        'occurredAt is "1969-12-31T23:59:59.999999Z", which is before 1970; send the time at which it happened',
    },
  ],
  [
    'an empty identifier',
    { requestId: '' },
    {
      code: 'INVALID_FIELD',
      path: 'requestId',
      value: '""',
      message: 'requestId is "", which is empty; send 1 to 1024 bytes of text',
    },
  ],
  [
    'an identifier of 10 kB',
    { entityKey: LONG },
    {
      code: 'INVALID_FIELD',
      path: 'entityKey',
      value: `"${LONG.slice(0, 98)}…`,
      message: `entityKey is "${LONG.slice(0, 98)}…, which has 10240 bytes; send 1 to 1024`,
    },
  ],
  [
    'an identifier with U+0000',
    { requestId: 'a\0b' },
    {
      code: 'INVALID_FIELD',
      path: 'requestId',
      value: '"a\\u0000b"',
      message:
        'requestId is "a\\u0000b", which contains U+0000, which no stored text may hold; remove it',
    },
  ],
  [
    'a byte order mark',
    { label: '\ufeffLATE' },
    {
      code: 'INVALID_FIELD',
      path: 'label',
      value: '"\ufeffLATE"',
      message:
        'label is "\ufeffLATE", which begins with U+FEFF, a byte order mark, which readers take away; remove it',
    },
  ],
  [
    'half an emoji',
    { label: 'a\ud83d' },
    {
      code: 'INVALID_FIELD',
      path: 'label',
      value: '"a\\ud83d"',
      message:
        'label is "a\\ud83d", which contains half of a surrogate pair, which is not Unicode; send both halves or neither',
    },
  ],
  [
    'a score that is no number',
    { score: '1.5' },
    {
      code: 'INVALID_FIELD',
      path: 'score',
      value: '"1.5"',
      message:
        'score is "1.5", which is not a number; send a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"',
    },
  ],
  [
    'a negative latency',
    { latencyMs: -1 },
    {
      code: 'INVALID_FIELD',
      path: 'latencyMs',
      value: '-1',
      message: 'latencyMs is -1, which is not a duration; send milliseconds, 0 or more',
    },
  ],
  [
    'a sampling rate of none',
    { samplingRate: 0 },
    {
      code: 'INVALID_FIELD',
      path: 'samplingRate',
      value: '0',
      message:
        'samplingRate is 0, which is not a sampling rate; send the share of predictions that was kept, more than 0 and at most 1 (no less than 1e-9)',
    },
  ],
  [
    'a negative item',
    { item: -1 },
    {
      code: 'INVALID_FIELD',
      path: 'item',
      value: '-1',
      message: 'item is -1, which is not a position; send a whole number from 0 to 2147483647',
    },
  ],
])('%s', (_, members, expected) => {
  const { message, code, path, value } = expected;

  it('is answered by the route, and the other lines are stored', async () => {
    const [before, bad, after] = [unique('a'), unique('b'), unique('c')];
    const text = line(bad, members);
    const { status, lines } = await post(
      hindcast,
      '/v1/predictions',
      [line(before), text, line(after)].join('\n'),
    );
    expect(status).toBe(200);
    const id = members.requestId === undefined ? bad : null;
    expect(lines).toEqual([
      { line: 2, requestId: id, status: 'REJECTED', code, path, value, message },
      { acknowledged: 3 },
      { summary: { received: 3, stored: 2, duplicates: 0, conflicts: 0, rejected: 1 } },
    ]);
    expect(await stored([before, bad, after])).toEqual([before, after]);
    expect(await kept(text)).toEqual([{ code, path, message, attempts: 1 }]);
  });

  it('is answered by the mutation, and the other rows are stored', async () => {
    const [before, bad, after] = [unique('a'), unique('b'), unique('c')];
    const predictions = [
      mutationInput(before, {}),
      mutationInput(bad, members),
      mutationInput(after, {}),
    ];
    const { recordPredictions } = await ask<Payload>(MUTATION, { input: { predictions } });
    const id = members.requestId === undefined ? bad : null;
    expect(recordPredictions).toEqual({
      receivedCount: 3,
      storedCount: 2,
      duplicateCount: 0,
      conflictCount: 0,
      rejectedCount: 1,
      results: [{ index: 1, requestId: id, status: 'REJECTED', code, path, value, message }],
    });
    expect(await stored([before, bad, after])).toEqual([before, after]);
  });
});

describe('a line of the route', () => {
  const reject = async (
    text: string | Uint8Array,
  ): Promise<Record<string, unknown> | undefined> => {
    const [before, after] = [unique('a'), unique('c')];
    const body = Buffer.concat([
      Buffer.from(`${line(before)}\n`),
      Buffer.from(text),
      Buffer.from(`\r\n\n${line(after)}`),
    ]);
    const { status, lines } = await post(hindcast, '/v1/predictions', body);
    expect(status).toBe(200);
    expect(lines.slice(1)).toEqual([
      { acknowledged: 4 },
      { summary: { received: 3, stored: 2, duplicates: 0, conflicts: 0, rejected: 1 } },
    ]);
    expect(await stored([before, after])).toEqual([before, after]);
    expect(await kept(text)).toHaveLength(1);
    return lines[0];
  };

  it.each<[string, string | Uint8Array, Record<string, unknown>]>([
    [
      'that is not JSON',
      '{"requestId": ',
      {
        code: 'INVALID_JSON',
        path: null,
        value: '"{\\"requestId\\": "',
        message: "The text is not JSON: Object value expected after ':' at position 14",
      },
    ],
    [
      'that is no object',
      '[1]',
      {
        code: 'INVALID_JSON',
        path: null,
        value: '[1]',
        message: 'The line is [1], which is not an object; send {"requestId": …}',
      },
    ],
    [
      'that is not UTF-8',
      Buffer.concat([Buffer.from('{"a":"\ufffd'), Buffer.of(0xff), Buffer.from('"}')]),
      {
        code: 'INVALID_ENCODING',
        path: null,
        value: '0xFF',
        message: 'The line is not UTF-8: byte 10 is 0xFF; send JSON in UTF-8',
      },
    ],
    [
      'with a number that no double holds',
      '{"requestId":"r","score":1e400}',
      {
        code: 'NUMBER_NOT_REPRESENTABLE',
        path: null,
        value: '"{\\"requestId\\":\\"r\\",\\"score\\":1e400}"',
        message:
          'The number 1e400 is beyond the largest double, 1.7976931348623157e+308; write it as a string',
      },
    ],
    [
      'with a key twice',
      '{"requestId":"r","requestId":"s"}',
      {
        code: 'INVALID_JSON',
        path: null,
        value: '"{\\"requestId\\":\\"r\\",\\"requestId\\":\\"s\\"}"',
        message: 'The key "requestId" appears twice in one object; send it once',
      },
    ],
  ])('%s is refused alone', async (_, text, expected) => {
    expect(await reject(text)).toEqual({
      line: 2,
      requestId: null,
      status: 'REJECTED',
      ...expected,
    });
  });

  it('with an unknown member names the one that was meant', async () => {
    const answer = await reject(line('misspelt', { request_id: 'x', colour: 1 }));
    expect(answer).toMatchObject({
      code: 'INVALID_FIELD',
      path: 'request_id',
      message:
        'request_id is "x", but a prediction has no such member; did you mean requestId?; colour is 1, but a prediction has no such member; it may have requestId, item, occurredAt, endpoint, modelVersion, featureSchema, entityKey, traceId, features, score, label, output, latencyMs, samplingRate',
    });
  });

  it('that names a version twice is ambiguous', async () => {
    const modelVersion = { digest: version.digest, model: version.model, semver: '1.0.0' };
    const answer = await reject(line(unique('twice'), { modelVersion }));
    expect(answer).toMatchObject({ code: 'INVALID_FIELD', path: 'modelVersion' });
    expect(answer?.message).toMatch(
      /, which names it twice; send the digest, or model and semver$/,
    );
  });

  it('with names that no text holds is kept all the same', async () => {
    const features = { distance: 1, 'a\0b\ud800': 1 };
    const answer = await reject(line(unique('nul'), { features }));
    expect(answer).toMatchObject({ path: 'features.a\\u0000b\\ud800' });
  });
});

describe('a call of the mutation', () => {
  it('takes at most 1000 predictions', async () => {
    const predictions = Array.from({ length: 1001 }, (_, n) => mutationInput(`n${n}`, {}));
    const { recordPredictions } = await ask<Payload>(MUTATION, { input: { predictions } });
    expect(recordPredictions).toEqual({
      message:
        'predictions has 1001 items; send at most 1000 at once, or any number to POST /v1/predictions.',
      path: ['input', 'predictions'],
    });
    expect(await stored(['n0'])).toEqual([]);
  });

  it('with a wrong type is refused as a whole, naming the place', async () => {
    const id = unique('typed');
    const predictions = [mutationInput(id, {}), mutationInput(unique('b'), { modelVersion: 'x' })];
    const { data, errors } = await hindcast.respond(MUTATION, { input: { predictions } });
    expect(data).toBeUndefined();
    expect(errors?.[0]?.message).toBe(
      'Variable "$input" got invalid value "x" at "input.predictions[1].modelVersion.digest"; Digest cannot represent "x": it must be "sha256:" followed by 64 lowercase hexadecimal characters.',
    );
    expect(await stored([id])).toEqual([]);
  });

  it('needs an endpoint for each row, its own or the input’s', async () => {
    const [one, two] = [unique('own'), unique('none')];
    const { endpoint: route, ...bare } = mutationInput(one, {});
    const rows = { predictions: [{ ...bare }] };
    const given = await ask<Payload>(MUTATION, { input: { ...rows, endpoint: route } });
    expect(given.recordPredictions.storedCount).toBe(1);
    const none = await ask<Payload>(MUTATION, {
      input: { predictions: [{ ...bare, requestId: two }] },
    });
    expect(none.recordPredictions.results).toMatchObject([
      {
        index: 0,
        requestId: two,
        code: 'INVALID_FIELD',
        path: 'endpoint',
        message:
          'endpoint is missing, but every record needs it; send {"name": …, "environment": …}',
      },
    ]);
  });

  it('keeps the rejected row as the line that says the same', async () => {
    const id = unique('line');
    const input = { predictions: [mutationInput(id, { score: 'x', output: { n: 1 } })] };
    await ask<Payload>(MUTATION, { input });
    const [row] = await database.query<{ raw: Uint8Array }>({
      text: 'SELECT raw FROM rejected_record WHERE request_id = $1',
      values: [id],
    });
    expect(JSON.parse(Buffer.from(row?.raw ?? []).toString())).toEqual(
      JSON.parse(line(id, { score: 'x', output: { n: 1 } })),
    );
  });

  it('keeps every digit of integers in features', async () => {
    const id = unique('digits');
    const body = stringifyExactJson({
      query: MUTATION,
      variables: {
        input: {
          predictions: [mutationInput(id, { features: { distance: 1, count: 2 } }) as never],
        },
      },
    }).replace('"count":2', '"count":9223372036854775807');
    const response = await hindcast.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(await response.json()).toMatchObject({
      data: { recordPredictions: { storedCount: 1 } },
    });
    const rows = await database.query({
      text: 'SELECT integers::text AS integers FROM prediction_log WHERE request_id = $1',
      values: [id],
    });
    expect(rows).toEqual([{ integers: '{9223372036854775807}' }]);
  });
});

describe('an identifier', () => {
  it.each([`it's "quoted"; DROP TABLE x; --`, '👩‍🚀 Ærø', '\\N', 'a\tb\nc', 'x'.repeat(1024)])(
    'such as %j is stored as it is',
    async (text) => {
      const id = unique(text.length > 1000 ? 'long' : text);
      const entityKey = text;
      const { lines } = await post(
        hindcast,
        '/v1/predictions',
        line(id, { entityKey, label: text }),
      );
      expect(lines.at(-1)).toMatchObject({ summary: { stored: 1 } });
      const rows = await database.query({
        text: 'SELECT entity_key, label FROM prediction_log WHERE request_id = $1',
        values: [id],
      });
      expect(rows).toEqual([{ entity_key: text, label: text }]);
    },
  );
});

it('takes the same bad line sent again as one record with more attempts', async () => {
  const text = line(unique('again'), { score: 'x' });
  await post(hindcast, '/v1/predictions', `${text}\n${text}`);
  await post(hindcast, '/v1/predictions', gzipSync(text), { 'content-encoding': 'gzip' });
  expect(await kept(text)).toMatchObject([{ code: 'INVALID_FIELD', attempts: 3 }]);
});
