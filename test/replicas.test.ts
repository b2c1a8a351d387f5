import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { schema } from '../src/schema.ts';
import { LAGGING_FIELDS } from '../src/server/replica-reads.ts';
import { binaries } from './setup/postgres-server.ts';
import { eventually, type ServerProcess, startProcess } from './setup/process.ts';
import { append, field, line, register, registration, served } from './setup/registration.ts';
import { type Replicated, startReplicated } from './setup/streaming-replica.ts';

const isPossible = binaries !== null && 'url' in inject('template');

let servers: Replicated;
let hindcast: ServerProcess;
let replica: pg.Client;

interface Answer {
  readonly data: Record<string, unknown>;
  readonly errors?: readonly { readonly message: string }[];
  readonly extensions?: { readonly asOf?: string };
}

const respond = async (
  query: string,
  variables: Record<string, unknown>,
  consistency?: string,
): Promise<Answer> => {
  const response = await hindcast.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(consistency !== undefined && { 'x-hindcast-consistency': consistency }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
};

const SEARCH = `query ($filter: PredictionLogFilter!) {
  predictionLogs(filter: $filter) { nodes { requestId modelVersion { displayName } } } }`;
const TRACE = 'query ($by: PredictionLogReference!) { trace(prediction: $by) { verdict } }';
const REQUEST = 'query ($id: String!) { request(by: { requestId: $id }) { predictions { item } } }';
const SEVERAL = `query ($name: String!, $semver: SemVer!) {
  models(first: 1) { nodes { name } } model(name: $name) { version(semver: $semver) { semver } } }`;

const during = { from: '2026-02-01T00:00:00Z', to: '2026-02-02T00:00:00Z' };
const filterOf = (digest: string) => ({ occurredAt: during, modelVersion: { digest } });

/** The replica stands still until resumed: what is recorded meanwhile it does not have. */
const pause = () => replica.query('SELECT pg_wal_replay_pause()');
const resume = () => replica.query('SELECT pg_wal_replay_resume()');

const isUsed = async (): Promise<{
  used: boolean;
  replicas: readonly object[];
  status: number;
}> => {
  const response = await hindcast.fetch('/health/ready');
  const { replicas } = (await response.json()) as { replicas: { isUsed: boolean }[] };
  return { used: replicas[0]?.isUsed === true, replicas, status: response.status };
};

it('lets lag only queries that exist', () => {
  const fields = Object.keys(schema.getQueryType()?.getFields() ?? {});
  expect(fields).toEqual(expect.arrayContaining([...LAGGING_FIELDS]));
});

describe.runIf(isPossible)(
  'a server with a read replica (needs TEST_DATABASE_URL and the binaries of PostgreSQL)',
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      servers = await startReplicated();
      hindcast = await startProcess({
        DATABASE_URL: servers.primary.url,
        DATABASE_REPLICA_URL: servers.replica.url,
        HINDCAST_LOG_LEVEL: 'debug',
      });
      replica = new pg.Client({ connectionString: servers.replica.url });
      replica.on('error', () => {});
      await replica.connect();
    });
    afterAll(async () => {
      await hindcast?.kill('SIGKILL');
      await servers?.close();
    });

    it('reads from it what may lag, says as of when, and from the primary when that is asked', async () => {
      const { version, endpoint } = await served(hindcast, [field('distance')]);
      const filter = filterOf(version.digest);
      const record = line(version, endpoint, { distance: 1 });
      await append(hindcast, [record]);
      const before = Date.now();
      const answer = await eventually(async () => {
        const found = await respond(SEARCH, { filter });
        return Date.parse(found.extensions?.asOf ?? '') > before && found;
      });
      const nodes = [{ requestId: record.requestId, modelVersion: expect.anything() }];
      expect(answer.data).toEqual({ predictionLogs: { nodes } });

      await pause();
      const later = line(version, endpoint, { distance: 2 });
      await append(hindcast, [later]);
      const behind = await respond(SEARCH, { filter });
      expect(behind.data).toEqual({ predictionLogs: { nodes } });
      expect(Date.parse(behind.extensions?.asOf ?? '')).toBeGreaterThan(0);
      const now = await respond(SEARCH, { filter }, 'primary');
      expect((now.data.predictionLogs as { nodes: unknown[] }).nodes).toHaveLength(2);
      expect(now.extensions).toBeUndefined();

      // What was just written is found, whether the caller accepts lag or not.
      const by = { request: { requestId: later.requestId, endpoint } };
      for (const consistency of [undefined, 'primary', 'replica']) {
        const { data, errors } = await respond(TRACE, { by }, consistency);
        expect([data.trace, errors]).toEqual([{ verdict: expect.any(String) }, undefined]);
        const request = await respond(REQUEST, { id: later.requestId }, consistency);
        expect(request.data).toEqual({ request: { predictions: [{ item: 0 }] } });
      }
      // A version that the replica does not have: by its name, and as a condition.
      const fresh = await register(hindcast, registration([field('distance')]));
      const { name } = fresh.model;
      expect(await respond(SEVERAL, { name, semver: '1.0.0' }, 'replica')).toMatchObject({
        data: { model: { version: { semver: '1.0.0' } } },
      });
      const none = await respond(SEARCH, { filter: filterOf(fresh.digest) });
      expect([none.data, none.errors]).toEqual([{ predictionLogs: { nodes: [] } }, undefined]);
      await resume();
      const caught = await eventually(async () => {
        const { data } = await respond(SEARCH, { filter });
        return (data.predictionLogs as { nodes: unknown[] }).nodes.length === 2 && data;
      });
      expect(caught).toBeDefined();
      // An old one the replica may trace.
      const old = { request: { requestId: record.requestId, endpoint } };
      const traced = await respond(TRACE, { by: old }, 'replica');
      expect(traced.extensions?.asOf).toBeDefined();
      expect((await respond(TRACE, { by: old })).extensions).toBeUndefined();
      // What is nowhere is said to be nowhere by the primary.
      const nobody = await respond(
        TRACE,
        { by: { request: { requestId: 'x', endpoint } } },
        'replica',
      );
      expect(nobody).toEqual({ data: { trace: null } });
    });

    it('refuses a consistency that does not exist', async () => {
      const response = await hindcast.fetch('/graphql', {
        headers: { 'x-hindcast-consistency': 'sometimes' },
      });
      expect([response.status, await response.json()]).toEqual([
        400,
        {
          errors: [
            {
              message: 'x-hindcast-consistency takes "primary" or "replica".',
              extensions: { code: 'BAD_REQUEST' },
            },
          ],
        },
      ]);
    });

    it('reads from the primary while it is down, and from it again when it is back', async () => {
      const { version, endpoint } = await served(hindcast, [field('distance')]);
      await append(hindcast, [line(version, endpoint, { distance: 1 })]);
      const filter = filterOf(version.digest);
      await eventually(async () => (await respond(SEARCH, { filter })).extensions?.asOf);
      await servers.replica.stop();
      // Also the first one, which finds it out.
      const { data, errors, extensions } = await respond(SEARCH, { filter });
      expect([errors, extensions]).toEqual([undefined, undefined]);
      expect((data.predictionLogs as { nodes: unknown[] }).nodes).toHaveLength(1);
      const { replicas, status } = await eventually(async () => {
        const state = await isUsed();
        return !state.used && state;
      });
      expect(status).toBe(200);
      const location = servers.replica.url.replace('hindcast@', '');
      expect(replicas).toEqual([{ location, isUsed: false, reason: 'It does not answer.' }]);
      await servers.replica.start();
      await eventually(async () => (await isUsed()).used);
      await eventually(async () => (await respond(SEARCH, { filter })).extensions?.asOf);
    });

    it('goes on answering from it while the primary is down', async () => {
      const { version, endpoint } = await served(hindcast, [field('distance')]);
      await append(hindcast, [line(version, endpoint, { distance: 1 })]);
      const filter = filterOf(version.digest);
      await eventually(async () => {
        const { data, extensions } = await respond(SEARCH, { filter });
        const { nodes } = data.predictionLogs as { nodes: unknown[] };
        return extensions?.asOf !== undefined && nodes.length === 1;
      });
      await servers.primary.stop();
      const { data, extensions } = await respond(SEARCH, { filter });
      expect((data.predictionLogs as { nodes: unknown[] }).nodes).toHaveLength(1);
      expect(extensions?.asOf).toBeDefined();
      expect((await hindcast.fetch('/health/ready')).status).toBe(503);
      expect((await hindcast.fetch('/health/live')).status).toBe(200);
    });
  },
);
