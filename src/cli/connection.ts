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

export interface Connection {
  readonly url: string;
  /** Sends a GraphQL operation and returns its data. */
  readonly ask: <Data>(document: string, variables?: Record<string, unknown>) => Promise<Data>;
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
  ask: async <Data>(query: string, variables: Record<string, unknown> = {}) => {
    const response = await reach(url, '/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...credentials },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as GraphqlAnswer;
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
