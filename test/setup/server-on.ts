import { folderStore } from '../../src/platform/artifact-store.ts';
import { localActor } from '../../src/platform/context.ts';
import type { Database } from '../../src/platform/database.ts';
import { type ServerOptions, startServer } from '../../src/server/http-server.ts';
import { createLog } from '../../src/server/log.ts';
import { logRoutes } from '../../src/server/log-routes.ts';
import type { GraphqlResponse, TestHindcast } from './hindcast.ts';

export type Served = Pick<TestHindcast, 'fetch' | 'ask'>;

/** Does something with a server on a database that is there already, whatever keys it has. */
export const withServerOn = async <Result>(
  database: Database,
  options: Partial<ServerOptions>,
  work: (server: Served) => Promise<Result>,
): Promise<Result> => {
  const { url, close } = await startServer({
    database,
    actor: localActor('tester'),
    artifacts: folderStore('/nonexistent'),
    log: createLog('silent'),
    routes: logRoutes,
    sealSeconds: 86_400,
    pollSeconds: 86_400,
    host: '127.0.0.1',
    port: 0,
    ...options,
  });
  const fetch = (path: string, init?: RequestInit) => globalThis.fetch(url + path, init);
  const ask: Served['ask'] = async <Data>(query: string, variables?: Record<string, unknown>) => {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as GraphqlResponse;
    if (errors !== undefined) throw new Error(`GraphQL errors: ${JSON.stringify(errors)}`);
    return data as Data;
  };
  try {
    return await work({ fetch, ask });
  } finally {
    await close();
  }
};
