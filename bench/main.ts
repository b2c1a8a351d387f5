import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureAppends } from './appends.ts';
import { PROJECT } from './flights.ts';
import { profileServers } from './hindcast.ts';
import { measureLarge } from './large.ts';
import { type Engine, type Options, readOptions } from './options.ts';
import { profileTable } from './profile.ts';
import { measureReplays } from './replays.ts';
import { headOf, type Measured, markdownTable } from './report.ts';
import { measureStarts } from './starts.ts';
import { measureEmbeddedAppends, measureMemory } from './streams.ts';
import { measureEmbeddedTraces, measureTraces } from './traces.ts';

interface Section {
  readonly name: string;
  readonly engine: Engine;
  readonly measure: (options: Options) => Promise<readonly Measured[]>;
}

const SECTIONS: readonly Section[] = [
  { name: 'appends', engine: 'postgresql', measure: measureAppends },
  { name: 'memory', engine: 'postgresql', measure: measureMemory },
  { name: 'traces', engine: 'postgresql', measure: measureTraces },
  { name: 'large', engine: 'postgresql', measure: measureLarge },
  { name: 'replays', engine: 'postgresql', measure: measureReplays },
  { name: 'starts', engine: 'postgresql', measure: measureStarts },
  { name: 'appends', engine: 'pglite', measure: measureEmbeddedAppends },
  { name: 'traces', engine: 'pglite', measure: measureEmbeddedTraces },
];

const isAsked = ({ engine, only }: Options, section: Section): boolean =>
  (engine === null || engine === section.engine) &&
  (only.length === 0 || only.includes(section.name));

const options = readOptions();
// Servers are slower while they are profiled: what is measured then is kept apart.
const file = `${PROJECT}bench/${options.profile === null ? 'results' : 'profiles'}.md`;
const results = [await headOf(options)];
for (const section of SECTIONS.filter((one) => isAsked(options, one))) {
  const title = section.engine === 'pglite' ? `${section.name}, embedded` : section.name;
  const { profile } = options;
  const folder = profile === null ? null : join(profile, section.engine, section.name);
  if (folder !== null) profileServers(folder);
  const begin = performance.now();
  const table = markdownTable(await section.measure(options));
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
  const spent = folder === null ? '' : `\n${await profileTable(folder)}\n`;
  results.push(`## ${title}\n\n${table}\n\nTook ${minutes} minutes.\n${spent}`);
  process.stdout.write(`\n${results.at(-1)}`);
  // After each, so that what was measured stays when a later section fails.
  await writeFile(file, results.join('\n'));
}
