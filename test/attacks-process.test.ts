import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { bloated, expensive, longComment } from './setup/attacks.ts';
import { LANES } from './setup/lanes.ts';
import { startProcess } from './setup/process.ts';

/** How much a process may hold more at the end of the attack than when it was warm, in MB. */
const MAX_GROWTH = 150;
/** As many as would be more than that, if they were kept. */
const COMMENTS = 100;

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
  let isOver = false;
  const answers = { right: 0, wrong: 0 };
  const beServed = async (): Promise<void> => {
    while (!isOver) {
      const { serverInfo } = await server
        .ask<{ serverInfo: { engine: string } | null }>('{ serverInfo { engine } }')
        .catch(() => ({ serverInfo: null }));
      answers[serverInfo?.engine === 'PGLITE' ? 'right' : 'wrong'] += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  await attack('warm');
  const before = await megabytes();
  const served = beServed();
  await attack('again');
  for (let comment = 0; comment < COMMENTS; comment += 1) {
    await send('/graphql', longComment(`comment ${comment}`));
  }
  isOver = true;
  await served;
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
  expect(answers.wrong).toBe(0);
  expect(answers.right).toBeGreaterThan(COMMENTS / 10);
  expect((await megabytes()) - before).toBeLessThan(MAX_GROWTH);
  expect(server.log).toEqual([]);
}, 180_000);
