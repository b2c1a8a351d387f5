import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { expectVerified } from './setup/command.ts';
import { openEmptyDatabase, unique, urlOf } from './setup/database.ts';
import { type ServerProcess, startProcess } from './setup/process.ts';
import {
  append,
  field,
  line,
  moveTo,
  type RegisteredVersion,
  type Route,
  register,
  registration,
  served,
} from './setup/registration.ts';

const WRITERS = 32;
const RECORDS = 20;

const folder = await mkdtemp(join(tmpdir(), 'hindcast-writers-'));
const database = 'url' in inject('template') ? await openEmptyDatabase() : null;
const byDefault = {
  HINDCAST_DATA: folder,
  HINDCAST_SEAL_SECONDS: '1',
  ...(database !== null && { DATABASE_URL: urlOf(database) }),
};
const variables = {
  ...byDefault,
  // Nobody is to be sent away, however slow the machine is.
  DATABASE_WAIT_SECONDS: '100',
};
afterAll(async () => {
  await database?.close();
  await rm(folder, { recursive: true, force: true });
});

let servers: readonly ServerProcess[] = [];

const serverOf = (writer: number): ServerProcess => {
  const server = servers[writer % servers.length];
  if (server === undefined) throw new Error('No server was started.');
  return server;
};

/** Has all writers do something at once, spread over the servers. */
const atOnce = <Result>(
  work: (server: ServerProcess, writer: number) => Promise<Result>,
): Promise<readonly Result[]> =>
  Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(serverOf(writer), writer)));

/** How many of the results are of each type. */
const typesOf = (results: readonly { readonly __typename: string }[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { __typename: type } of results) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};

const mutate = async <Result>(
  server: ServerProcess,
  name: string,
  selection: string,
  input: unknown,
): Promise<Result> => {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const data = await server.ask<Record<string, Result>>(
    `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename
      ... on ${type}Payload { ${selection} } ... on UserError { message } } }`,
    { input },
  );
  const result = data[name];
  if (result === undefined) throw new Error(`${name} had no result.`);
  return result;
};

type Typed = { readonly __typename: string };

/** What became of the records of all writers together. */
const sumOf = (answers: readonly (readonly Record<string, unknown>[])[]): unknown => {
  const sum = { stored: 0, duplicates: 0, conflicts: 0, rejected: 0 };
  for (const answer of answers) {
    const summary = answer.at(-1)?.summary as typeof sum;
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += summary[name];
  }
  return sum;
};

const newVersion = async (): Promise<RegisteredVersion> =>
  register(serverOf(0), registration([field('distance')]));

const newRoute = (): Route => ({ name: unique('endpoint'), environment: 'test' });

describe(`${WRITERS} writers at once`, () => {
  beforeAll(async () => {
    // The embedded database has one process.
    const starts = database === null ? 1 : 2;
    servers = await Promise.all(Array.from({ length: starts }, () => startProcess(variables)));
  });

  it('register one version: the first stands, its like are the same, others are told of it', async () => {
    const input = registration([field('distance')]);
    const others = { ...input, hyperparameters: { depth: 1 } };
    const results = await atOnce((server, writer) =>
      mutate<Typed & { readonly isNew?: boolean; readonly modelVersion?: { readonly id: string } }>(
        server,
        'registerModelVersion',
        'isNew modelVersion { id }',
        writer % 4 < 2 ? input : others,
      ),
    );
    expect(typesOf(results)).toEqual({
      RegisterModelVersionPayload: WRITERS / 2,
      VersionConflictError: WRITERS / 2,
    });
    expect(results.filter(({ isNew }) => isNew === true)).toHaveLength(1);
    const ids = results.flatMap(({ modelVersion }) => modelVersion?.id ?? []);
    expect(new Set(ids).size).toBe(1);
  });

  it('register one version, each with other content, while all wait as long as they do by default', async () => {
    const patient = servers;
    // The embedded database belongs to one of them.
    const own = database === null ? { HINDCAST_DATA: join(folder, 'another') } : {};
    servers = await Promise.all(patient.map(() => startProcess({ ...byDefault, ...own })));
    // What a process does for the first time takes several times as long.
    for (const server of servers) await register(server, registration([field('distance')]));
    const input = registration([field('distance')]);
    const results = await atOnce((server, depth) =>
      mutate<Typed>(server, 'registerModelVersion', 'isNew', {
        ...input,
        hyperparameters: { depth },
      }),
    );
    expect(typesOf(results)).toEqual({
      RegisterModelVersionPayload: 1,
      VersionConflictError: WRITERS - 1,
    });
    for (const server of servers) await server.kill('SIGTERM');
    servers = patient;
  });

  it('move one version: one does, the others are told where it is', async () => {
    const version = await newVersion();
    const results = await atOnce((server) =>
      mutate<Typed>(server, 'transitionModelVersion', 'transition { sequence }', {
        modelVersion: { id: version.id },
        to: 'STAGING',
        expectedFrom: 'REGISTERED',
        reason: 'Tested.',
      }),
    );
    expect(typesOf(results)).toEqual({
      TransitionModelVersionPayload: 1,
      TransitionNotAllowedError: WRITERS - 1,
    });
    const { modelVersion } = await serverOf(1).ask<{ modelVersion: unknown }>(
      `query ($id: ID!) { modelVersion(by: { id: $id }) {
        stage transitions(first: 10) { nodes { sequence to } } } }`,
      { id: version.id },
    );
    expect(modelVersion).toMatchObject({
      stage: 'STAGING',
      transitions: { nodes: expect.objectContaining({ length: 2 }) },
    });
  });

  it('deploy on one new endpoint: as many as it has room for', async () => {
    const version = await newVersion();
    await moveTo(serverOf(0), version, 'STAGING', '2026-01-01T01:00:00Z');
    await moveTo(serverOf(0), version, 'PRODUCTION', '2026-01-01T02:00:00Z');
    const endpoint = newRoute();
    const started = await atOnce((server) =>
      mutate<Typed & { readonly deployment?: { readonly id: string } }>(
        server,
        'startDeployment',
        'deployment { id }',
        { endpoint, modelVersion: { id: version.id }, trafficShare: 0.25 },
      ),
    );
    expect(typesOf(started)).toEqual({
      StartDeploymentPayload: 4,
      TrafficShareError: WRITERS - 4,
    });
    const deployment = started.find((one) => one.deployment !== undefined)?.deployment?.id;
    const ended = await atOnce((server) =>
      mutate<Typed>(server, 'endDeployment', 'deployment { id }', {
        deployment,
        endReason: 'RETIRED',
        reason: 'Tested.',
      }),
    );
    expect(typesOf(ended)).toEqual({ EndDeploymentPayload: 1, InvalidInputError: WRITERS - 1 });
    const found = await serverOf(1).ask<{ endpoint: unknown }>(
      `query ($route: EndpointRouteInput!) { endpoint(by: { route: $route }) {
        activeDeployments { id } } }`,
      { route: endpoint },
    );
    expect(found).toMatchObject({ endpoint: { activeDeployments: { length: 3 } } });
  });

  it('append the same identities with two contents: one of each is stored, and one kept as its conflict', async () => {
    const { version, endpoint } = await served(serverOf(0), [field('distance')]);
    const records = Array.from({ length: RECORDS }, () => line(version, endpoint, { distance: 1 }));
    const sent = await atOnce((server, writer) => {
      const own = records.map((record) => ({ ...record, score: writer % 4 < 2 ? 0.25 : 0.75 }));
      // In another order, so that each waits for others.
      const turned = [...own.slice(writer % RECORDS), ...own.slice(0, writer % RECORDS)];
      return append(server, writer % 2 === 0 ? turned : turned.toReversed());
    });
    expect(sumOf(sent)).toEqual({
      stored: RECORDS,
      duplicates: RECORDS * (WRITERS / 2 - 1),
      conflicts: (RECORDS * WRITERS) / 2,
      rejected: 0,
    });
    const by = { request: { requestId: records[0]?.requestId, endpoint } };
    const { trace } = await serverOf(1).ask<{ trace: unknown }>(
      'query ($by: PredictionLogReference!) { trace(prediction: $by) { prediction { conflicts { digest } } } }',
      { by },
    );
    expect(trace).toMatchObject({ prediction: { conflicts: { length: 1 } } });
  });

  it('record the same outcomes: each is stored once', async () => {
    const { version, endpoint } = await served(serverOf(0), [field('distance')]);
    const records = Array.from({ length: RECORDS }, () => line(version, endpoint, { distance: 1 }));
    await append(serverOf(0), records);
    const outcomes = records.map(({ requestId }) => ({
      requestId,
      endpoint,
      observedAt: '2026-02-02T12:00:00Z',
      label: 'late',
    }));
    const sent = await atOnce(async (server) => {
      const response = await server.fetch('/v1/outcomes', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: outcomes.map((outcome) => JSON.stringify(outcome)).join('\n'),
      });
      const lines = (await response.text()).trim().split('\n');
      return lines.map((text) => JSON.parse(text) as Record<string, unknown>);
    });
    expect(sumOf(sent)).toMatchObject({
      stored: RECORDS,
      duplicates: RECORDS * (WRITERS - 1),
      rejected: 0,
    });
  });

  it('leave chains and ledger that verify, and nothing in the log that nobody foresaw', async () => {
    for (const server of servers) {
      await server.kill('SIGTERM');
      expect(server.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    }
    expect(await expectVerified(variables)).toMatchObject({
      predictions: 2 * RECORDS,
      outcomes: RECORDS,
    });
  });
});
