import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import type { ArchiveStore } from '../src/platform/archive-store.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import type { Database } from '../src/platform/database.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { type ArchiveFile, selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { withDuckdb } from '../src/prediction/duckdb.ts';
import { LOG_COLUMNS, type LogRow } from '../src/prediction/log-columns.ts';
import {
  ensurePartitions,
  type LogWeek,
  readPartitions,
  weekOf,
} from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { logPartitions } from '../src/retention/log-partitions.ts';
import { readPartition } from '../src/retention/read-partition.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const actor = localActor('tester');
const hindcast = await openTestHindcast(actor, [], null, signer);
const { database, archive, artifacts, ask, respond } = hindcast;
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

/** A week with every kind of value, and one row of another schema, whose request ID is returned. */
const fill = async (at: string): Promise<string> => {
  const request = unique('r');
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
    plain.line(request, { occurredAt: at, traceId: '0af7651916cd43dd8448eb211c80319c' }),
  );
  const report = await appendPredictions(database, rawLines(lines));
  expect(report).toMatchObject({ stored: 10, results: [] });
  return request;
};

/** Bytes of rows on the server that is asked, which has none of its own where they are on other nodes. */
const keptHere = async ({ partition }: LogWeek): Promise<bigint | undefined> => {
  const [row] = await database.query<{ bytes: bigint }>({
    text: `SELECT pg_relation_size('${partition}') AS bytes`,
  });
  return row?.bytes;
};

const filesOf = ({ partition }: LogWeek): Promise<ArchiveFile[]> =>
  selectArchiveFiles(database, 'a.partition = $1 ORDER BY f.feature_schema_id', [partition]);

const pathOf = ({ digest }: ArchiveFile): string => join(archive.location, storeKey(digest));

const discrepancies = async () => {
  await sealLedger(database, signer);
  const keys = [signer.verifierKey];
  const report = await verifyLedger(database, { keys, witnesses: [], artifacts, archive });
  return report.discrepancies;
};

const byRequest = (requestId: string, occurredAt?: string) => ({
  request: {
    requestId,
    endpoint: { name: plain.endpoint.name, environment: plain.endpoint.environment },
    ...(occurredAt === undefined ? {} : { occurredAt }),
  },
});
const FOUND = `requestId source archiveFile { digest partition location } digest
  outcome { label } proof { index }`;
const FIND = `query ($by: PredictionLogReference!) { predictionLog(by: $by) { ${FOUND} }
  trace(prediction: $by) { prediction { requestId } features { name text status } } }`;
const REQUEST = `query ($by: RequestReference!) { request(by: $by) {
  predictions { ${FOUND} } gaps { subject reason message } } }`;

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

  it('is of a week whose bytes are counted on all nodes', async () => {
    const [filled, empty] = [someWeek(), someWeek()];
    await fill(filled.at);
    await ensurePartitions(database, [empty.week.from]);
    const listed = await logPartitions(database);
    const bytesOf = ({ week: { partition } }: { readonly week: LogWeek }): number =>
      listed.find((one) => one.partition === partition)?.bytes ?? 0;
    expect(bytesOf(empty)).toBeGreaterThan(0);
    expect(bytesOf(filled)).toBeGreaterThan(bytesOf(empty));
  });

  it('leaves no rows but those of the nodes that have them when a week is back', async () => {
    const { week, at } = someWeek();
    await fill(at);
    const kept = await keptHere(week);
    await archivePartition(database, archive, week, order);
    await restorePartition(database, archive, week, order);
    expect(await keptHere(week)).toBe(kept);
  });

  it('is Parquet with one typed column a feature, exact to the bit', async () => {
    const { week, at } = someWeek();
    await fill(at);
    await archivePartition(database, archive, week, order);
    const [file] = await filesOf(week);
    const read = (sql: string) =>
      withDuckdb(async (connection) => {
        const result = await connection.runAndReadAll(
          sql.replace('FILE', `'${file === undefined ? '' : pathOf(file)}'`),
        );
        return result.getRowObjectsJS();
      });
    const types = await read(
      'SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet(FILE))',
    );
    expect(
      Object.fromEntries(types.map((row) => [row.column_name, row.column_type])),
    ).toMatchObject({
      occurred_at: 'TIMESTAMP WITH TIME ZONE',
      score: 'DOUBLE',
      'feature:double': 'DOUBLE',
      'feature:single': 'FLOAT',
      'feature:integer': 'BIGINT',
      'feature:flag': 'BOOLEAN',
      'feature:text': 'VARCHAR',
      'feature:Text#2': 'VARCHAR',
      'feature:seen': 'TIMESTAMP WITH TIME ZONE',
      'feature:vector': 'FLOAT[]',
      'status:Text#2': 'VARCHAR',
    });
    const rows = await read(
      `SELECT "feature:double" AS double, "status:double" AS status, "feature:single" AS single,
        epoch_us("feature:seen") AS seen, "feature:integer" AS integer, "status:defaulted" AS defaulted, model_version
      FROM read_parquet(FILE) WHERE entity_key IS NOT NULL ORDER BY entity_key`,
    );
    const odd = [Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, null, 1e308];
    expect(rows).toEqual(
      odd.map((double, n) => ({
        double,
        status: double === null ? 'NULL' : 'PRESENT',
        single: n % 2 === 0 ? -0 : 0,
        seen: 1775225007123456n,
        integer: 9223372036854775807n,
        defaulted: 'DEFAULTED',
        model_version: `${serving.version.model}@1.0.0`,
      })),
    );
    const [metadata] = await read('SELECT decode(value) AS text FROM parquet_kv_metadata(FILE)');
    expect(JSON.parse(String(metadata?.text))).toMatchObject({
      format: 'hindcast-log/1',
      partition: week.partition,
      featureSchema: { digest: serving.schema.digest },
    });
  });
});

describe('an archived prediction', async () => {
  const { week, at } = someWeek();
  const request = await fill(at);
  await sealLedger(database, signer);
  const by = byRequest(request);
  const before = await ask<{ predictionLog: object; trace: object }>(FIND, { by });
  await archivePartition(database, archive, week, order);
  const file = (await filesOf(week)).find(
    ({ featureSchemaId }) => featureSchemaId === plain.schema.id,
  );

  it('is found by its ID, with and without its time, and says where it was read', async () => {
    const archived = {
      predictionLog: {
        ...before.predictionLog,
        source: 'ARCHIVE',
        archiveFile: {
          digest: file?.digest,
          partition: week.partition,
          location: archive.location,
        },
      },
      trace: before.trace,
    };
    expect(before.predictionLog).toMatchObject({
      source: 'LOG',
      proof: { index: expect.any(Number) },
    });
    expect(await ask(FIND, { by })).toEqual(archived);
    expect(await ask(FIND, { by: byRequest(request, at) })).toEqual(archived);
    const otherTime = new Date(Date.parse(at) + 1).toISOString();
    const none = { predictionLog: null, trace: null };
    expect(await ask(FIND, { by: byRequest(request, otherTime) })).toEqual(none);
  });

  it('answers its request, by request ID, trace ID and entity', async () => {
    const asked = async (reference: object) => {
      const { request: report } = await ask<{
        request: { predictions: { source: string }[]; gaps: { reason: string }[] };
      }>(REQUEST, { by: reference });
      return report;
    };
    const one = await asked({ requestId: request });
    expect(one.predictions).toEqual([
      expect.objectContaining({ requestId: request, source: 'ARCHIVE' }),
    ]);
    expect(one.gaps).toEqual([]);
    const traced = await asked({ traceId: '0af7651916cd43dd8448eb211c80319c' });
    expect(traced.predictions).toContainEqual(expect.objectContaining({ source: 'ARCHIVE' }));
    const during = { from: at, to: new Date(Date.parse(at) + 1).toISOString() };
    const entity = await asked({ entity: { key: 'entity-3', during } });
    expect(entity.predictions).toEqual([expect.objectContaining({ source: 'ARCHIVE' })]);
  });

  it('leaves a stated gap in searches, and its count', async () => {
    const window = { from: at, to: new Date(Date.parse(at) + 3_600_000).toISOString() };
    const { predictionLogs } = await ask<{ predictionLogs: object }>(
      `query ($filter: PredictionLogFilter!) { predictionLogs(filter: $filter) {
        nodes { requestId } gaps { subject reason message } } }`,
      { filter: { occurredAt: window } },
    );
    expect(predictionLogs).toEqual({
      nodes: [],
      gaps: [
        {
          subject: 'predictions',
          reason: 'EXPIRED',
          message: expect.stringMatching(
            /^One week between .*, with 10 predictions in all, is archived/,
          ),
        },
      ],
    });
    const { version } = await ask<{ version: { id: string } }>(
      'query ($by: ModelVersionReference!) { version: modelVersion(by: $by) { id } }',
      { by: { digest: plain.version.digest } },
    );
    const { impact } = await ask<{ impact: object }>(
      `query ($of: ImpactRoot!, $during: TimeWindow) { impact(of: $of, during: $during) {
        predictionCount gaps { reason message } } }`,
      { of: { id: version.id }, during: window },
    );
    expect(impact).toEqual({
      predictionCount: 1,
      gaps: [{ reason: 'EXPIRED', message: expect.stringMatching(/^1 of the affected/) }],
    });
  });

  it('is never said not to exist while its file is missing', async () => {
    const path = file === undefined ? '' : pathOf(file);
    const bytes = await readFile(path);
    await rm(path);
    const { errors } = await respond(FIND, { by });
    const { request: report } = await ask<{ request: object }>(REQUEST, {
      by: { requestId: request },
    });
    await writeFile(path, bytes);
    const where = `Its file was put into ${archive.location} and is not there any more.`;
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining(where),
      extensions: { code: 'EVIDENCE_EXPIRED' },
    });
    expect(report).toEqual({
      predictions: [],
      gaps: [{ subject: 'prediction', reason: 'EXPIRED', message: expect.stringContaining(where) }],
    });
  });

  it('is not stored a second time: late records wait until the week is back', async () => {
    const lines = [
      plain.line(request, { occurredAt: at }),
      plain.line(unique('late'), { occurredAt: at }),
    ];
    const report = await appendPredictions(database, rawLines(lines));
    expect(report).toMatchObject({ stored: 0, rejected: 2 });
    expect(report.results[0]).toMatchObject({ code: 'WEEK_ARCHIVED', path: 'occurredAt' });
    await restorePartition(database, archive, week, order);
    expect(await rowsOf(week)).toHaveLength(11);
    const [waiting] = await database.query<{ count: bigint }>({
      text: "SELECT count(*) AS count FROM rejected_record WHERE code = 'WEEK_ARCHIVED' AND resolved_at IS NULL",
    });
    expect(waiting?.count).toBe(0n);
    expect(await discrepancies()).toEqual([]);
  });
});

describe('archiving', () => {
  const failing = (store: Partial<ArchiveStore>): ArchiveStore => ({ ...archive, ...store });
  const fail = () => Promise.reject(new Error('broken'));

  it.each<[string, (database: Database) => Database, ArchiveStore]>([
    ['storing the file', (own) => own, failing({ put: fail })],
    ['reading it back', (own) => own, failing({ open: fail })],
    ['finding it there', (own) => own, failing({ open: async () => null })],
    ['recording it', (own) => ({ ...own, transaction: fail }), archive],
    [
      'dropping the partition',
      (own) => ({
        ...own,
        transaction: (work) =>
          own.transaction((session) =>
            work({
              ...session,
              query: (statement) =>
                statement.text.startsWith('DROP') ? fail() : session.query(statement),
            }),
          ),
      }),
      archive,
    ],
  ])('loses nothing when it fails at %s', async (_, broken, store) => {
    const { week, at } = someWeek();
    await fill(at);
    const before = await rowsOf(week);
    await expect(archivePartition(broken(database), store, week, order)).rejects.toThrow();
    expect(await rowsOf(week)).toEqual(before);
    expect(await filesOf(week)).toEqual([]);
    expect(await archivePartition(database, archive, week, order)).toMatchObject({ rows: 10 });
  });

  it('refuses a partition whose rows do not come back as they are', async () => {
    const { week, at } = someWeek();
    await fill(at);
    await database.query({
      text: `UPDATE ${week.partition} SET numbers = array_append(numbers, 1) WHERE entity_key = 'entity-1'`,
    });
    await expect(archivePartition(database, archive, week, order)).rejects.toThrow(
      `${week.partition} is not archived: 9 rows of`,
    );
    expect(await readPartitions(database)).toContain(week.partition);
    await database.query({ text: `DROP TABLE ${week.partition}` });
    expect(await discrepancies()).toContainEqual(
      expect.objectContaining({ kind: 'REMOVED', row: week.partition }),
    );
    await database.query({
      text: `DELETE FROM prediction_rollup WHERE hour >= '${at}'::timestamptz - interval '1 day' AND hour < '${at}'::timestamptz + interval '1 day'`,
    });
  });

  it('notices what is appended while it reads, and tries later', async () => {
    const { week, at } = someWeek();
    await fill(at);
    const late = failing({
      put: async (path) => {
        await appendPredictions(database, rawLines([plain.line(unique('r'), { occurredAt: at })]));
        return archive.put(path);
      },
    });
    expect(await archivePartition(database, late, week, order)).toEqual({ status: 'BUSY' });
    expect(await rowsOf(week)).toHaveLength(12);
  });

  it('is done once when two do it at the same time', async () => {
    const { week, at } = someWeek();
    await fill(at);
    const results = await Promise.all(
      [1, 2].map(() => archivePartition(database, archive, week, order)),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['ARCHIVED', 'GONE']);
  });
});
