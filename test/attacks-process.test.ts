import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { attacks } from './setup/attacks.ts';
import { LANES } from './setup/lanes.ts';
import { startProcess } from './setup/process.ts';

/** How much a process may hold more at the end of the attack than when it was warm, in MB. */
const MAX_GROWTH = 150;
const ROUNDS = 3;

it('an attack that goes on takes no memory, and nobody else notices it', async () => {
  const server = await startProcess({ HINDCAST_LOG_LEVEL: 'warn' });
  const megabytes = async (): Promise<number> => {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  };
  const attack = async (salt: string): Promise<readonly number[]> => {
    const statuses: number[] = [];
    for (const { body } of attacks(salt)) {
      for (const [, path] of LANES) {
        const response = await server.fetch(path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
        await response.arrayBuffer();
        statuses.push(response.status);
      }
    }
    return statuses;
  };
  let isOver = false;
  const answers = { right: 0, wrong: 0 };
  const beServed = async (): Promise<void> => {
    while (!isOver) {
      const { serverInfo } = await server
        .ask<{ serverInfo: { engine: string } }>('{ serverInfo { engine } }')
        .catch(() => ({ serverInfo: null }));
      answers[serverInfo?.engine === 'PGLITE' ? 'right' : 'wrong'] += 1;
    }
  };

  await attack('warm');
  const before = await megabytes();
  const served = beServed();
  for (let round = 0; round < ROUNDS; round += 1) {
    const statuses = await attack(`round ${round}`);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  }
  isOver = true;
  await served;
  expect(answers.wrong).toBe(0);
  expect(answers.right).toBeGreaterThan(ROUNDS * attacks('').length);
  expect((await megabytes()) - before).toBeLessThan(MAX_GROWTH);
  expect(server.log).toEqual([]);
});
