import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { featureSchemaById } from '../src/evidence/feature-schema.ts';
import { referenced } from '../src/platform/immutable-cache.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { withDuckdb } from '../src/prediction/duckdb.ts';
import { LOG_COLUMNS, type LogRow } from '../src/prediction/log-columns.ts';
import { type LogWeek, readPartitions, weekOf } from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { readPartition } from '../src/retention/read-partition.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';

const hindcast = await openTestHindcast();
const { database, archive } = hindcast;
const order = { actor: 'tester', reason: 'tested' };

const FIELDS = [
  field('double', 'FP64', { isNullable: true }),
  field('single', 'FP32'),
  field('integer', 'INT64'),
  field('flag', 'BOOL'),
  field('text', 'STRING'),
  field('Text', 'STRING', { isNullable: true }),
  field('seen', 'TIMESTAMP'),
  field('vector', 'FP32', { shape: [2, 2], isNullable: true }),
  field('defaulted', 'INT64', { defaultValue: '7' }),
];
const serving = await openServing(hindcast, FIELDS, null);
const plain = await openServing(hindcast, [field('x', 'FP64')], { x: 1 });

const features = (other: Record<string, unknown> = {}) => ({
  double: 0.1,
  single: 0.5,
  integer: '9223372036854775807',
  flag: true,
  text: 'tab\t"quote" 👩‍🚀 \\N',
  Text: null,
  seen: '2026-04-03T14:03:27.123456Z',
  vector: [
    ['NaN', '-0'],
    [1.5, null],
  ],
  defaulted: { value: 7, status: 'DEFAULTED' },
  ...other,
});

/** Weeks of their own, so that tests do not meet. */
let weeks = 0;
const someWeek = (): { readonly week: LogWeek; readonly at: string } => {
  weeks += 1;
  const instant = Date.parse('2011-01-05T10:00:00Z') * 1000 + weeks * 7 * 86_400e6;
  return { week: weekOf(instant), at: new Date(instant / 1000).toISOString() };
};

const rowsOf = async (week: LogWeek): Promise<readonly LogRow[]> => {
  const rows: LogRow[] = [];
  await readPartition(database, week, (some) => {
    rows.push(...some);
  });
  return rows;
};

/** A week with every kind of value, and one row of another schema. */
const fill = async (at: string): Promise<void> => {
  const odd = ['NaN', 'Infinity', '-Infinity', '-0', 0, 5e-324, null, 1e308];
  const lines = odd.map((double, n) =>
    serving.line(`${unique('r')}-${n}`, {
      occurredAt: at,
      entityKey: `entity-${n}`,
      features: features({ double, single: n % 2 === 0 ? '-0' : 0 }),
      score: n % 2 === 0 ? '-0' : 0,
      output: { a: [1, '2'] },
      latencyMs: 1.25,
    }),
  );
  const observed = { value: 3, observedAt: '2010-01-01T00:00:00.000001Z' };
  lines.push(
    serving.line(unique('r'), { occurredAt: at, features: features({ integer: observed }) }),
    plain.line(unique('r'), { occurredAt: at, traceId: '0af7651916cd43dd8448eb211c80319c' }),
  );
  const report = await appendPredictions(database, rawLines(lines));
  expect(report).toMatchObject({ stored: 10, results: [] });
};

describe('an archive', () => {
  it('knows every column of the log', async () => {
    const rows = await database.query<{ name: string }>({
      text: `SELECT attname::text AS name FROM pg_attribute
        WHERE attrelid = 'prediction_log'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    });
    expect(LOG_COLUMNS.map(({ name }) => name).sort()).toEqual(rows.map(({ name }) => name).sort());
  });

  it('takes a partition out of the log and brings it back bit for bit', async () => {
    const { week, at } = someWeek();
    await fill(at);
    const before = await rowsOf(week);
    const result = await archivePartition(database, archive, week, order);
    expect(result).toMatchObject({ status: 'ARCHIVED', rows: 10 });
    expect(await readPartitions(database)).not.toContain(week.partition);
    expect(await restorePartition(database, archive, week, order)).toBe(10);
    const after = await rowsOf(week);
    expect(after).toEqual(before);
    for (const [index, row] of after.entries()) {
      expect(row.score === null || Object.is(row.score, before[index]?.score)).toBe(true);
    }
  });
});
