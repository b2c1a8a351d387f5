import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { MAIN } from './process.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the compiled command in a process of its own, to its end. */
export const runCommand = async (
  args: readonly string[],
  variables: NodeJS.ProcessEnv,
  input = '',
): Promise<Ended> => {
  const { DATABASE_URL: _, ...rest } = process.env;
  const env = { ...rest, ...variables };
  // Whatever should have ended and did not.
  const child = spawn(process.execPath, [MAIN, ...args], { env, timeout: 60_000 });
  // One that refuses before it reads hangs up.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: child.exitCode, stdout, stderr };
};

/** Has everything that is recorded recomputed, and nothing found that should not be; returns the counts. */
export const expectVerified = async (
  variables: NodeJS.ProcessEnv,
): Promise<Readonly<Record<string, number>>> => {
  const { stdout, stderr } = await runCommand(['verify', '--json'], variables);
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as Readonly<Record<string, number>>;
  expect(report).toMatchObject({ discrepancyCount: 0, pending: 0 });
  return report;
};
