import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postFile, warmUp, writeLines } from './append-rows.ts';
import { PROJECT } from './flights.ts';
import { registerAndStart, serve } from './hindcast.ts';
import type { Options } from './options.ts';
import { createScratch, type Scratch } from './postgresql.ts';
import { run } from './processes.ts';
import { type Measured, ratio, times } from './report.ts';

const CREATE_MANY_ROWS = 10_000;
const WARM_UP_ROWS = 50_000;

const psql = ({ url }: Scratch, command: string): Promise<string> =>
  run('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', command]);

/** Rows a second of a `\copy`, by psql's own clock: without its start. */
const copied = async ({ url }: Scratch, rows: number, command: string): Promise<number> => {
  const output = await run('psql', ['-X', '-d', url, '-c', '\\timing', '-c', command]);
  const ms = /Time: ([\d.]+) ms/.exec(output)?.[1];
  if (!output.includes(`COPY ${rows}`)) throw new Error(`Not all rows were copied: ${output}`);
  return rows / (Number(ms) / 1000);
};

const COLUMNS =
  `request_id, occurred_at, endpoint, item, model_version, feature_schema, entity_key, trace_id, features,
  score, label, output, latency_ms`.replaceAll('\n', '');
const MEMBERS =
  `record->>'requestId', record->>'occurredAt', record->'endpoint'->>'name', record->>'item',
  record->'modelVersion'->>'semver', record->'featureSchema'->>'semver', record->>'entityKey', record->>'traceId',
  record->'features', record->>'score', record->>'label', record->'output', record->>'latencyMs'`.replaceAll(
    '\n',
    '',
  );

/** The jsonb tables, with the rows in a file for them. */
const prepareJsonb = async (url: string, lines: string, file: string): Promise<Scratch> => {
  const jsonb = await createScratch(url);
  await jsonb.pool.query(await readFile(`${PROJECT}bench/peers/jsonb-table.sql`, 'utf8'));
  await psql(jsonb, `\\copy line FROM '${lines}' CSV QUOTE e'\\x01' DELIMITER e'\\x02'`);
  await psql(jsonb, `\\copy (SELECT ${MEMBERS} FROM line) TO '${file}'`);
  await jsonb.pool.query('DROP TABLE line');
  return jsonb;
};

/** Nobody pays for the pages that another wrote. */
const empty = async ({ pool }: Scratch, ...tables: readonly string[]): Promise<void> => {
  await pool.query(`TRUNCATE ${tables.join(', ')}`);
  await pool.query('CHECKPOINT');
};

/** Bytes a row in all partitions, with their indexes. */
const logBytes = async ({ pool }: Scratch, rows: number): Promise<number> => {
  const { rows: sums } = await pool.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits WHERE inhparent = 'prediction_log'::regclass`,
  );
  return Number(sums[0]?.bytes) / rows;
};

const tableBytes = async ({ pool }: Scratch, table: string, rows: number): Promise<number> => {
  const { rows: sizes } = await pool.query<{ bytes: string }>(
    'SELECT pg_total_relation_size($1::regclass) AS bytes',
    [table],
  );
  return Number(sizes[0]?.bytes) / rows;
};

interface Rates {
  readonly hindcast: number[];
  readonly copy: number[];
  readonly jsonb: number[];
  readonly indexedJsonb: number[];
  readonly createMany: number[];
}

/** Appends the same rows by each way, in turns, each from a process of its own and into empty tables. */
export const measureAppends = async (options: Options): Promise<readonly Measured[]> => {
  const { url, flights, appendRows: rows, rounds } = options;
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-bench-'));
  const [lines, warm, log, plain] = ['lines', 'warm', 'log', 'plain'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const placement = { rows, from: new Date('2026-01-01'), days: 10, dense: 0 };
  await writeLines(lines, placement, flights);
  await writeLines(warm, warmUp(WARM_UP_ROWS), flights);

  const ours = await createScratch(url);
  const server = await serve({ database: ours.url });
  await registerAndStart(server.url);
  await postFile(server.url, warm, WARM_UP_ROWS);
  await empty(ours, 'prediction_log', 'prediction_rollup');
  await postFile(server.url, lines, rows);
  await psql(ours, `\\copy (SELECT * FROM prediction_log) TO '${log}'`);
  // The same versions, schemas and partitions, and the same rows for `createMany` to read.
  const peer = await createScratch(url);
  await run('sh', [
    '-c',
    `pg_dump -d '${ours.url}' --exclude-table-data='prediction_log_p*' | psql -X -q -d '${peer.url}'`,
  ]);
  const jsonb = await prepareJsonb(url, lines, plain);

  const rates: Rates = { hindcast: [], copy: [], jsonb: [], indexedJsonb: [], createMany: [] };
  const many = fileURLToPath(new URL('peers/create-many.js', import.meta.url));
  for (let round = 0; round < rounds; round += 1) {
    await empty(peer, 'prediction_log');
    const parameters = [many, ours.url, peer.url, String(CREATE_MANY_ROWS)];
    rates.createMany.push(Number(await run(process.execPath, parameters)));
    await empty(ours, 'prediction_log', 'prediction_rollup');
    rates.hindcast.push(await postFile(server.url, lines, rows));
    await empty(peer, 'prediction_log');
    rates.copy.push(await copied(peer, rows, `\\copy prediction_log FROM '${log}'`));
    for (const [table, into] of [
      ['plain_prediction', rates.jsonb],
      ['indexed_prediction', rates.indexedJsonb],
    ] as const) {
      await empty(jsonb, table);
      into.push(await copied(jsonb, rows, `\\copy ${table} (${COLUMNS}) FROM '${plain}'`));
    }
  }
  const bytes = {
    ours: await logBytes(ours, rows),
    jsonb: await tableBytes(jsonb, 'indexed_prediction', rows),
  };
  await server.stop();
  for (const scratch of [ours, peer, jsonb]) await scratch.drop();
  await rm(folder, { recursive: true });
  return [...ratesOf(rates), bytesOf(bytes)];
};

const bytesOf = (bytes: { readonly ours: number; readonly jsonb: number }): Measured => {
  const share = bytes.ours / bytes.jsonb;
  return {
    what: 'a prediction with its indexes',
    unit: 'bytes',
    values: [bytes.ours],
    compared: `${times(share)} jsonb with indexes for the same (${Math.round(bytes.jsonb)} bytes)`,
    target: { text: '≤ 0.5 × jsonb', isReached: share <= 0.5 },
  };
};

const ratesOf = (rates: Rates): readonly Measured[] => {
  const unit = 'rows/s';
  const ofCopy = ratio(rates.hindcast, rates.copy);
  const ofJsonb = ratio(rates.hindcast, rates.jsonb);
  const ofMany = ratio(rates.hindcast, rates.createMany);
  return [
    {
      what: 'append: NDJSON over HTTP to durable rows, one stream',
      unit,
      values: rates.hindcast,
      compared: `${times(ofCopy)} \\copy, ${times(ofJsonb)} \\copy jsonb, ${times(ofMany)} createMany`,
      target: {
        text: '≥ 0.55, ≥ 1.0, ≥ 12',
        isReached: ofCopy >= 0.55 && ofJsonb >= 1 && ofMany >= 12,
      },
    },
    { what: 'psql \\copy of the same rows into the same table', unit, values: rates.copy },
    { what: 'psql \\copy into a plain jsonb table', unit, values: rates.jsonb },
    {
      what: "psql \\copy into a jsonb table with the log's indexes",
      unit,
      values: rates.indexedJsonb,
    },
    { what: 'Prisma createMany', unit, values: rates.createMany },
  ];
};
