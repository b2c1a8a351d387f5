import pg from 'pg';
import { requestIdAt } from './flights.ts';
import { ask, serve } from './hindcast.ts';
import { DENSE_DAY, DENSE_VERSION, ENDPOINT, largePlacement, makeLargeLog } from './large-log.ts';
import { send } from './load.ts';
import type { Options } from './options.ts';
import type { Scratch } from './postgresql.ts';
import type { Running } from './processes.ts';
import { type Measured, median, ratio, times } from './report.ts';

const CLIENTS = 8;
const IDS = 2000;

/** A log and the server that answers from it. */
interface Log {
  readonly scratch: Scratch;
  readonly rows: number;
  readonly server: Running;
}

const openLog = async (url: string, rows: number): Promise<Log> => {
  const scratch = await makeLargeLog(url, rows);
  return { scratch, rows, server: await serve({ database: scratch.url }) };
};

const requestIds = (rows: number): readonly string[] =>
  Array.from({ length: IDS }, () =>
    requestIdAt(largePlacement(rows), Math.floor(Math.random() * rows)),
  );

const msOf = async (work: () => Promise<unknown>): Promise<number> => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

const LOOKUP = {
  name: 'lookup',
  text: 'SELECT * FROM prediction_log WHERE request_id = $1 AND endpoint_id = 1 AND item = 0',
};

/** Look-ups a second by the ID alone, at the database. */
const lookUp = async ({ scratch, rows }: Log, seconds: number): Promise<number> => {
  const until = performance.now() + seconds * 1000;
  const counts = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = new pg.Client(scratch.url);
      await client.connect();
      const ids = requestIds(rows);
      let count = 0;
      for (; performance.now() < until; count += 1) {
        const { rowCount } = await client.query({ ...LOOKUP, values: [ids[count % IDS]] });
        if (rowCount !== 1) throw new Error(`${ids[count % IDS]} was found ${rowCount} times.`);
      }
      await client.end();
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
};

const PREDICTION = `query ($by: PredictionLogReference!) {
  predictionLog(by: $by) { requestId occurredAt score label modelVersion { semver } }
}`;

const byId = (requestId: string) => ({ by: { request: { endpoint: ENDPOINT, requestId } } });

const lookUpOverHttp = async ({ server, rows }: Log, seconds: number): Promise<number> => {
  const bodies = requestIds(rows).map((id) =>
    JSON.stringify({ query: PREDICTION, variables: byId(id) }),
  );
  const load = { url: server.url, path: '/graphql', method: 'POST', bodies } as const;
  return (await send({ ...load, connections: CLIENTS, seconds })).perSecond;
};

const TRACE = `query ($by: PredictionLogReference!) {
  trace(prediction: $by) { modelVersion { semver } prediction { requestId score } features { name } }
}`;

/** Throws unless a row that was made in the database is read as one that was appended. */
const checkMadeRow = async ({ server, rows }: Log): Promise<void> => {
  const id = requestIdAt(largePlacement(rows), rows - 1);
  const { trace } = await ask<{
    trace: {
      modelVersion: { semver: string };
      prediction: { requestId: string; score: number | null };
      features: readonly unknown[];
    } | null;
  }>(server.url, TRACE, byId(id));
  const isRight =
    trace?.prediction.requestId === id &&
    trace.prediction.score !== null &&
    trace.modelVersion.semver === DENSE_VERSION.release.semver &&
    trace.features.length === 17;
  if (!isRight) throw new Error(`The trace of ${id} is ${JSON.stringify(trace)}.`);
};

const IMPACT = `{ impact(of: { package: { name: "pkg:pypi/numpy" } }) {
  predictionCount isServing
  endpoints(first: 20) { nodes { predictionCount answeredFrom answeredTo } }
  spans(first: 20) { nodes { predictionCount } }
} }`;

const SEARCH = `query ($filter: PredictionLogFilter!) {
  predictionLogs(filter: $filter, first: 50) { nodes { requestId occurredAt score label } }
}`;
const IN_RANGE = {
  filter: {
    occurredAt: { from: DENSE_DAY.from, to: DENSE_DAY.to },
    modelVersion: DENSE_VERSION,
    features: [{ name: 'distance', is: { float: { gte: 1600, lt: 1700 } } }],
  },
};
/** Nothing is so far: every row of the day is read. */
const NOWHERE = {
  filter: {
    ...IN_RANGE.filter,
    features: [{ name: 'distance', is: { float: { gte: 50_000 } } }],
  },
};
const EVERYTHING = {
  filter: { occurredAt: { from: new Date('2026-01-01'), to: DENSE_DAY.to } },
};

const COMPARE = `query ($base: PredictionLogFilter!, $head: PredictionLogFilter!) {
  compareCohorts(base: $base, head: $head) {
    base { size score { mean } quality { accuracy } } head { size score { mean } quality { accuracy } }
    features(first: 50) { nodes { name movement } }
  }
}`;
const HALVES = {
  base: {
    occurredAt: { from: DENSE_DAY.from, to: DENSE_DAY.noon },
    modelVersion: DENSE_VERSION,
  },
  head: { occurredAt: { from: DENSE_DAY.noon, to: DENSE_DAY.to }, modelVersion: DENSE_VERSION },
};

interface Samples {
  readonly large: number[];
  readonly small: number[];
}

/** Questions about a large log and one of a tenth of its rows, in turns. */
export const measureLarge = async ({
  url,
  largeRows,
  rounds,
  seconds,
}: Options): Promise<readonly Measured[]> => {
  const large = await openLog(url, largeRows);
  const small = await openLog(url, largeRows / 10);
  await checkMadeRow(large);
  const compare = () => ask(large.server.url, COMPARE, HALVES);
  const first = await msOf(compare);
  const again: number[] = [];
  const samples = (): Samples => ({ large: [], small: [] });
  const lookups = samples();
  const http = samples();
  const questions = [
    { query: IMPACT, variables: {}, taken: samples() },
    { query: SEARCH, variables: IN_RANGE, taken: samples() },
    { query: SEARCH, variables: NOWHERE, taken: samples() },
    { query: SEARCH, variables: EVERYTHING, taken: samples() },
  ] as const;
  const askBoth = async (): Promise<void> => {
    for (const { query, variables, taken } of questions) {
      taken.large.push(await msOf(() => ask(large.server.url, query, variables)));
      taken.small.push(await msOf(() => ask(small.server.url, query, variables)));
    }
  };
  // Once before anything counts: connections, plans and compiled queries.
  await askBoth();
  for (const { taken } of questions) {
    taken.large.length = 0;
    taken.small.length = 0;
  }
  for (let round = 0; round < rounds; round += 1) {
    lookups.large.push(await lookUp(large, seconds));
    lookups.small.push(await lookUp(small, seconds));
    http.large.push(await lookUpOverHttp(large, seconds));
    http.small.push(await lookUpOverHttp(small, seconds));
    await askBoth();
    again.push(await msOf(compare));
  }
  for (const { server, scratch } of [large, small]) {
    await server.stop();
    await scratch.drop();
  }
  const [impact, range, nowhere, everything] = questions.map(({ taken }) => taken);
  return [
    ...lookupRows(lookups, http, largeRows),
    answerRow('impact counts', impact, 25),
    answerRow('search: a feature range in one version and day of 200 000, first page', range, 100),
    answerRow('search: the same, nothing found', nowhere),
    answerRow('search: all versions, all days, first page', everything),
    ...cohortRows(first, again),
  ];
};

const lookupRows = (lookups: Samples, http: Samples, rows: number): readonly Measured[] => {
  const slower = ratio(lookups.small, lookups.large);
  return [
    {
      what: `look-up by request ID alone among ${rows} rows, prepared, ${CLIENTS} clients`,
      unit: 'per second',
      values: lookups.large,
      compared: `${times(slower)} the time of a tenth of the rows`,
      target: {
        text: '≥ 10 000, ≤ 1.3 ×',
        isReached: median(lookups.large) >= 10_000 && slower <= 1.3,
      },
    },
    {
      what: 'the same as predictionLog(by:) over HTTP',
      unit: 'per second',
      values: http.large,
      compared: `${times(ratio(http.small, http.large))} the time of a tenth of the rows`,
    },
  ];
};

const answerRow = (
  what: string,
  { large, small }: Samples = { large: [], small: [] },
  limit?: number,
): Measured => ({
  what,
  unit: 'ms',
  values: large,
  compared: `${times(ratio(large, small))} with a tenth of the rows`,
  ...(limit !== undefined && {
    target: { text: `≤ ${limit} ms`, isReached: median(large) <= limit },
  }),
});

const cohortRows = (first: number, again: readonly number[]): readonly Measured[] =>
  [
    { what: 'two cohorts of 100 000, 17 features, the first time', values: [first] },
    { what: 'the same again', values: again },
  ].map(({ what, values }) => ({
    what,
    unit: 'ms',
    values,
    target: { text: '≤ 3 s', isReached: median(values) <= 3000 },
  }));
