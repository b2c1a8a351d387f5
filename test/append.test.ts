import { describe, expect, it } from 'vitest';
import { appendPredictions } from '../src/prediction/append.ts';
import { answeredSpans } from '../src/prediction/rollups.ts';
import { field } from './feature-fixture.ts';
import { statementsDuring, unique, useTestDatabase } from './setup/database.ts';
import { countsOf, OCCURRED_AT, openServing, rawLines } from './setup/ingest.ts';
import { insertSchema, someDigest } from './setup/versions.ts';

const database = await useTestDatabase();
const serving = await openServing(
  { database },
  [field('distance', 'FP64'), field('origin', 'STRING', { isNullable: true })],
  { distance: 1.5, origin: 'OSL' },
);
const { line, endpoint, version } = serving;

const append = (...texts: (string | Uint8Array)[]) => appendPredictions(database, rawLines(texts));

const count = async (table: string, requestId: string): Promise<number> => {
  const [row] = await database.query<{ n: number }>({
    text: `SELECT count(*)::int AS n FROM ${table} WHERE request_id = $1`,
    values: [requestId],
  });
  return row?.n ?? -1;
};

const nothing = { received: 0, stored: 0, duplicates: 0, conflicts: 0, rejected: 0 };

describe('a record sent again', () => {
  it('changes nothing when its content is the same, however it is written', async () => {
    const id = unique('same');
    const first = {
      modelVersion: version.digest,
      output: { b: [1, 2], a: 'x' },
      score: 1,
      latencyMs: 2,
      label: null,
    };
    const other = `{ "score" : 1.0e0, "latencyMs": 2.00, "output":{"a":"\\u0078","b":[1.0,2]},
      "features":{"origin":{"value":"OSL"},"distance":15e-1},
      "modelVersion": {"semver":"1.0.0","model":"${version.model}"},
      "featureSchema": "${serving.schema.digest}", "item": 0, "samplingRate": 1.0,
      "endpoint":{"environment":"production","name":"${endpoint.name}"},
      "occurredAt":"2026-04-03T16:03:27.1234560+02:00","requestId":"${id}"}`;
    expect(await append(line(id, first))).toEqual({
      ...nothing,
      received: 1,
      stored: 1,
      results: [],
    });
    expect(await append(other.replaceAll('\n', ' '))).toEqual({
      ...nothing,
      received: 1,
      duplicates: 1,
      results: [
        {
          line: 1,
          requestId: id,
          status: 'DUPLICATE',
          code: null,
          path: null,
          value: null,
          message: 'This prediction is stored already, with the same content; nothing was changed',
          rejectedId: null,
        },
      ],
    });
    expect(await count('prediction_log', id)).toBe(1);
    expect(await count('prediction_conflict', id)).toBe(0);
  });

  it.each([
    ['score', { score: -0 }, { score: 0 }],
    ['score', { score: 'NaN' }, {}],
    ['label', { label: '' }, {}],
    ['label', { label: '\\N' }, {}],
    ['output', { output: null }, {}],
    ['output', { output: '1' }, { output: 1 }],
    ['latency', { latencyMs: 0 }, {}],
    ['sampling rate', { samplingRate: 0.5 }, {}],
    ['sampling rate', { samplingRate: 0.25 }, { samplingRate: 0.5 }],
    ['entity', { entityKey: 'a' }, { entityKey: 'b' }],
    ['trace', { traceId: 'a' }, { entityKey: 'a' }],
    ['feature', { features: { distance: 1.5, origin: null } }, {}],
    ['feature', { features: { distance: 1.5 } }, { features: { distance: 1.5, origin: null } }],
    ['feature', { features: { distance: 1.5, origin: 'a\tb' } }, {}],
    ['status', { features: { distance: { value: 1.5, status: 'DEFAULTED' }, origin: 'OSL' } }, {}],
    [
      'time of a feature',
      { features: { distance: { value: 1.5, observedAt: OCCURRED_AT }, origin: 'OSL' } },
      {},
    ],
  ])('is a conflict when its %s differs', async (_, one, other) => {
    const id = unique('other');
    const write = (members: Record<string, unknown>): string =>
      line(id, members).replace('"score":0', '"score":-0');
    const first = line(id, other);
    const second = Object.is((one as { score?: unknown }).score, -0) ? write(one) : line(id, one);
    expect(countsOf(await append(first))).toEqual({ ...nothing, received: 1, stored: 1 });
    const report = await append(second);
    expect(countsOf(report)).toEqual({ ...nothing, received: 1, conflicts: 1 });
    expect(report.results[0]?.message).toBe(
      'A prediction with this request ID, time, endpoint and item is stored with other content; that one stands, and this one is kept as a conflict',
    );
    const kept = await database.query<{ record: string }>({
      text: 'SELECT record FROM prediction_conflict WHERE request_id = $1',
      values: [id],
    });
    expect(kept).toEqual([{ record: second }]);
  });

  it('is a conflict when it names another schema or version with the same values', async () => {
    const id = unique('schema');
    const fields = [field('distance', 'FP64'), field('origin', 'STRING', { isNullable: true })];
    const other = await insertSchema(database, fields);
    await append(line(id));
    const report = await append(line(id, { featureSchema: other.digest }));
    expect(countsOf(report)).toEqual({ ...nothing, received: 1, conflicts: 1 });
  });

  it('keeps each different conflict once and says so each time', async () => {
    const id = unique('twice');
    await append(line(id));
    const again = await append(line(id, { score: 1 }), line(id, { score: 2 }));
    expect(countsOf(again)).toEqual({ ...nothing, received: 2, conflicts: 2 });
    expect(countsOf(await append(line(id, { score: 1 })))).toEqual({
      ...nothing,
      received: 1,
      conflicts: 1,
    });
    expect(await count('prediction_conflict', id)).toBe(2);
  });

  it('is told apart within one batch too: the first stands', async () => {
    const id = unique('batch');
    const report = await append(
      line(id),
      line(id, { score: 1 }),
      line(id),
      line(id, { score: 1 }),
      line(id, { item: 1 }),
    );
    expect(countsOf(report)).toEqual({
      received: 5,
      stored: 2,
      duplicates: 1,
      conflicts: 2,
      rejected: 0,
    });
    expect(report.results.map((result) => [result.line, result.status])).toEqual([
      [2, 'CONFLICT'],
      [3, 'DUPLICATE'],
      [4, 'CONFLICT'],
    ]);
    expect(await count('prediction_log', id)).toBe(2);
    expect(await count('prediction_conflict', id)).toBe(1);
  });
});

describe('the append', () => {
  const batch = (size: number): string[] => {
    const prefix = unique('many');
    return Array.from({ length: size }, (_, n) => line(`${prefix}-${n}`));
  };

  it('sends as many statements for 1000 rows as for one', async () => {
    await append(line(unique('warm')));
    const kinds = async (size: number) => {
      const sent = await statementsDuring(database, () => append(...batch(size)));
      // One engine shows the statements that begin and end a transaction, the other does not.
      return sent
        .map((sql) => /^\w+/.exec(sql)?.[0])
        .filter((verb) => !/BEGIN|COMMIT/.test(verb ?? ''));
    };
    expect(await kinds(1)).toEqual(['SELECT', 'COPY', 'WITH']);
    expect(await kinds(1000)).toEqual(['SELECT', 'COPY', 'WITH']);
  });

  it('sends a constant number of statements for exceptions too', async () => {
    const warm = batch(1000);
    await append(...warm);
    const other = warm.map((text) => text.replace('1.5', '2.5'));
    const bad = warm.map((_, n) => `{"requestId":${n}}`);
    const mixed = (size: number) =>
      statementsDuring(database, () =>
        append(...warm.slice(0, size), ...other.slice(0, size), ...bad.slice(0, size)),
      );
    const [one, thousand] = [await mixed(1), await mixed(1000)];
    expect(thousand).toHaveLength(one.length);
    expect(one.filter((sql) => !/^(BEGIN|COMMIT|ROLLBACK)/.test(sql))).toHaveLength(10);
  });

  it('counts by hour in the same transaction, and exactly for any window', async () => {
    const own = await openServing({ database }, [field('distance', 'FP64')], { distance: 1 });
    const times = [
      '13:59:59.999999',
      '14:00:00',
      '14:30:00',
      '15:00:00',
      '15:59:59.999999',
      '16:00:00',
    ];
    const texts = times.map((time, n) => own.line(`r${n}`, { occurredAt: `2026-04-03T${time}Z` }));
    await append(...texts);
    await append(...texts);
    const micros = (time: string) => Date.parse(`2026-04-03T${time}Z`) * 1000;
    const counted = async (from?: string, to?: string) => {
      const spans = await answeredSpans(
        database,
        (parameter) => `model_version_id = ${parameter(own.version.id, 'int')}`,
        {
          from: from === undefined ? null : micros(from),
          to: to === undefined ? null : micros(to),
        },
      );
      return spans.reduce((total, { count }) => total + count, 0);
    };
    expect(await counted()).toBe(6);
    expect(await counted('14:00:00')).toBe(5);
    expect(await counted(undefined, '14:00:00')).toBe(1);
    expect(await counted('13:59:59', '16:00:01')).toBe(6);
    expect(await counted('14:30:00', '15:30:00')).toBe(2);
    expect(await counted('14:10:00', '14:50:00')).toBe(1);
    expect(await counted('15:00:00', '15:00:00')).toBe(0);
    const rollups = await database.query({
      text: `SELECT hour, count, first_at, last_at FROM prediction_rollup WHERE model_version_id = $1 ORDER BY hour`,
      values: [own.version.id],
    });
    expect(rollups).toHaveLength(4);
    expect(rollups[2]).toEqual({
      hour: micros('15:00:00'),
      count: 2n,
      first_at: micros('15:00:00'),
      last_at: micros('15:59:59.999') + 999,
    });
  });

  it('stores a batch once when several writers send it at the same time', async () => {
    const texts = batch(200);
    const reports = await Promise.all([
      append(...texts),
      append(...texts.toReversed()),
      append(...texts),
    ]);
    const sum = (name: 'stored' | 'duplicates' | 'conflicts' | 'rejected') =>
      reports.reduce((total, report) => total + report[name], 0);
    expect([sum('stored'), sum('duplicates'), sum('conflicts'), sum('rejected')]).toEqual([
      200, 400, 0, 0,
    ]);
  });

  it('stores nothing of a batch that fails half-way', async () => {
    const id = unique('half');
    await database.query({ text: 'ALTER TABLE rejected_record RENAME TO hidden' });
    try {
      await expect(append(line(id), '{')).rejects.toThrow('rejected_record');
    } finally {
      await database.query({ text: 'ALTER TABLE hidden RENAME TO rejected_record' });
    }
    expect(await count('prediction_log', id)).toBe(0);
    expect(countsOf(await append(line(id)))).toEqual({ ...nothing, received: 1, stored: 1 });
  });

  it('makes a partition again that retention dropped', async () => {
    const occurredAt = '2003-05-07T12:00:00Z';
    await append(line(unique('kept'), { occurredAt }));
    await database.query({ text: 'DROP TABLE prediction_log_p20030505' });
    const report = await append(line(unique('kept'), { occurredAt }));
    expect(countsOf(report)).toEqual({ ...nothing, received: 1, stored: 1 });
  });

  it('looks up 5000 references that do not exist in the same number of statements', async () => {
    const unknown = (size: number) =>
      Array.from({ length: size }, (_, n) =>
        line(unique('u'), {
          modelVersion: { model: `none-${n}`, semver: '1.0.0' },
          featureSchema: { name: `none-${n}`, semver: '1.0.0' },
          endpoint: { name: `none-${n}`, environment: 'production' },
        }),
      );
    const digests = (size: number) =>
      Array.from({ length: size }, () =>
        line(unique('u'), { modelVersion: someDigest(), featureSchema: someDigest() }),
      );
    for (const texts of [unknown, digests]) {
      const one = await statementsDuring(database, () => append(...texts(1)));
      const many = await statementsDuring(database, () => append(...texts(5000)));
      expect(many.length).toBe(one.length);
    }
  });
});
