import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command as it is published. */
const MAIN = fileURLToPath(new URL('../../dist/command/main.js', import.meta.url));

export interface Ended {
  /** Null when it had to be killed. */
  readonly code: number | null;
  readonly output: string;
}

/** Runs it to its end, or for a minute. */
export const runCommand = async (args: readonly string[], folder: string): Promise<Ended> => {
  const { DATABASE_URL: _, ...rest } = process.env;
  const env = { ...rest, HINDCAST_DATA: folder };
  const child = spawn(process.execPath, [MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
};
