import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is read of a V8 CPU profile. Times are in microseconds. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The most that are listed; what takes less is summed up. */
const LISTED = 16;

/** Neither is work of the process. */
const IDLE = new Set(['(idle)', '(program)', '(root)']);

/** Adds the time that each function spent in itself, by its name. */
const addSelfTimes = (times: Map<string, number>, profile: CpuProfile): void => {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) || '(anonymous)';
    if (!IDLE.has(name)) times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
};

/** Where the servers whose profiles are in a folder spent their time, as a table. */
export const profileTable = async (folder: string): Promise<string> => {
  const times = new Map<string, number>();
  for (const file of await readdir(folder)) {
    addSelfTimes(times, JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile);
  }
  const sorted = [...times].sort(([, one], [, other]) => other - one);
  const total = sorted.reduce((sum, [, time]) => sum + time, 0);
  const rest = sorted.slice(LISTED).reduce((sum, [, time]) => sum + time, 0);
  const rows = [...sorted.slice(0, LISTED), [`${sorted.length - LISTED} others`, rest] as const];
  return [
    `${(total / 1e6).toFixed(1)} s of work.\n`,
    '| function | of the time, in itself |',
    '| --- | --- |',
    ...rows.map(([name, time]) => `| ${name} | ${((100 * time) / total).toFixed(1)} % |`),
  ].join('\n');
};
