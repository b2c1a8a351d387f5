import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { type Actor, localActor } from '../../src/platform/context.ts';
import type { Database } from '../../src/platform/database.ts';
import { openPglite } from '../../src/platform/pglite.ts';
import { openPostgresql } from '../../src/platform/postgresql.ts';
import { startServer } from '../../src/server/http-server.ts';
import { createLog } from '../../src/server/log.ts';
import type { Route } from '../../src/server/routes.ts';

export interface GraphqlResponse {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: unknown }[];
}

/** A Hindcast with a database of its own for one test file. */
export interface TestHindcast {
  readonly database: Database;
  /** Base address of the server, without a slash at the end. */
  readonly url: string;
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** Sends a GraphQL operation through the server and returns its data; errors fail the test. */
  readonly ask: <Data>(document: string, variables?: Record<string, unknown>) => Promise<Data>;
  /** The same, returning the response as it is. */
  readonly respond: (
    document: string,
    variables?: Record<string, unknown>,
  ) => Promise<GraphqlResponse>;
  /** The SQL statements sent while `work` runs. */
  readonly statementsOf: (work: () => Promise<unknown>) => Promise<readonly string[]>;
}

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`;

export const openTestDatabase = async (): Promise<Database> => {
  const template = inject('template');
  if ('dump' in template)
    return openPglite({ memory: true, dump: await openAsBlob(template.dump) });
  const name = `hindcast_test_${randomUUID().replaceAll('-', '')}`;
  const admin = new pg.Client({ connectionString: template.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template.name}`);
  const location = new URL(template.url);
  location.pathname = `/${name}`;
  const database = openPostgresql(location.href, 4);
  return {
    ...database,
    close: async () => {
      await database.close();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
};

/** Opens a Hindcast, server and all, that is closed after the tests of the calling file. */
export const openTestHindcast = async (
  actor: Actor = localActor('tester'),
  routes: readonly Route[] = [],
): Promise<TestHindcast> => {
  const database = await openTestDatabase();
  const log = createLog(process.env.TEST_LOG_LEVEL ?? 'silent');
  const server = await startServer({ database, actor, routes, log, host: '127.0.0.1', port: 0 });
  afterAll(async () => {
    await server.close();
    await database.close();
  });
  const fetch = (path: string, init?: RequestInit) => globalThis.fetch(server.url + path, init);
  const respond: TestHindcast['respond'] = async (query, variables) => {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as GraphqlResponse;
  };
  return {
    database,
    url: server.url,
    fetch,
    respond,
    ask: async <Data>(document: string, variables?: Record<string, unknown>) => {
      const { data, errors } = await respond(document, variables);
      if (errors !== undefined)
        throw new Error(`GraphQL errors: ${JSON.stringify(errors, null, 2)}`);
      return data as Data;
    },
    statementsOf: async (work) => {
      const statements: string[] = [];
      const stop = database.observe((sql) => statements.push(sql));
      try {
        await work();
      } finally {
        stop();
      }
      return statements;
    },
  };
};
