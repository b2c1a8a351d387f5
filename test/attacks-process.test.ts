import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { bloated, expensive, longComment } from './setup/attacks.ts';
import { LANES } from './setup/lanes.ts';
import { type ServerProcess, startProcess } from './setup/process.ts';
import { type Sent, sendRaw } from './setup/raw-socket.ts';

/** How much a process may hold more at the end of the attack than when it was warm, in MB. */
const MAX_GROWTH = 150;
/** As many as would be more than that, if they were kept. */
const COMMENTS = 100;

/** Somebody who asks all the time; `end` tells how often the answer was right, and wrong or none. */
const beServed = (server: ServerProcess) => {
  let isOver = false;
  const answers = { right: 0, wrong: 0 };
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const { serverInfo } = await server
        .ask<{ serverInfo: { engine: string } | null }>('{ serverInfo { engine } }')
        .catch(() => ({ serverInfo: null }));
      answers[serverInfo?.engine === 'PGLITE' ? 'right' : 'wrong'] += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const asking = ask();
  return {
    end: async () => {
      isOver = true;
      await asking;
      return answers;
    },
  };
};

it('an attack that goes on takes no memory, and nobody else notices it', async () => {
  const server = await startProcess({ HINDCAST_LOG_LEVEL: 'warn' });
  const megabytes = async (): Promise<number> => {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  };
  const statuses: number[] = [];
  const send = async (path: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> => {
    const response = await server.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await response.arrayBuffer();
    statuses.push(response.status);
  };
  const attack = async (salt: string): Promise<void> => {
    for (const { body } of [...expensive(salt), ...bloated(salt)]) {
      for (const [, path] of LANES) await send(path, body);
    }
  };

  await attack('warm');
  const before = await megabytes();
  const others = beServed(server);
  await attack('again');
  for (let comment = 0; comment < COMMENTS; comment += 1) {
    await send('/graphql', longComment(`comment ${comment}`));
  }
  const answers = await others.end();
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
  expect(answers.wrong).toBe(0);
  expect(answers.right).toBeGreaterThan(COMMENTS / 10);
  expect((await megabytes()) - before).toBeLessThan(MAX_GROWTH);
  expect(server.log).toEqual([]);
}, 180_000);

/** Ways to keep a connection busy without ever asking anything. */
const SLOW: readonly Sent[] = [
  { first: '' },
  { first: 'GET /health', again: 'x' },
  { first: 'POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-slow: ', again: 'x' },
  { first: 'POST /graphql HTTP/1.1\r\nhost: localhost\r\n', again: 'x: y\r\n' },
];
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
const LIVE = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n';

it('who sends headers slowly is cut off in time, and nobody else notices it', async () => {
  const server = await startProcess({
    HINDCAST_LOG_LEVEL: 'warn',
    HINDCAST_HEADER_SECONDS: '1',
    HINDCAST_IDLE_SECONDS: '1',
  });
  const others = beServed(server);
  const open = (sent: Sent) => sendRaw(server.url, sent);
  const slow = SLOW.flatMap((sent) => Array<Sent>(50).fill(sent)).map(open);
  // Also after a request that was complete; and where nothing more is asked, a connection ends without a word.
  const second = open({ first: `${LIVE}GET /health`, again: 'x' });
  const idle = open({ first: LIVE });
  expect([...new Set(await Promise.all(slow))]).toEqual([TIMED_OUT]);
  expect(await second).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect((await second).endsWith(TIMED_OUT)).toBe(true);
  expect((await idle).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
  const answers = await others.end();
  expect(answers.wrong).toBe(0);
  expect(answers.right).toBeGreaterThan(10);
  expect(server.log).toEqual([]);
});
