import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { flightLines, type Placement, PROJECT } from './flights.ts';
import { append, registerAndStart, serve } from './hindcast.ts';
import type { Options } from './options.ts';
import { createScratch, nameOf, type Scratch, settle } from './postgresql.ts';
import { run } from './processes.ts';
import { type Measured, ratio, times } from './report.ts';

const CREATE_MANY_ROWS = 10_000;

const psql = ({ url }: Scratch, command: string): Promise<string> =>
  run('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', command]);

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
};

/** A database with the example's versions and nothing in the log but its partitions. */
const prepare = async (url: string, placement: Placement, file: string): Promise<Scratch> => {
  const scratch = await createScratch(url);
  const server = await serve({ database: scratch.url });
  await registerAndStart(server.url);
  await append(server.url, new Uint8Array(await readFile(file)), placement.rows);
  await server.stop();
  return scratch;
};

const plainColumns =
  `record->>'requestId', record->>'occurredAt', record->'endpoint'->>'name', record->>'item',
  record->'modelVersion'->>'semver', record->'featureSchema'->>'semver', record->>'entityKey', record->>'traceId',
  record->'features', record->>'score', record->>'label', record->'output', record->>'latencyMs'`.replaceAll(
    '\n',
    '',
  );
const PLAIN_TARGET =
  'plain_prediction (request_id, occurred_at, endpoint, item, model_version, feature_schema, entity_key, trace_id, features, score, label, output, latency_ms)';

/** Bytes a row with the indexes of the log, in both forms. */
const bytesOf = async (filled: Scratch, plain: Scratch, rows: number): Promise<Measured> => {
  await plain.pool.query(`CREATE INDEX ON plain_prediction (model_version, occurred_at);
    CREATE INDEX ON plain_prediction (entity_key, occurred_at);
    CREATE INDEX ON plain_prediction (trace_id);
    CREATE INDEX ON plain_prediction USING brin (occurred_at)`);
  await plain.pool.query('VACUUM plain_prediction');
  const { rows: ours } = await filled.pool.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits WHERE inhparent = 'prediction_log'::regclass`,
  );
  const { rows: theirs } = await plain.pool.query<{ bytes: string }>(
    `SELECT pg_total_relation_size('plain_prediction') AS bytes`,
  );
  const values = [Number(ours[0]?.bytes) / rows];
  const share = ratio(values, [Number(theirs[0]?.bytes) / rows]);
  return {
    what: 'a prediction with its indexes',
    unit: 'bytes',
    values,
    compared: `${times(share)} jsonb with the same indexes`,
    target: { text: '≤ 0.5 × jsonb', isReached: share <= 0.5 },
  };
};

/** Appends the same rows by each way, in turns. */
export const measureAppends = async ({
  url,
  flights,
  appendRows: rows,
  rounds,
}: Options): Promise<readonly Measured[]> => {
  const placement = { rows, from: new Date('2026-01-01'), days: 10, dense: 0 };
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-bench-'));
  const file = (name: string): string => join(folder, name);
  const lines = Readable.from(flightLines(placement, flights)).map((line: string) => `${line}\n`);
  await pipeline(lines, createWriteStream(file('lines')));

  const filled = await prepare(url, placement, file('lines'));
  await psql(filled, `\\copy (SELECT * FROM prediction_log) TO '${file('log')}'`);
  const plain = await createScratch(url);
  await plain.pool.query(await readFile(`${PROJECT}bench/peers/jsonb-table.sql`, 'utf8'));
  await psql(plain, `\\copy line FROM '${file('lines')}' CSV QUOTE e'\\x01' DELIMITER e'\\x02'`);
  await psql(plain, `\\copy (SELECT ${plainColumns} FROM line) TO '${file('plain')}'`);
  await filled.pool.end();
  const empty = await createScratch(url, nameOf(filled));
  await empty.pool.query('TRUNCATE prediction_log, prediction_rollup');
  await empty.pool.end();

  const perSecond = {
    hindcast: [] as number[],
    copy: [] as number[],
    jsonb: [] as number[],
    createMany: [] as number[],
  };
  const body = new Uint8Array(await readFile(file('lines')));
  for (let round = 0; round < rounds; round += 1) {
    const ours = await createScratch(url, nameOf(empty));
    const server = await serve({ database: ours.url });
    await append(server.url, Buffer.from('{}\n{}\n') as never, 0).catch(() => undefined);
    perSecond.hindcast.push(rows / (await secondsOf(() => append(server.url, body, rows))));
    await server.stop();
    await ours.drop();

    const same = await createScratch(url, nameOf(empty));
    const copySame = () => psql(same, `\\copy prediction_log FROM '${file('log')}'`);
    perSecond.copy.push(rows / (await secondsOf(copySame)));
    await same.drop();

    await plain.pool.query('TRUNCATE plain_prediction');
    const copyPlain = () => psql(plain, `\\copy ${PLAIN_TARGET} FROM '${file('plain')}'`);
    perSecond.jsonb.push(rows / (await secondsOf(copyPlain)));

    const prisma = await createScratch(url, nameOf(empty));
    const peer = fileURLToPath(new URL('peers/create-many.js', import.meta.url));
    const source = await createScratch(url, nameOf(filled));
    const parameters = [peer, source.url, prisma.url, String(CREATE_MANY_ROWS)];
    perSecond.createMany.push(Number(await run(process.execPath, parameters)));
    await source.drop();
    await prisma.drop();
  }
  const again = await createScratch(url, nameOf(filled));
  await settle(again);
  const bytes = await bytesOf(again, plain, rows);
  for (const scratch of [again, plain]) await scratch.drop();
  await rm(folder, { recursive: true });
  return [...rowsOf(perSecond), bytes];
};

const rowsOf = (perSecond: Readonly<Record<string, readonly number[]>>): readonly Measured[] => {
  const { hindcast = [], copy = [], jsonb = [], createMany = [] } = perSecond;
  const unit = 'rows/s';
  const [ofCopy, ofJsonb, ofMany] = [
    ratio(hindcast, copy),
    ratio(hindcast, jsonb),
    ratio(hindcast, createMany),
  ];
  return [
    {
      what: 'append: NDJSON over HTTP to durable rows, one stream',
      unit,
      values: hindcast,
      compared: `${times(ofCopy)} \\copy, ${times(ofJsonb)} \\copy jsonb, ${times(ofMany)} createMany`,
      target: {
        text: '≥ 0.55, ≥ 1.0, ≥ 12',
        isReached: ofCopy >= 0.55 && ofJsonb >= 1 && ofMany >= 12,
      },
    },
    { what: 'psql \\copy of the same rows into the same table', unit, values: copy },
    { what: 'psql \\copy into a plain jsonb table', unit, values: jsonb },
    { what: 'Prisma createMany', unit, values: createMany },
  ];
};
