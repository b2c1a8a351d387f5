import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { migrate, readMigrations } from '../src/platform/migrate.ts';
import { openEmptyDatabase } from './setup/database.ts';

const database = await openEmptyDatabase();
afterAll(() => database.close());

const LAYOUT = '20261127083000_log_layout';

const template = inject('template');
/** A log that is spread over a cluster keeps the order it has as soon as it has a week. */
const isSpread = 'url' in template && template.nodes.length > 0;

const rowsOf = async (): Promise<readonly unknown[]> =>
  database.query({
    text: `SELECT tableoid::regclass::text AS partition, to_json(ARRAY[request_id, entity_key, trace_id, label, output, undeclared]) AS texts,
        to_json(ARRAY[endpoint_id, item, model_version_id, feature_schema_id]) AS numbers, to_json(ARRAY[occurred_at, recorded_at]) AS times,
        numbers AS floats, integers, texts AS strings, statuses, feature_observed_at, score, latency_ms, digest, salt, batch_id, sampling_rate
      FROM prediction_log ORDER BY request_id`,
  });

/** A row of the log; an erased one has no content. */
const insertRow = (requestId: string, isErased: boolean): Promise<unknown> =>
  database.query({
    text: `INSERT INTO prediction_log (request_id, occurred_at, endpoint_id, item, model_version_id, feature_schema_id, entity_key,
        trace_id, numbers, integers, texts, statuses, feature_observed_at, undeclared, score, label, output, latency_ms, digest,
        recorded_at, salt, batch_id, sampling_rate)
      VALUES ($1, '2026-04-01T12:00:00.123456Z', 1, 2, 3, 4, $2, 'trace', '{NaN,-0,NULL}', '{9223372036854775807}', '{"a,b"}', '\\x010203',
        '{NULL,1767222000000000}', '{"x":1}', '-Infinity', 'LATE', '[0.1]', 2.5, $3::bytea, '2026-04-02T00:00:00Z', $4::bytea, 7, 0.5)`,
    values: [
      requestId,
      isErased ? null : `entity of ${requestId}`,
      isErased ? null : Buffer.alloc(32, 1),
      isErased ? null : Buffer.alloc(16, 2),
    ],
  });

let before: readonly unknown[] = [];

beforeAll(async () => {
  const migrations = await readMigrations();
  await migrate(
    database,
    migrations.filter(({ name }) => name < LAYOUT),
  );
  await database.query({
    text: `CREATE TABLE prediction_log_p20260330 PARTITION OF prediction_log
      FOR VALUES FROM ('2026-03-30T00:00:00Z') TO ('2026-04-06T00:00:00Z')`,
  });
  await database.query({
    text: `CREATE TABLE prediction_log_p20260406 PARTITION OF prediction_log
      FOR VALUES FROM ('2026-04-06T00:00:00Z') TO ('2026-04-13T00:00:00Z')`,
  });
  await insertRow('kept', false);
  await insertRow('erased', true);
  before = await rowsOf();
  await migrate(database);
}, 60_000);

it('keeps every row of the log when the order of its columns changes', async () => {
  expect(before).toHaveLength(2);
  expect(await rowsOf()).toEqual(before);
});

it('keeps the weeks of the log, and gives those that are empty the new order unless they are spread', async () => {
  const firstColumns = await database.query({
    text: `SELECT c.relname::text AS partition, pg_get_expr(c.relpartbound, c.oid) AS bound, a.attname::text AS first
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
      WHERE i.inhparent = 'prediction_log'::regclass ORDER BY 1`,
  });
  expect(firstColumns).toEqual([
    {
      partition: 'prediction_log_p20260330',
      bound: "FOR VALUES FROM ('2026-03-30 00:00:00+00') TO ('2026-04-06 00:00:00+00')",
      first: 'request_id',
    },
    {
      partition: 'prediction_log_p20260406',
      bound: "FOR VALUES FROM ('2026-04-06 00:00:00+00') TO ('2026-04-13 00:00:00+00')",
      first: isSpread ? 'request_id' : 'occurred_at',
    },
  ]);
});

it('leaves the same indexes on old weeks as on new ones, and nothing of the table before', async () => {
  const indexesOf = async (partition: string): Promise<readonly unknown[]> => {
    const rows = await database.query<{ definition: string }>({
      text: `SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indrelid = '${partition}'::regclass`,
    });
    return rows
      .map(({ definition }) => definition.replace(/^.* USING /, '').replace(/ WITH .*$/, ''))
      .sort();
  };
  const indexes = [
    'brin (batch_id)',
    'brin (occurred_at)',
    'btree (hashtextextended(entity_key, (0)::bigint), occurred_at)',
    'btree (hashtextextended(trace_id, (0)::bigint))',
    'btree (model_version_id, occurred_at)',
    'btree (request_id, occurred_at, endpoint_id, item)',
  ];
  expect(await indexesOf('prediction_log_p20260330')).toEqual(indexes);
  expect(await indexesOf('prediction_log_p20260406')).toEqual(indexes);
  const [left] = await database.query({
    text: `SELECT to_regclass('prediction_log_before')::text AS name`,
  });
  expect(left).toEqual({ name: null });
});

it('still refuses a second row of one identity, and takes rows into weeks of either order', async () => {
  await expect(insertRow('kept', false)).rejects.toThrow('duplicate key');
  await insertRow('later', false);
  expect(await rowsOf()).toHaveLength(3);
});
