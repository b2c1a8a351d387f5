import { expect, it } from 'vitest';
import { appendOutcomes } from '../src/prediction/store-outcomes.ts';
import { field } from './feature-fixture.ts';
import { statementsDuring, unique } from './setup/database.ts';
import { countsOf, openIngest, openServing, post, rawLines } from './setup/ingest.ts';

const hindcast = await openIngest();
const { database, ask } = hindcast;
const { endpoint, line: predictionLine } = await openServing(
  hindcast,
  [field('distance', 'FP64')],
  { distance: 1 },
);

const OBSERVED_AT = '2026-04-03T18:00:00.000001Z';

const outcome = (requestId: string, other: Record<string, unknown> = {}) => ({
  requestId,
  endpoint: { name: endpoint.name, environment: endpoint.environment },
  observedAt: OBSERVED_AT,
  label: 'late',
  ...other,
});
const line = (requestId: string, other?: Record<string, unknown>): string =>
  JSON.stringify(outcome(requestId, other));

const stored = (requestId: string) =>
  database.query({
    text: `SELECT item, label, value::text AS value, observed_at FROM prediction_outcome
      WHERE request_id = $1 ORDER BY item, observed_at, label, value`,
    values: [requestId],
  });

const AT = Date.parse('2026-04-03T18:00:00Z') * 1000 + 1;

it('is stored before its prediction arrives, and found with it afterwards', async () => {
  const id = unique('early');
  const { lines } = await post(hindcast, '/v1/outcomes', line(id, { value: 12.5 }));
  expect(lines).toEqual([
    { acknowledged: 1 },
    { summary: { received: 1, stored: 1, duplicates: 0, conflicts: 0, rejected: 0 } },
  ]);
  expect(await stored(id)).toEqual([{ item: 0, label: 'late', value: '12.5', observed_at: AT }]);
  await post(hindcast, '/v1/predictions', predictionLine(id));
  const rows = await database.query({
    text: `SELECT l.request_id FROM prediction_log l JOIN prediction_outcome o
      USING (request_id, endpoint_id, item) WHERE l.request_id = $1`,
    values: [id],
  });
  expect(rows).toEqual([{ request_id: id }]);
});

it('changes nothing when it comes again, and is kept as history when it differs', async () => {
  const id = unique('again');
  const again = `{"label":"late","observedAt":"2026-04-03T20:00:00.000001+02:00","value":null,
    "endpoint":{"environment":"production","name":"${endpoint.name}"},"item":0,"requestId":"${id}"}`;
  const report = await appendOutcomes(
    database,
    rawLines([line(id), again, line(id, { label: 'on time' }), line(id, { item: 1 })]),
  );
  expect(countsOf(report)).toEqual({
    received: 4,
    stored: 3,
    duplicates: 1,
    conflicts: 0,
    rejected: 0,
  });
  expect(report.results).toMatchObject([
    {
      line: 2,
      status: 'DUPLICATE',
      message: 'This outcome is stored already; nothing was changed',
    },
  ]);
  const second = await appendOutcomes(database, rawLines([line(id), line(id, { value: 1 })]));
  expect(countsOf(second)).toMatchObject({ stored: 1, duplicates: 1 });
  expect(await stored(id)).toEqual([
    { item: 0, label: 'late', value: '1', observed_at: AT },
    { item: 0, label: 'late', value: null, observed_at: AT },
    { item: 0, label: 'on time', value: null, observed_at: AT },
    { item: 1, label: 'late', value: null, observed_at: AT },
  ]);
});

it.each([
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['-Infinity', '-Infinity'],
  ['-0', '-0'],
  [5e-324, '5e-324'],
])('keeps the value %s exactly', async (value, text) => {
  const id = unique('exact');
  await appendOutcomes(database, rawLines([line(id, { value })]));
  expect(await stored(id)).toMatchObject([{ value: text }]);
});

it('sends as many statements for 1000 outcomes as for one', async () => {
  await appendOutcomes(database, rawLines([line(unique('warm'))]));
  const sent = async (size: number) => {
    const texts = Array.from({ length: size }, () => line(unique('n')));
    const all = await statementsDuring(database, () => appendOutcomes(database, rawLines(texts)));
    return all
      .map((sql) => /^\w+/.exec(sql)?.[0])
      .filter((verb) => verb !== 'BEGIN' && verb !== 'COMMIT');
  };
  expect(await sent(1)).toEqual(['CREATE', 'COPY', 'WITH']);
  expect(await sent(1000)).toEqual(['CREATE', 'COPY', 'WITH']);
});

it.each<[string, Record<string, unknown>, string, string, string]>([
  [
    'neither label nor value',
    { label: null },
    'INVALID_FIELD',
    'label',
    'label is missing, and so is the value; send either, or both',
  ],
  [
    'an unknown endpoint',
    { endpoint: { name: 'none', environment: 'staging' } },
    'UNKNOWN_ENDPOINT',
    'endpoint',
    'endpoint is "staging/none", which is not on record; start a deployment on it (startDeployment) and this record is tried again by itself',
  ],
  [
    'a time in the far future',
    { observedAt: '2200-01-01T00:00:00Z' },
    'TIME_OUT_OF_RANGE',
    'observedAt',
    'observedAt is "2200-01-01T00:00:00Z", which is more than 24 hours ahead of this server; the serving clock is ahead: set it right and send the record again',
  ],
  [
    'a value that no double holds',
    { value: 9007199254740993n },
    'NUMBER_NOT_REPRESENTABLE',
    'value',
    'value is 9007199254740993, which a 64-bit float does not hold exactly; send the nearest, 9.007199254740992e+15',
  ],
  [
    'a member of a prediction',
    { score: 1 },
    'INVALID_FIELD',
    'score',
    'score is 1, but an outcome has no such member; it may have requestId, item, endpoint, observedAt, label, value',
  ],
])(
  'with %s is refused and kept, and the others are stored',
  async (_, members, code, path, message) => {
    const [good, bad] = [unique('good'), unique('bad')];
    const text = JSON.stringify(outcome(bad, members), (_key, value: unknown) =>
      typeof value === 'bigint' ? '<big>' : value,
    ).replace('"<big>"', '9007199254740993');
    const { lines } = await post(hindcast, '/v1/outcomes', `${text}\n${line(good)}`);
    expect(lines[0]).toMatchObject({
      line: 1,
      requestId: bad,
      status: 'REJECTED',
      code,
      path,
      message,
    });
    expect(lines.at(-1)).toEqual({
      summary: { received: 2, stored: 1, duplicates: 0, conflicts: 0, rejected: 1 },
    });
    expect(await stored(bad)).toEqual([]);
    const kept = await database.query({
      text: 'SELECT kind::text AS kind, code, path, message FROM rejected_record WHERE request_id = $1',
      values: [bad],
    });
    expect(kept).toEqual([{ kind: 'OUTCOME', code, path, message }]);
  },
);

it('is recorded by the mutation too', async () => {
  const [one, two] = [unique('one'), unique('two')];
  const rows = [
    { requestId: one, observedAt: OBSERVED_AT, value: 'NaN' },
    { requestId: two, observedAt: 'yesterday', label: 'late' },
  ];
  const { recordOutcomes } = await ask<{ recordOutcomes: unknown }>(
    `mutation ($input: RecordOutcomesInput!) { recordOutcomes(input: $input) {
      ... on RecordOutcomesPayload {
        receivedCount storedCount duplicateCount conflictCount rejectedCount
        results { index requestId status code path value message }
      }
      ... on InvalidInputError { message }
    } }`,
    {
      input: {
        endpoint: { route: { name: endpoint.name, environment: endpoint.environment } },
        outcomes: rows,
      },
    },
  );
  expect(recordOutcomes).toEqual({
    receivedCount: 2,
    storedCount: 1,
    duplicateCount: 0,
    conflictCount: 0,
    rejectedCount: 1,
    results: [
      {
        index: 1,
        requestId: two,
        status: 'REJECTED',
        code: 'INVALID_FIELD',
        path: 'observedAt',
        value: '"yesterday"',
        message:
          'observedAt is "yesterday", but "yesterday" is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z',
      },
    ],
  });
  expect(await stored(one)).toEqual([{ item: 0, label: null, value: 'NaN', observed_at: AT }]);
});

it('takes no parameters on its route', async () => {
  expect(await post(hindcast, '/v1/outcomes?undeclaredFeatures=keep', '')).toEqual({
    status: 400,
    lines: [
      {
        error: {
          code: 'BAD_REQUEST',
          message: 'The query parameter "undeclaredFeatures" is not known; none is known here.',
        },
      },
    ],
  });
});
