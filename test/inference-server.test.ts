import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { append, field, line, served } from './setup/registration.ts';

type Json = Record<string, unknown>;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data: readonly (number | string)[];
}

const received: { inputs: readonly Tensor[] }[] = [];

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
};

/** Serves one model of the protocol that adds a third of `a` to `n`, in FP32, its shortest text. */
const server = createServer((request, response) => {
  void (async () => {
    const path = request.url ?? '';
    const body = await textOf(request);
    const send = (status: number, value: Json) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (path === '/v2') return send(200, { name: 'model-server', version: '2.1', extensions: [] });
    if (path.includes('/unserved')) return send(404, { error: 'no such model' });
    if (!path.endsWith('/infer')) {
      return send(200, {
        name: 'any',
        platform: 'test',
        inputs: [
          { name: 'a', datatype: 'FP64', shape: [-1, 1] },
          { name: 'n', datatype: 'INT64', shape: [-1, 1] },
          { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
        ],
        outputs: [],
      });
    }
    const asked = JSON.parse(body) as { inputs: readonly Tensor[] };
    received.push(asked);
    const [a, n] = asked.inputs.map(({ data }) => Number(data[0]));
    const value = Math.fround((a ?? 0) / 3 + (n ?? 0));
    const shortest = Number(value.toPrecision(8));
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: [[shortest]] }];
    return send(200, { model_name: 'any', outputs });
  })();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => server.close());
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const hindcast = await openTestHindcast(localActor('tester'), logRoutes, url);

const FIELDS = [
  field('a', 'FP64', { isNullable: true }),
  field('n', 'INT64'),
  field('text', 'STRING'),
];

const REPLAY = `query ($by: PredictionLogReference!) { predictionLog(by: $by) {
  replay(runner: INFERENCE_SERVER) {
    verdict reason message suspects outputs { output logged replayed verdict }
    runner { name version platform threads }
  }
} }`;

const logged = async (features: Json, y: number, more: Json = {}, on = hindcast) => {
  const { version, endpoint } = await served(on, FIELDS, more);
  const record = line(version, endpoint, features, { output: { y: [[y]] }, score: y });
  await append(on, [record]);
  return { request: { endpoint, requestId: record.requestId } };
};

const replay = async (by: Json, on = hindcast): Promise<Json> =>
  (await on.ask<{ predictionLog: { replay: Json } }>(REPLAY, { by })).predictionLog.replay;

describe('an inference server of the Open Inference Protocol V2', () => {
  it('is given the exact values, and its answer is compared in its precision', async () => {
    const big = '9007199254740993';
    const by = await logged({ a: 0.1, n: big, text: 'ü"\n' }, Math.fround(0.1 / 3 + Number(big)));
    expect(await replay(by)).toMatchObject({
      verdict: 'EXACT',
      reason: null,
      runner: { name: 'model-server', version: '2.1', platform: null, threads: null },
    });
    expect(received.at(-1)).toEqual({
      inputs: [
        { name: 'a', shape: [1, 1], datatype: 'FP64', data: [0.1] },
        { name: 'n', shape: [1, 1], datatype: 'INT64', data: [Number(big)] },
        { name: 'text', shape: [1, 1], datatype: 'BYTES', data: ['ü"\n'] },
      ],
    });
  });

  it('shows another answer as a mismatch', async () => {
    const by = await logged({ a: 3, n: 1, text: '' }, 2.5);
    expect(await replay(by)).toMatchObject({
      verdict: 'MISMATCH',
      outputs: [{ output: 'y', logged: '2.5', replayed: '2', verdict: 'MISMATCH' }],
      suspects: ['RUNTIME'],
    });
  });

  it('is not asked what its JSON cannot say', async () => {
    const before = received.length;
    for (const a of [null, 'NaN', 'Infinity']) {
      const by = await logged({ a, n: 1, text: '' }, 1);
      expect(await replay(by)).toMatchObject({
        verdict: 'NOT_REPLAYABLE',
        reason: 'VALUE_ABSENT',
        message:
          'The feature a is absent or not finite, which the JSON of the protocol cannot say.',
      });
    }
    expect(received).toHaveLength(before);
  });

  it('that does not serve the version says so, as does one that is not there or not configured', async () => {
    const by = await logged({ a: 1, n: 1, text: '' }, 1, { model: 'unserved' });
    expect(await replay(by)).toMatchObject({
      verdict: 'NOT_REPLAYABLE',
      reason: 'RUNTIME_UNAVAILABLE',
      message: `${url}v2/models/unserved/versions/1.0.0 answered 404: {"error":"no such model"}`,
      runner: null,
    });
    const alone = await openTestHindcast(localActor('tester'), logRoutes);
    const unconfigured = await logged({ a: 1, n: 1, text: '' }, 1, {}, alone);
    expect(await replay(unconfigured, alone)).toMatchObject({
      reason: 'RUNTIME_UNAVAILABLE',
      message:
        'No inference server is configured; set HINDCAST_INFERENCE_URL to the address of one that speaks the Open Inference Protocol V2.',
    });
    const gone = await openTestHindcast(localActor('tester'), logRoutes, 'http://127.0.0.1:9');
    const unreachable = await logged({ a: 1, n: 1, text: '' }, 1, {}, gone);
    expect(await replay(unreachable, gone)).toMatchObject({
      reason: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\/v2 does not answer: /),
    });
  });
});
