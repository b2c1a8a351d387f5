// A client in a process of its own, so that its work is not the server's: reads a `Load` on standard input, writes a
// `LoadResult` to standard output.
import { text } from 'node:stream/consumers';
import autocannon from 'autocannon';
import type { Load, LoadResult } from './load.ts';

const { url, path, method, bodies, connections, seconds } = JSON.parse(
  await text(process.stdin),
) as Load;

// Its own percentiles are whole milliseconds.
const times: number[] = [];
const running = autocannon(
  {
    url,
    connections,
    duration: seconds,
    requests: bodies.map((body) => ({
      method,
      path,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body,
    })),
  },
  (error: Error | null, result) => {
    if (error !== null) throw error;
    times.sort((one, other) => one - other);
    const measured: LoadResult = {
      perSecond: result.requests.total / result.duration,
      p50: times[Math.floor(times.length * 0.5)] ?? Number.NaN,
      p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
      failures: result.non2xx + result.errors + result.timeouts,
    };
    process.stdout.write(JSON.stringify(measured));
  },
);
running.on('response', (_client, _status, _bytes, ms) => times.push(ms));
