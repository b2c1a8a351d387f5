import assert from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Placement, requestIdAt } from './flights.ts';
import type { Place } from './hindcast.ts';
import { type LoadResult, send } from './load.ts';
import type { Options } from './options.ts';
import { createScratch, settle } from './postgresql.ts';
import type { Running } from './processes.ts';
import { type Measured, median, ratio, times } from './report.ts';
import type { Json } from './trace-content.ts';
import { hindcastTraces, type TraceServer, tracePeers } from './trace-peers.ts';
import { fillTracedLog, tracedPlacement } from './traced-log.ts';

const ROWS = 200_000;
const EMBEDDED_ROWS = 50_000;
const REQUESTS = 2000;
const WARM_UP = 2;

interface Started extends TraceServer {
  readonly running: Running;
}

/** Requests from everywhere in the log. */
const requestIds = (placement: Placement): readonly string[] =>
  Array.from({ length: REQUESTS }, (_, index) =>
    requestIdAt(placement, Math.floor((index * placement.rows) / REQUESTS)),
  );

const loadOf = (
  { running, path, bodyOf }: Started,
  ids: readonly string[],
  connections: number,
  seconds: number,
) =>
  send({
    url: new URL(running.url).origin,
    path,
    method: 'POST',
    bodies: ids.map(bodyOf),
    connections,
    seconds,
  });

/** Throws when the servers do not tell the same about some requests. */
const assertSameContent = async (servers: readonly Started[], ids: readonly string[]) => {
  for (const id of ids.filter((_, index) => index % (REQUESTS / 10) === 0)) {
    const contents = await Promise.all(
      servers.map(async ({ running, path, bodyOf, contentOf }) => {
        const response = await fetch(new URL(path, running.url), {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: bodyOf(id),
        });
        return contentOf((await response.json()) as Json);
      }),
    );
    for (const content of contents) assert.deepStrictEqual(content, contents[0]);
  }
};

/** Loads each server in turns, round by round, so that what disturbs one disturbs all. */
const inTurns = async (
  servers: readonly Started[],
  rounds: number,
  load: (server: Started) => Promise<LoadResult>,
): Promise<readonly (readonly LoadResult[])[]> => {
  const results = servers.map((): LoadResult[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, server] of servers.entries()) results[index]?.push(await load(server));
  }
  return results;
};

const started = async (servers: readonly TraceServer[]): Promise<Started[]> => {
  const running: Started[] = [];
  for (const server of servers) running.push({ ...server, running: await server.start() });
  return running;
};

const perSecond = (results: readonly LoadResult[] = []) => results.map((one) => one.perSecond);
const p50 = (results: readonly LoadResult[] = []) => results.map((one) => one.p50);
const p99 = (results: readonly LoadResult[] = []) => results.map((one) => one.p99);

const latencyOf = (results: readonly LoadResult[] = []): string =>
  `p50 ${median(p50(results)).toFixed(2)} ms, p99 ${median(p99(results)).toFixed(2)} ms`;

/** Whole traces by request ID, Hindcast beside its peers over the same tables. */
export const measureTraces = async (options: Options): Promise<readonly Measured[]> => {
  const { url, flights, rounds, seconds } = options;
  const placement = tracedPlacement(ROWS);
  const scratch = await createScratch(url);
  await fillTracedLog({ database: scratch.url }, placement, flights);
  await settle(scratch);
  const ids = requestIds(placement);
  const servers = await started([
    hindcastTraces({ database: scratch.url }),
    ...tracePeers(scratch.url),
  ]);
  try {
    await assertSameContent(servers, ids);
    for (const server of servers) await loadOf(server, ids, 16, WARM_UP);
    const many = await inTurns(servers, rounds, (server) => loadOf(server, ids, 16, seconds));
    const single = await inTurns(servers.slice(0, 2), rounds, (server) =>
      loadOf(server, ids, 1, Math.min(seconds, 3)),
    );
    const [ours = []] = await inTurns(servers.slice(0, 1), rounds, (server) =>
      loadOf(server, ids, 8, Math.min(seconds, 3)),
    );
    return rowsOf(servers, many, single, ours);
  } finally {
    for (const { running } of servers) await running.stop();
    await scratch.drop();
  }
};

const rowsOf = (
  servers: readonly Started[],
  many: readonly (readonly LoadResult[])[],
  [alone, limitAlone]: readonly (readonly LoadResult[])[],
  eight: readonly LoadResult[],
): readonly Measured[] => {
  const [hindcast, limit, postgraphile] = many.map(perSecond);
  const ofLimit = ratio(hindcast ?? [], limit ?? []);
  const ofPostgraphile = ratio(hindcast ?? [], postgraphile ?? []);
  const slower = ratio(p50(alone), p50(limitAlone));
  const unit = 'traces/s';
  return [
    ...servers.map(({ name }, index): Measured => {
      const what = `${name}, 16 connections`;
      const values = perSecond(many[index]);
      const latency = latencyOf(many[index]);
      if (index > 0) return { what, unit, values, compared: latency };
      return {
        what: `${what}; with findings, gaps, verdict and digest, which only it has`,
        unit,
        values,
        compared: `${times(ofLimit)} prepared statement, ${times(ofPostgraphile)} PostGraphile; ${latency}`,
        target: { text: '≥ 0.75, ≥ 3.5', isReached: ofLimit >= 0.75 && ofPostgraphile >= 3.5 },
      };
    }),
    {
      what: 'Hindcast, 1 connection, p50',
      unit: 'ms',
      values: p50(alone),
      compared: `${times(slower)} prepared statement; ${latencyOf(alone)}, there ${latencyOf(limitAlone)}`,
      target: { text: '≤ 2 ×', isReached: slower <= 2 },
    },
    {
      what: 'Hindcast, by request ID alone, 8 connections',
      unit,
      values: perSecond(eight),
      compared: latencyOf(eight),
    },
  ];
};

/** Whole traces by request ID from the embedded database. */
export const measureEmbeddedTraces = async (options: Options): Promise<readonly Measured[]> => {
  const { flights, rounds, seconds } = options;
  const placement = tracedPlacement(EMBEDDED_ROWS);
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-bench-'));
  const place: Place = { folder };
  await fillTracedLog(place, placement, flights);
  const ids = requestIds(placement);
  const servers = await started([hindcastTraces(place)]);
  try {
    for (const server of servers) await loadOf(server, ids, 16, WARM_UP);
    const [results = []] = await inTurns(servers, rounds, (server) =>
      loadOf(server, ids, 16, seconds),
    );
    const values = perSecond(results);
    return [
      {
        what: 'Hindcast over PGlite, 16 connections',
        unit: 'traces/s',
        values,
        compared: latencyOf(results),
        target: { text: '≥ 2 000', isReached: median(values) >= 2000 },
      },
    ];
  } finally {
    for (const { running } of servers) await running.stop();
    await rm(folder, { recursive: true });
  }
};
