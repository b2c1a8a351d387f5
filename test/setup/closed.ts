import { expect } from 'vitest';
import { createApiKey, type NewApiKey } from '../../src/access/api-key.ts';
import { folderStore } from '../../src/platform/artifact-store.ts';
import { type AccessConfig, readConfig } from '../../src/platform/config.ts';
import { localActor, type Scope } from '../../src/platform/context.ts';
import type { Database } from '../../src/platform/database.ts';
import {
  type RunningServer,
  type ServerOptions,
  startServer,
} from '../../src/server/http-server.ts';
import { createLog } from '../../src/server/log.ts';
import { logRoutes } from '../../src/server/log-routes.ts';
import type { GraphqlResponse } from './hindcast.ts';
import { ROUNDS } from './lanes.ts';

export const OPEN_ACCESS: AccessConfig = readConfig({}, {}).access;

/** Starts a server that tells callers apart where there is something to tell them by. */
export const startClosed = (
  database: Database,
  access: Partial<AccessConfig> = {},
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> =>
  startServer({
    database,
    actor: localActor('tester'),
    artifacts: folderStore('/nonexistent'),
    log: createLog('silent'),
    routes: logRoutes,
    sealSeconds: 86_400,
    pollSeconds: 86_400,
    host: '127.0.0.1',
    port: 0,
    access: { ...OPEN_ACCESS, ...access },
    ...options,
  });

const IN_AN_HOUR = 3_600_000;

/** A key that holds for an hour. */
export const makeKey = async (
  database: Database,
  scopes: readonly Scope[],
  other: Partial<NewApiKey> = {},
): Promise<{ readonly id: string; readonly text: string }> =>
  createApiKey(database, {
    name: 'somebody',
    scopes,
    models: null,
    rate: null,
    expiresAt: (Date.now() + IN_AN_HOUR) * 1000,
    createdBy: 'tester',
    ...other,
  });

export interface Answered extends GraphqlResponse {
  readonly status: number;
  readonly headers: Headers;
}

interface Sent {
  readonly variables?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a GraphQL operation with a credential, down the short lane or through Yoga's HTTP layer. */
export const askWith = async (
  { url }: Pick<RunningServer, 'url'>,
  credential: string | null,
  query: string,
  { variables = {}, headers = {}, path = '/graphql' }: Sent & { readonly path?: string } = {},
): Promise<Answered> => {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as GraphqlResponse;
  return { ...body, status: response.status, headers: response.headers };
};

/** A dossier is made and signed anew each time. */
const plain = ({ status, data, errors }: Answered): string =>
  JSON.stringify({ status, data, errors }, (key, value) => (key === 'envelope' ? '' : value));

/** Asks the same down both lanes, before and after it is compiled. It must be answered alike, and the answer is that one. */
export const askEveryWay = async (
  server: Pick<RunningServer, 'url'>,
  credential: string | null,
  query: string,
  sent: Sent = {},
): Promise<Answered> => {
  const ask = (path: string) => askWith(server, credential, query, { ...sent, path });
  const [path = '', ...others] = ROUNDS;
  const first = await ask(path);
  for (const other of others) expect(plain(await ask(other))).toBe(plain(first));
  return first;
};
