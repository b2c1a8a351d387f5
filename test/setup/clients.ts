import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ServerProcess } from './process.ts';
import { line, type RegisteredVersion, type Route } from './registration.ts';

/** Clients that append and trace all the time, whatever happens, and hold what they are told against it. */
export interface Clients {
  /** Request IDs of the records that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** How often they were told to ask again. */
  readonly refusals: () => number;
  /** Waits for `work`, and no longer when a client was told something wrong. */
  readonly during: <Result>(work: Promise<Result>) => Promise<Result>;
  /** Lets each client send what it has at hand until it is acknowledged. */
  readonly stop: () => Promise<void>;
}

const TRACE = `query ($by: PredictionLogReference!) { trace(prediction: $by) { prediction { requestId } } }`;

/** Waits as long as a refusal says: 503, a code, and when to ask again. */
const expectRefusal = async (response: Response, text: string): Promise<void> => {
  expect([response.status, text]).toEqual([503, expect.stringContaining('"code":"UNAVAILABLE"')]);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  await delay(50);
};

export const startClients = (
  server: ServerProcess,
  version: RegisteredVersion,
  endpoint: Route,
  { appending = 3, tracing = 2, lines = 20 } = {},
): Clients => {
  const acknowledged = new Set<string>();
  let refusals = 0;
  let isOver = false;

  const appendOne = async (): Promise<void> => {
    const ids = Array.from({ length: lines }, () => randomUUID());
    const body = ids
      .map((requestId) => JSON.stringify(line(version, endpoint, { distance: 1 }, { requestId })))
      .join('\n');
    for (;;) {
      const response = await server.fetch('/v1/predictions', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      });
      const text = await response.text();
      if (response.status === 200) {
        // What was not acknowledged may be stored all the same: then it is known.
        const { stored, duplicates } = JSON.parse(text.trim().split('\n').at(-1) ?? '').summary;
        expect(stored + duplicates).toBe(lines);
        for (const id of ids) acknowledged.add(id);
        return;
      }
      refusals += 1;
      await expectRefusal(response, text);
    }
  };

  const traceOne = async (): Promise<void> => {
    const [requestId] = [...acknowledged].slice(-1);
    if (requestId === undefined) return delay(50);
    const response = await server.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({
        query: TRACE,
        variables: { by: { request: { endpoint, requestId } } },
      }),
    });
    const text = await response.text();
    if (response.status === 200) {
      expect(JSON.parse(text)).toEqual({ data: { trace: { prediction: { requestId } } } });
      return;
    }
    refusals += 1;
    await expectRefusal(response, text);
  };

  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!isOver) await work();
  };
  const running = Promise.all([
    ...Array.from({ length: appending }, () => repeat(appendOne)),
    ...Array.from({ length: tracing }, () => repeat(traceOne)),
  ]);
  // It is awaited by `stop`; without this, a failure would end the tests before.
  running.catch(() => {});
  return {
    acknowledged,
    refusals: () => refusals,
    during: (work) =>
      Promise.race([
        work,
        running.then(() => {
          throw new Error('The clients have ended.');
        }),
      ]),
    stop: async () => {
      isOver = true;
      await running;
    },
  };
};
