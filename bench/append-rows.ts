import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { flightLines, type Placement } from './flights.ts';
import { run } from './processes.ts';

const CLIENT = fileURLToPath(new URL('append-client.js', import.meta.url));

/** Writes rows as a file of lines. */
export const writeLines = (
  file: string,
  placement: Placement,
  flights: string | undefined,
): Promise<void> => {
  const lines = Readable.from(flightLines(placement, flights)).map((line: string) => `${line}\n`);
  return pipeline(lines, createWriteStream(file));
};

/** Rows a second of one stream of a file, sent from a process of its own; throws unless all were stored. */
export const postFile = async (url: string, file: string, rows: number): Promise<number> =>
  rows / Number(await run(process.execPath, [CLIENT, url, file, String(rows)]));

/** Rows that a server has seen before it is measured, so that it is measured as it runs and not as it starts. */
export const warmUp = (rows: number): Placement => ({
  rows,
  from: new Date('2025-12-01'),
  days: 10,
  dense: 0,
});
