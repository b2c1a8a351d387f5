import { writeFile } from 'node:fs/promises';
import { measureAppends } from './appends.ts';
import { PROJECT } from './flights.ts';
import { measureLarge } from './large.ts';
import { type Options, readOptions } from './options.ts';
import { measureReplays } from './replays.ts';
import { type Measured, machine, markdownTable } from './report.ts';
import { measureStarts } from './starts.ts';
import { measureEmbeddedAppends, measureMemory } from './streams.ts';
import { measureEmbeddedTraces, measureTraces } from './traces.ts';

type Section = (options: Options) => Promise<readonly Measured[]>;

const SECTIONS: Readonly<Record<Options['engine'], Readonly<Record<string, Section>>>> = {
  postgresql: {
    appends: measureAppends,
    memory: measureMemory,
    traces: measureTraces,
    large: measureLarge,
    replays: measureReplays,
    starts: measureStarts,
  },
  pglite: { appends: measureEmbeddedAppends, traces: measureEmbeddedTraces },
};

const options = readOptions();
const results: string[] = [];
for (const [name, measure] of Object.entries(SECTIONS[options.engine])) {
  if (options.only.length > 0 && !options.only.includes(name)) continue;
  const table = markdownTable(await measure(options));
  process.stdout.write(`\n## ${name}\n\n${table}\n`);
  results.push(`## ${name}\n\n${table}\n`);
}
const head = `# Measured\n\n${machine()}, engine ${options.engine}, ${options.rounds} rounds.\n`;
await writeFile(`${PROJECT}bench/results.md`, [head, ...results].join('\n'));
