import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Requests to send over and over, for some seconds. */
export interface Load {
  readonly url: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

const CLIENT = fileURLToPath(new URL('load-client.js', import.meta.url));

/** Sends a load from another process; throws when any answer was not a success. */
export const send = async (load: Load): Promise<LoadResult> => {
  const child = spawn(process.execPath, [CLIENT], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(load));
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const result = JSON.parse(output) as LoadResult;
  if (result.failures > 0) throw new Error(`${load.url}: ${result.failures} requests failed.`);
  return result;
};
