import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { PROJECT } from './flights.ts';
import { type Running, run, start } from './processes.ts';

const MAIN = `${PROJECT}dist/command/main.js`;

/** Where a server keeps its data: a database, or a folder for the embedded one. */
export type Place = { readonly database: string } | { readonly folder: string };

const environmentOf = (place: Place): Record<string, string> => ({
  HINDCAST_LOG_LEVEL: 'info',
  ...('database' in place
    ? { DATABASE_URL: place.database, HINDCAST_DATA: join(tmpdir(), 'hindcast-bench') }
    : { DATABASE_URL: '', HINDCAST_DATA: place.folder }),
});

let profiling: readonly string[] = [];

/** Has every server that is started from now on write a V8 CPU profile into a folder when it stops. */
export const profileServers = (folder: string): void => {
  profiling = ['--cpu-prof', '--cpu-prof-dir', folder];
};

/** Hindcast as it is shipped: its own command, its limits and its log. */
export const serve = async (
  place: Place,
  environment: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<Running> => {
  const running = await start(
    process.execPath,
    [...profiling, ...nodeOptions, MAIN, 'serve', '--port', '0'],
    {
      ...environmentOf(place),
      ...environment,
    },
  );
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
  done: registerModelVersion(input: $input) { __typename }
}`;

const MOVE = `mutation ($input: TransitionModelVersionInput!) {
  done: transitionModelVersion(input: $input) { __typename }
}`;

const START = `mutation ($input: StartDeploymentInput!) {
  done: startDeployment(input: $input) { __typename }
}`;

/** Sends a mutation; throws unless it did what it says. */
const change = async (url: string, mutation: string, input: object): Promise<void> => {
  const { done } = await ask<{ done: { __typename: string } }>(url, mutation, { input });
  if (!done.__typename.endsWith('Payload')) throw new Error(JSON.stringify(done));
};

/** Registers the two versions of the example. */
export const register = async (url: string): Promise<void> => {
  const folder = `${PROJECT}examples/flights/versions`;
  for (const file of readdirSync(folder).sort()) {
    const input = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as object;
    await change(url, REGISTER, input);
  }
};

/** Registers the versions, and starts the first on its endpoint. */
export const registerAndStart = async (url: string): Promise<void> => {
  await register(url);
  const modelVersion = { release: { model: 'flight-delay', semver: '1.0.0' } };
  for (const to of ['STAGING', 'PRODUCTION']) {
    await change(url, MOVE, { modelVersion, to, reason: 'To be measured.' });
  }
  const endpoint = { name: 'flight-delay', environment: 'production' };
  await change(url, START, { endpoint, modelVersion });
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
