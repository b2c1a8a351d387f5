import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { type Config, readConfig } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import { migrate } from '../platform/migrate.ts';
import { openDatabase } from '../platform/open-database.ts';
import { startServer } from '../server/http-server.ts';
import { createLog } from '../server/log.ts';
import { CommandError, EXIT } from './exit.ts';
import { serverOptionsOf } from './server-options.ts';

/** Where a command works: on a running server, or on a database that it opens itself. */
export interface TargetOptions {
  readonly url?: string;
  readonly data?: string;
}

type Variables = Readonly<Record<string, unknown>> | string;

export interface Connection {
  readonly url: string;
  /** Sends a GraphQL operation and returns its data. Variables that must not lose digits come as JSON text. */
  readonly ask: <Data>(document: string, variables?: Variables) => Promise<Data>;
  /** Posts a stream to a path and returns the response. */
  readonly send: (
    path: string,
    body: Readable,
    headers: Record<string, string>,
  ) => Promise<Response>;
  readonly close: () => Promise<void>;
}

export const withTarget = (command: Command): Command =>
  command
    .option('--url <url>', 'a running server, such as http://127.0.0.1:4000')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)');

/** The configuration of a command that opens a database itself. */
export const configOf = ({ data }: TargetOptions): Config =>
  readConfig(data === undefined ? {} : { dataFolder: data, databaseUrl: null });

/** Opens the database and brings it up to date. */
export const openMigrated = async (config: Config): Promise<Database> => {
  const database = await openDatabase(config);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
};

/**
 * Connects to what the options name. Without `--url` the command runs a server of its own on a free loopback port, so
 * that it behaves exactly as it does against any other.
 */
export const connect = async (options: TargetOptions): Promise<Connection> => {
  if (options.url !== undefined) {
    const url = options.url.replace(/\/(graphql\/?)?$/, '');
    return connectionTo(url, credentialsOf(readConfig()), async () => {});
  }
  const config = configOf(options);
  const database = await openMigrated(config);
  const serverOptions = await serverOptionsOf(config, database, createLog('fatal'));
  const server = await startServer({ ...serverOptions, host: '127.0.0.1', port: 0 });
  return connectionTo(server.url, {}, async () => {
    await server.close();
    await database.close();
  });
};

interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[];
}

/** What a server is shown, and told about why it is asked. */
const credentialsOf = ({ apiKey, reason }: Config): Record<string, string> => ({
  ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
  ...(reason === null ? {} : { 'x-reason': encodeURIComponent(reason) }),
});

const connectionTo = (
  url: string,
  credentials: Record<string, string>,
  close: () => Promise<void>,
): Connection => ({
  url,
  close,
  ask: async <Data>(query: string, variables: Variables = {}) => {
    const response = await reach(url, '/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...credentials },
      body: `{"query":${JSON.stringify(query)},"variables":${typeof variables === 'string' ? variables : JSON.stringify(variables)}}`,
    });
    const { data, errors } = await answerOf(response);
    const [first] = errors ?? [];
    if (first !== undefined) throw new CommandError(first.message, EXIT.refused);
    return data as Data;
  },
  send: (path, body, headers) =>
    reach(url, path, {
      method: 'POST',
      headers: { ...headers, ...credentials },
      body: body as never,
      duplex: 'half',
    }),
});

const answerOf = async (response: Response): Promise<GraphqlAnswer> => {
  try {
    return (await response.json()) as GraphqlAnswer;
  } catch {
    const message = `${response.url} answers with status ${response.status} and no JSON: is it a Hindcast?`;
    throw new CommandError(message, EXIT.unreachable);
  }
};

const reach = async (
  url: string,
  path: string,
  init: RequestInit & { duplex?: 'half' },
): Promise<Response> => {
  try {
    return await fetch(url + path, init);
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new CommandError(`No answer from ${url}: ${reason}.`, EXIT.unreachable);
  }
};
