import { readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { PROJECT } from './flights.ts';
import { type Running, run, start } from './processes.ts';

const MAIN = `${PROJECT}dist/command/main.js`;

/** Where a server keeps its data: a database, or a folder for the embedded one. */
export type Place = { readonly database: string } | { readonly folder: string };

const environmentOf = (place: Place): Record<string, string> => ({
  HINDCAST_LOG_LEVEL: 'info',
  ...('database' in place
    ? { DATABASE_URL: place.database, HINDCAST_DATA: '/tmp/hindcast-bench' }
    : { DATABASE_URL: '', HINDCAST_DATA: place.folder }),
});

/** Hindcast as it is shipped: its own command, its limits and its log. */
export const serve = async (
  place: Place,
  environment: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<Running> => {
  const running = await start(process.execPath, [...nodeOptions, MAIN, 'serve', '--port', '0'], {
    ...environmentOf(place),
    ...environment,
  });
  return { ...running, url: running.url.replace('/graphql', '') };
};

/** Runs a command of Hindcast on a place. */
export const hindcast = (place: Place, ...parameters: readonly string[]): Promise<string> =>
  run(process.execPath, [MAIN, ...parameters], environmentOf(place));

export const ask = async <Data>(
  url: string,
  query: string,
  variables: object = {},
): Promise<Data> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
};

const REGISTER = `mutation ($input: RegisterModelVersionInput!) {
  registerModelVersion(input: $input) {
    __typename
    ... on RegisterModelVersionPayload { modelVersion { digest } }
  }
}`;

/** Registers the two versions of the example. */
export const register = async (url: string): Promise<void> => {
  const folder = `${PROJECT}examples/flights/versions`;
  for (const file of readdirSync(folder).sort()) {
    const input = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as object;
    const { registerModelVersion: answer } = await ask<{
      registerModelVersion: { __typename: string };
    }>(url, REGISTER, { input });
    if (answer.__typename !== 'RegisterModelVersionPayload')
      throw new Error(JSON.stringify(answer));
  }
};

async function* chunksOf(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Buffer> {
  let chunk = '';
  for await (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < 64 * 1024) continue;
    yield Buffer.from(chunk);
    chunk = '';
  }
  yield Buffer.from(chunk);
}

const post = async (
  url: string,
  path: string,
  lines: AsyncIterable<string> | Iterable<string> | Uint8Array<ArrayBuffer>,
  rows: number,
): Promise<void> => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines instanceof Uint8Array ? lines : Readable.from(chunksOf(lines)),
    ...(lines instanceof Uint8Array ? {} : { duplex: 'half' }),
  } as RequestInit);
  const answer = (await response.text()).trim().split('\n').at(-1) ?? '';
  const stored = /"stored":(\d+)/.exec(answer)?.[1];
  if (Number(stored) !== rows) throw new Error(`Not all of ${rows} rows were stored: ${answer}`);
};

/** Posts lines in one stream; throws unless all of them were stored. */
export const append = (
  url: string,
  lines: AsyncIterable<string> | Uint8Array<ArrayBuffer>,
  rows: number,
): Promise<void> => post(url, '/v1/predictions', lines, rows);

/** The same for outcomes. */
export const appendOutcomes = (url: string, lines: Iterable<string>, rows: number): Promise<void> =>
  post(url, '/v1/outcomes', lines, rows);
