import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { openTestDatabase, urlOf } from './setup/database.ts';
import { eventually, type ServerProcess, startProcess } from './setup/process.ts';
import {
  append,
  deploy,
  field,
  line,
  moveTo,
  register,
  registration,
  served,
} from './setup/registration.ts';

/** The embedded database has one process; test/cli.test.ts shows that it refuses a second one. */
const isShared = 'url' in inject('template');

let database: Database;
let variables: NodeJS.ProcessEnv;
let one: ServerProcess;
let other: ServerProcess;

const sealedBy = async (): Promise<string | undefined> => {
  const [row] = await database.query<{ note: string }>({
    text: 'SELECT note FROM checkpoint ORDER BY tree_size DESC LIMIT 1',
  });
  return row?.note;
};

const unsealed = async (): Promise<number> => {
  const [row] = await database.query<{ count: bigint }>({
    text: 'SELECT count(*) AS count FROM ledger_batch WHERE leaf_index IS NULL',
  });
  return Number(row?.count);
};

/** The processes that are at a task: those that hold its lock. */
const holders = async (task: string): Promise<number> => {
  const [row] = await database.query<{ count: bigint }>({
    text: `SELECT count(*) AS count FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = $1 AND a.datname = current_database()`,
    values: [`hindcast ${task}`],
  });
  return Number(row?.count);
};

/** What became of appended lines. */
const summary = async (
  process: ServerProcess,
  lines: readonly Record<string, unknown>[],
): Promise<unknown> => (await append(process, lines)).at(-1)?.summary;

const TRACE = `query ($by: PredictionLogReference!) { trace(prediction: $by) {
  verdict modelVersion { displayName } } }`;

describe.runIf(isShared)('several servers on one PostgreSQL (needs TEST_DATABASE_URL)', () => {
  beforeAll(async () => {
    database = await openTestDatabase();
    variables = {
      DATABASE_URL: urlOf(database),
      DATABASE_POOL_SIZE: '2',
      HINDCAST_SEAL_SECONDS: '1',
      HINDCAST_LOG_LEVEL: 'debug',
    };
    [one, other] = await Promise.all([startProcess(variables), startProcess(variables)]);
  });
  afterAll(async () => {
    await Promise.all([one.kill('SIGKILL'), other.kill('SIGKILL')]);
    await database.close();
  });

  it('know at once what another one has recorded, though they did not find it before', async () => {
    const { endpoint } = await served(one, [field('distance')]);
    const early = registration([field('distance')]);
    const release = { model: early.model, semver: early.semver };
    const record = {
      requestId: 'early',
      occurredAt: '2026-02-01T12:00:00Z',
      endpoint,
      modelVersion: release,
      features: { distance: 1 },
    };
    // Refused by one process, released by the registration in the other, traced in the first.
    expect(await summary(other, [record])).toMatchObject({ stored: 0, rejected: 1 });
    const version = await register(one, early);
    const by = { request: { requestId: 'early', endpoint } };
    expect(await other.ask(TRACE, { by })).toMatchObject({
      trace: { modelVersion: { displayName: `${early.model}@1.0.0` } },
    });
    expect(await summary(other, [line(version, endpoint, { distance: 2 })])).toMatchObject({
      stored: 1,
      rejected: 0,
    });
    await moveTo(other, version, 'STAGING', '2026-01-01T01:00:00Z');
    await moveTo(one, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
    const route = { name: endpoint.name, environment: 'elsewhere' };
    await deploy(other, version, route);
    expect(await summary(one, [line(version, route, { distance: 3 })])).toMatchObject({
      stored: 1,
    });
  });

  it('show in a trace that they answered before what another one recorded since', async () => {
    const { version, endpoint } = await served(one, [field('distance')]);
    const record = line(version, endpoint, { distance: 1 });
    expect(await summary(one, [record])).toMatchObject({ stored: 1 });
    const traced = async (): Promise<unknown> => {
      const query = `query ($by: PredictionLogReference!) {
        trace(prediction: $by) { findings { code } deployment { trafficShare } } }`;
      const by = { request: { requestId: record.requestId, endpoint } };
      return (await one.ask<{ trace: unknown }>(query, { by })).trace;
    };
    // Until the query is compiled, and all that the answer needs is in memory.
    for (let time = 0; time < 5; time += 1) {
      expect(await traced()).toEqual({ findings: [], deployment: { trafficShare: 1 } });
    }
    const successor = await register(other, registration([field('distance')]));
    await moveTo(other, successor, 'STAGING', '2026-01-01T01:00:00Z');
    await deploy(other, successor, endpoint, { role: 'SHADOW' });
    expect(await traced()).toEqual({ findings: [], deployment: { trafficShare: 1 } });
    await moveTo(other, version, 'REVOKED');
    expect(await traced()).toMatchObject({ findings: [{ code: 'REVOKED_SINCE' }] });
  });

  it('append to a week whose partition another process dropped', async () => {
    const { version, endpoint } = await served(one, [field('distance')]);
    const inJuly = () =>
      line(version, endpoint, { distance: 1 }, { occurredAt: '2025-07-02T00:00:00Z' });
    for (const process of [one, other]) {
      expect(await summary(process, [inJuly()])).toMatchObject({ stored: 1 });
    }
    await database.query({ text: 'DROP TABLE prediction_log_p20250630' });
    const again = await Promise.all([one, other].map((process) => summary(process, [inJuly()])));
    expect(again).toMatchObject([{ stored: 1 }, { stored: 1 }]);
  });

  it('show each other how far a replay job is', async () => {
    const { version, endpoint } = await served(one, [field('distance')]);
    await append(one, [line(version, endpoint, { distance: 1 })]);
    const occurredAt = { from: '2026-02-01T00:00:00Z', to: '2026-02-02T00:00:00Z' };
    const { startReplay } = await one.ask<{ startReplay: { job: { id: string } } }>(
      `mutation ($input: StartReplayInput!) { startReplay(input: $input) {
        ... on StartReplayPayload { job { id } } ... on UserError { message } } }`,
      { input: { filter: { occurredAt, modelVersion: { digest: version.digest } } } },
    );
    const response = await other.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: `subscription ($id: ID!) { replayProgress(id: $id) { state attempted } }`,
        variables: { id: startReplay.job.id },
      }),
    });
    expect(await response.text()).toContain('{"state":"DONE","attempted":1}');
  });

  it('go on sealing when the one that seals is killed in the middle of it', async () => {
    await eventually(async () => (await unsealed()) === 0);
    await other.kill('SIGKILL');
    // The first keeps sealing until nothing may be written where it has to.
    const { version, endpoint } = await served(one, [field('distance')]);
    const blocking = new pg.Client({ connectionString: variables.DATABASE_URL });
    await blocking.connect();
    await blocking.query('BEGIN');
    await blocking.query('LOCK TABLE ledger_node IN EXCLUSIVE MODE');
    await append(one, [line(version, endpoint, { distance: 1 })]);
    await eventually(async () => (await holders('seal')) === 1);
    const before = await sealedBy();
    const third = await startProcess(variables);
    await one.kill('SIGKILL');
    // Its claim is gone with it, and the next process is at it while the dead one's statement still waits.
    await eventually(async () => (await holders('seal')) === 1);
    await blocking.query('COMMIT');
    await blocking.end();
    await eventually(async () => (await unsealed()) === 0);
    const after = await sealedBy();
    expect(after).not.toBe(before);
    const { ledger } = await third.ask<{ ledger: { verifierKeys: string[] } }>(
      '{ ledger { verifierKeys } }',
    );
    // Each process has a key of its own here: the newest checkpoint is signed by that of the third.
    const signature = String(after)
      .split('\n')
      .findLast((text) => text.startsWith('— '));
    expect(signature).toContain(String(ledger.verifierKeys.at(-1)).split('+')[0]);
    expect(third.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });
});
