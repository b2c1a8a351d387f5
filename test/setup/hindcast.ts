import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ArchiveStore, folderArchive } from '../../src/platform/archive-store.ts';
import { type ArtifactStore, folderStore } from '../../src/platform/artifact-store.ts';
import { type Actor, localActor } from '../../src/platform/context.ts';
import type { Database } from '../../src/platform/database.ts';
import type { Signer } from '../../src/platform/signed-note.ts';
import { type ServerOptions, startServer } from '../../src/server/http-server.ts';
import { createLog } from '../../src/server/log.ts';
import type { Route } from '../../src/server/routes.ts';
import { openTestDatabase, statementsDuring } from './database.ts';

export { openTestDatabase, unique } from './database.ts';

export interface GraphqlResponse {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: unknown }[];
}

/** A Hindcast with a database of its own for one test file. */
export interface TestHindcast {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly archive: ArchiveStore;
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

/** Opens a Hindcast, server and all, that is closed after the tests of the calling file. */
export const openTestHindcast = async (
  actor: Actor = localActor('tester'),
  routes: readonly Route[] = [],
  inferenceUrl: string | null = null,
  signer: Signer | null = null,
  more: Partial<ServerOptions> = {},
): Promise<TestHindcast> => {
  const database = await openTestDatabase();
  const log = createLog(process.env.TEST_LOG_LEVEL ?? 'silent');
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-artifacts-'));
  const artifacts = folderStore(folder);
  const archive = folderArchive(join(folder, 'archive'));
  const server = await startServer({
    database,
    actor,
    artifacts,
    archive,
    inferenceUrl,
    signer,
    // Only when a test asks for it, so that it knows when.
    sealSeconds: 86_400,
    pollSeconds: 86_400,
    routes,
    log,
    host: '127.0.0.1',
    port: 0,
    ...more,
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    await rm(folder, { recursive: true, force: true });
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
    artifacts,
    archive,
    url: server.url,
    fetch,
    respond,
    ask: async <Data>(document: string, variables?: Record<string, unknown>) => {
      const { data, errors } = await respond(document, variables);
      if (errors !== undefined)
        throw new Error(`GraphQL errors: ${JSON.stringify(errors, null, 2)}`);
      return data as Data;
    },
    statementsOf: (work) => statementsDuring(database, work),
  };
};
