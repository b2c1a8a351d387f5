import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { GraphqlResponse, TestHindcast } from './hindcast.ts';

/** The compiled command. */
export const MAIN = fileURLToPath(new URL('../../dist/command/main.js', import.meta.url));

/** `hindcast serve`, compiled, in a process of its own. */
export interface ServerProcess extends Pick<TestHindcast, 'url' | 'fetch' | 'ask'> {
  readonly pid: number;
  /** Its log so far. */
  readonly log: readonly Record<string, unknown>[];
  /** Ends it and resolves when it is gone. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
}

const cleanUps: (() => Promise<void>)[] = [];

// Here and not where a server is started, which may be within a test: there Vitest takes no hook.
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Starts a server; it ends with the tests of the calling file at the latest. Its data folder is new, unless given. */
export const startProcess = async (variables: NodeJS.ProcessEnv): Promise<ServerProcess> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-process-'));
  const { DATABASE_URL: _, ...rest } = process.env;
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0'], {
    env: { ...rest, HINDCAST_DATA: folder, HINDCAST_ACTOR: 'tester', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  cleanUps.push(async () => {
    await kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const log: Record<string, unknown>[] = [];
  createInterface(child.stderr).on('line', (line) => {
    // Whatever is no line of the log is what Node says when the process crashes.
    log.push(line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { msg: line });
  });
  const first = await Promise.race([once(child.stdout, 'data'), ended.then(() => null)]);
  if (first === null) throw new Error(`The server did not start: ${JSON.stringify(log)}`);
  const url = String(first[0])
    .trim()
    .replace(/\/graphql$/, '');
  const fetch = (path: string, init?: RequestInit) => globalThis.fetch(url + path, init);
  return {
    pid: child.pid ?? 0,
    url,
    log,
    kill,
    fetch,
    ask: async <Data>(query: string, sent?: Record<string, unknown>) => {
      const response = await fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query, variables: sent }),
      });
      const { data, errors } = (await response.json()) as GraphqlResponse;
      if (errors !== undefined) throw new Error(`GraphQL errors: ${JSON.stringify(errors)}`);
      return data as Data;
    },
  };
};

/** Resolves with what `look` gives as soon as that is something. */
export const eventually = async <Value>(
  look: () => Promise<Value | null | undefined | false>,
): Promise<Value> => {
  for (let looks = 0; looks < 1500; looks += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`It never came to this: ${look}`);
};
