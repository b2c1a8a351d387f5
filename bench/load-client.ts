// A client in a process of its own, so that its work is not the server's: reads a `Load` on standard input, writes a
// `LoadResult` to standard output.
import { text } from 'node:stream/consumers';
import autocannon from 'autocannon';
import type { Load, LoadResult } from './load.ts';

const { url, path, method, bodies, connections, seconds } = JSON.parse(
  await text(process.stdin),
) as Load;

const result = await autocannon({
  url,
  connections,
  duration: seconds,
  requests: bodies.map((body) => ({
    method,
    path,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body,
  })),
});
const measured: LoadResult = {
  perSecond: result.requests.total / result.duration,
  p50: result.latency.p50,
  p99: result.latency.p99,
  failures: result.non2xx + result.errors + result.timeouts,
};
process.stdout.write(JSON.stringify(measured));
