import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postFile, writeLines } from './append-rows.ts';
import { flightLines, type Placement } from './flights.ts';
import { append, registerAndStart, serve } from './hindcast.ts';
import type { Options } from './options.ts';
import { createScratch } from './postgresql.ts';
import { type Measured, median } from './report.ts';

/** Rows after which a server has reached its working size. */
const WARM = 50_000;

/** Milliseconds between two looks at a server's memory. */
const LOOK = 250;

const placementOf = (rows: number, from: string): Placement => ({
  rows,
  from: new Date(from),
  days: 30,
  dense: 0,
});

/** Resident memory of a server while rows stream in, against what it was after the first of them. */
export const measureMemory = async ({
  url,
  flights,
  memoryRows,
}: Options): Promise<readonly Measured[]> => {
  const scratch = await createScratch(url);
  const server = await serve({ database: scratch.url });
  await registerAndStart(server.url);
  await append(server.url, flightLines(placementOf(WARM, '2026-01-01'), flights), WARM);
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-bench-'));
  const file = join(folder, 'lines');
  await writeLines(file, placementOf(memoryRows, '2026-03-01'), flights);
  const start = await server.memory();
  const seen: number[] = [];
  const timer = setInterval(() => {
    server.memory().then(
      (megabytes) => seen.push(megabytes),
      () => {},
    );
  }, LOOK);
  const rate = await postFile(server.url, file, memoryRows);
  clearInterval(timer);
  await server.stop();
  await scratch.drop();
  await rm(folder, { recursive: true });
  const growth = Math.max(...seen) - start;
  return [
    { what: `append of ${memoryRows} rows in one stream`, unit: 'rows/s', values: [rate] },
    {
      what: `resident memory while ${memoryRows} rows stream in`,
      unit: 'MB',
      values: seen,
      compared: `${Math.round(growth)} MB at most above the start (${Math.round(start)} MB)`,
      target: { text: '≤ 150 MB above the start', isReached: growth <= 150 },
    },
  ];
};

/** Appends to the embedded database, each time a new one. */
export const measureEmbeddedAppends = async ({
  flights,
  appendRows,
  rounds,
}: Options): Promise<readonly Measured[]> => {
  const placement = placementOf(appendRows, '2026-01-01');
  const lines: string[] = [];
  for await (const line of flightLines(placement, flights)) lines.push(line);
  const body = new Uint8Array(Buffer.from(`${lines.join('\n')}\n`));
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'hindcast-bench-'));
    const server = await serve({ folder });
    await registerAndStart(server.url);
    const begin = performance.now();
    await append(server.url, body, appendRows);
    values.push(appendRows / ((performance.now() - begin) / 1000));
    await server.stop();
    await rm(folder, { recursive: true });
  }
  return [
    {
      what: 'append to the embedded database: NDJSON over HTTP to durable rows',
      unit: 'rows/s',
      values,
      target: {
        text: '≥ 15 000',
        isReached: median(values) >= 15_000,
      },
    },
  ];
};
