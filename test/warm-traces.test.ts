import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import {
  append,
  deploy,
  field,
  line,
  moveTo,
  type Route,
  register,
  registration,
  served,
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);

const TRACE = `query ($by: PredictionLogReference!) { trace(prediction: $by) {
  prediction { requestId } stageAtPrediction
  deployment { role trafficShare reason }
  findings { code }
} }`;

interface Trace {
  readonly prediction: { readonly requestId: string };
  readonly stageAtPrediction: string | null;
  readonly deployment: Readonly<Record<string, unknown>> | null;
  readonly findings: readonly { readonly code: string }[];
}

const referenceTo = (endpoint: Route, requestId: unknown) => ({
  by: { request: { endpoint, requestId } },
});

const traced = async (endpoint: Route, requestId: unknown): Promise<Trace> =>
  (await hindcast.ask<{ trace: Trace }>(TRACE, referenceTo(endpoint, requestId))).trace;

/** Traces until the query is compiled, and all that the answer needs is in memory. */
const warmed = async (endpoint: Route, requestId: unknown): Promise<Trace> => {
  for (let time = 0; time < 4; time += 1) await traced(endpoint, requestId);
  return traced(endpoint, requestId);
};

const codesOf = ({ findings }: Trace) => findings.map(({ code }) => code);

/** Sends requests down one connection at once, so that they arrive in the same turn; returns their answers in order. */
const atOnce = async (bodies: readonly string[]): Promise<readonly { trace: Trace | null }[]> => {
  const { host, hostname, port } = new URL(hindcast.url);
  const socket = connect(Number(port), hostname);
  const head = `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
  const texts = bodies.map((body, index) => {
    const last = index === bodies.length - 1 ? 'connection: close\r\n' : '';
    return `${head}${last}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  });
  socket.write(texts.join(''));
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  await once(socket, 'close');
  return [...answer.matchAll(/^\{.*?\}(?=HTTP|$)/gms)].map(
    ([body]) => (JSON.parse(body) as { data: { trace: Trace | null } }).data,
  );
};

describe('look-ups of several requests', () => {
  it('that arrive at once share a statement, and each gets its own', async () => {
    const { version, endpoint } = await served(hindcast, [field('distance')]);
    const records = [1, 2, 3].map((distance) => line(version, endpoint, { distance }));
    await append(hindcast, records);
    await warmed(endpoint, records[0]?.requestId);
    const ids = [...records.map(({ requestId }) => requestId), unique('nobody')];
    const bodies = ids.map((id) =>
      JSON.stringify({ query: TRACE, variables: referenceTo(endpoint, id) }),
    );
    let answers: Awaited<ReturnType<typeof atOnce>> = [];
    const statements = await hindcast.statementsOf(async () => {
      answers = await atOnce(bodies);
    });
    expect(answers.map(({ trace }) => trace?.prediction.requestId ?? null)).toEqual([
      ...ids.slice(0, 3),
      null,
    ]);
    expect(statements.filter((sql) => sql.includes('FROM prediction_log'))).toHaveLength(1);
  });
});

describe('a trace that was answered before shows what was recorded since', () => {
  it('of the stage of its version', async () => {
    const { version, endpoint } = await served(hindcast, [field('distance')]);
    const record = line(version, endpoint, { distance: 1 });
    await append(hindcast, [record]);
    expect(codesOf(await warmed(endpoint, record.requestId))).toEqual([]);
    await moveTo(hindcast, version, 'REVOKED');
    expect(codesOf(await traced(endpoint, record.requestId))).toEqual(['REVOKED_SINCE']);
  });

  it('of a deployment', async () => {
    const { endpoint } = await served(hindcast, [field('distance')]);
    const version = await register(hindcast, registration([field('distance')]));
    await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
    const record = line(version, endpoint, { distance: 1 });
    await append(hindcast, [record]);
    const before = await warmed(endpoint, record.requestId);
    expect([codesOf(before), before.deployment]).toEqual([['DEPLOYMENT_MISMATCH'], null]);
    await deploy(hindcast, version, endpoint, { role: 'SHADOW', reason: 'Tried.' });
    const after = await traced(endpoint, record.requestId);
    expect(codesOf(after)).toEqual([]);
    expect(after.deployment).toMatchObject({ role: 'SHADOW', reason: 'Tried.' });
  });

  it('of a correction', async () => {
    const version = await register(hindcast, registration([field('distance')]));
    await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
    await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    const deployment = await deploy(hindcast, version, endpoint);
    const record = line(version, endpoint, { distance: 1 });
    await append(hindcast, [record]);
    expect((await warmed(endpoint, record.requestId)).deployment).toMatchObject({
      trafficShare: 1,
    });
    const correct = async (input: object): Promise<void> => {
      await hindcast.ask(
        'mutation ($input: CorrectDeploymentInput!) { correctDeployment(input: $input) { __typename } }',
        { input: { deployment, ...input } },
      );
    };
    await correct({ trafficShare: 0.25, reason: 'A quarter.' });
    expect((await traced(endpoint, record.requestId)).deployment).toMatchObject({
      trafficShare: 0.25,
    });
    await correct({ isRetracted: true, reason: 'Never happened.' });
    const after = await traced(endpoint, record.requestId);
    expect([codesOf(after), after.deployment]).toEqual([['DEPLOYMENT_MISMATCH'], null]);
  });
});
