import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, it } from 'vitest';
import { expectVerified } from './setup/command.ts';
import { openEmptyDatabase, urlOf } from './setup/database.ts';
import { type ServerProcess, startProcess } from './setup/process.ts';
import { append, field, line, served } from './setup/registration.ts';

/** `npm run torture` kills more often. */
const KILLS = Number(process.env.TORTURE_KILLS ?? 2);
const REQUESTS = 30;
const LINES = 50;
const SENDERS = 3;
/** Each kill is followed by a start, which takes long on a busy machine. */
const timeout = (KILLS + 1) * 100_000;

const folder = await mkdtemp(join(tmpdir(), 'hindcast-killed-'));
const database = 'url' in inject('template') ? await openEmptyDatabase() : null;
afterAll(async () => {
  await database?.close();
  await rm(folder, { recursive: true, force: true });
});
/** The same place again after each kill. */
const variables: NodeJS.ProcessEnv = {
  HINDCAST_DATA: folder,
  HINDCAST_SEAL_SECONDS: '1',
  ...(database !== null && { DATABASE_URL: urlOf(database) }),
};

type Body = readonly Record<string, unknown>[];

interface Summary {
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly rejected: number;
}

/** Sends bodies, several at once, until all are acknowledged or the server is gone; returns those that were not. */
const send = async (
  server: ServerProcess,
  bodies: readonly Body[],
  onSummary: (summary: Summary) => void,
): Promise<readonly Body[]> => {
  const left = new Set(bodies);
  const next = bodies.values();
  const work = async (): Promise<void> => {
    for (const body of next) {
      // Cut off: nobody knows whether it was stored.
      const lines = await append(server, body).catch(() => []);
      const summary = lines.at(-1)?.summary as Summary | undefined;
      if (summary === undefined) return;
      left.delete(body);
      onSummary(summary);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, work));
  return [...left];
};

it(`keeps every acknowledged record exactly once over ${KILLS} kills while it appends`, {
  timeout,
}, async () => {
  let server = await startProcess(variables);
  const { version, endpoint } = await served(server, [field('distance')]);
  const bodies = (): readonly Body[] =>
    Array.from({ length: REQUESTS }, () =>
      Array.from({ length: LINES }, () =>
        // So many short IDs would not all differ.
        line(version, endpoint, { distance: Math.random() }, { requestId: randomUUID() }),
      ),
    );
  const sent: Body[] = [];
  let left: readonly Body[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const more = bodies();
    sent.push(...more);
    // At another point of the work each time.
    let before = 1 + (kill % 5);
    const killed = server;
    left = await send(killed, [...left, ...more], ({ conflicts, rejected }) => {
      expect([conflicts, rejected]).toEqual([0, 0]);
      before -= 1;
      if (before === 0) void killed.kill('SIGKILL');
    });
    expect(left.length).toBeGreaterThan(0);
    await server.kill('SIGKILL');
    server = await startProcess(variables);
  }
  const rest = await send(server, left, ({ conflicts, rejected }) => {
    expect([conflicts, rejected]).toEqual([0, 0]);
  });
  expect(rest).toEqual([]);
  // Everything is there: sent once more, all of it is known, and nothing contradicts.
  const again = { stored: 0, duplicates: 0, conflicts: 0, rejected: 0 };
  await send(server, sent, (summary) => {
    for (const name of Object.keys(again) as (keyof Summary)[]) again[name] += summary[name];
  });
  const duplicates = sent.length * LINES;
  expect(again).toEqual({ stored: 0, duplicates, conflicts: 0, rejected: 0 });
  await server.kill('SIGTERM');

  expect(await expectVerified(variables)).toMatchObject({ predictions: sent.length * LINES });
});
