import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, type Place, serve } from './hindcast.ts';
import type { Options } from './options.ts';
import { createScratch } from './postgresql.ts';
import { type Measured, median } from './report.ts';

/** Seconds from the start of a server to its first answer. */
const firstAnswer = async (place: Place): Promise<number> => {
  const begin = performance.now();
  const server = await serve(place);
  await ask(server.url, '{ serverInfo { engine } }');
  const seconds = (performance.now() - begin) / 1000;
  await server.stop();
  return seconds;
};

const repeated = async (rounds: number, work: () => Promise<number>): Promise<number[]> => {
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) values.push(await work());
  return values;
};

const rowOf = (what: string, values: readonly number[], most: number): Measured => ({
  what: `\`hindcast serve\` to its first answer, ${what}`,
  unit: 's',
  values,
  target: { text: `≤ ${most} s`, isReached: median(values) <= most },
});

export const measureStarts = async ({ url, rounds }: Options): Promise<readonly Measured[]> => {
  const scratch = await createScratch(url);
  const place = { database: scratch.url };
  await firstAnswer(place);
  const values = await repeated(rounds, () => firstAnswer(place));
  await scratch.drop();
  return [rowOf('PostgreSQL', values, 1.5), ...(await measureEmbeddedStarts(rounds))];
};

const measureEmbeddedStarts = async (rounds: number): Promise<readonly Measured[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-bench-'));
  let made = 0;
  const empty = await repeated(rounds, () => {
    made += 1;
    return firstAnswer({ folder: join(folder, String(made)) });
  });
  const existing = await repeated(rounds, () => firstAnswer({ folder: join(folder, '1') }));
  await rm(folder, { recursive: true });
  return [rowOf('PGlite, empty folder', empty, 3), rowOf('PGlite', existing, 1.5)];
};
