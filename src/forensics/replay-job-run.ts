import { GraphQLError } from 'graphql';
import { argumentError } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { isUnavailable } from '../platform/database.ts';
import { encodeCursor, pageRequest } from '../platform/pagination.ts';
import { casesAfter, type LoggedCase, placeAfter } from '../prediction/case-chunk.ts';
import type { PredictionFilter } from '../prediction/prediction-filter-input.ts';
import { resolveFilter } from '../prediction/resolve-filter.ts';
import { type Place, placeOf, type Search, timeKey } from '../prediction/search-order.ts';
import { searchedVersions } from '../prediction/searched-versions.ts';
import { modelVersionById } from '../registry/model-version.ts';
import type { RunnerIdentity } from './model-runner.ts';
import {
  advanceReplayJob,
  claimReplayJob,
  endReplayJob,
  keepReplayJob,
  type ReplayJob,
  yieldReplayJob,
} from './replay-job.ts';
import { keepReplayResults } from './replay-job-results.ts';
import { type ReplayedPrediction, replayEach } from './replay-summary.ts';

const CHUNK = 2000;

/** Seconds between two signs of life in a chunk, which may take long: others take a job over after 30 s of silence. */
const HEARTBEAT = 10;

/** A filter as JSON and back. Its 64-bit integers are marked, since JSON numbers lose their digits. */
export const filterText = (filter: PredictionFilter): string =>
  JSON.stringify(filter, (_, value: unknown) =>
    typeof value === 'bigint' ? { bigint: String(value) } : value,
  );

export const parseFilter = (text: string): PredictionFilter =>
  JSON.parse(text, (_, value: unknown) =>
    typeof value === 'object' && value !== null && 'bigint' in value
      ? BigInt(String(value.bigint))
      : value,
  ) as PredictionFilter;

const identityText = ({ name, version, platform, threads }: RunnerIdentity): string =>
  [
    `${name} ${version}`,
    ...(platform === null ? [] : [platform]),
    ...(threads === null ? [] : [`threads: ${threads}`]),
  ].join(', ');

/** A chunk that was run, and the job as it is then. */
interface RunChunk {
  readonly job: ReplayJob;
  readonly replayed: readonly ReplayedPrediction<LoggedCase>[];
}

const run = async (
  context: Context,
  job: ReplayJob,
  cases: readonly LoggedCase[],
): Promise<RunChunk> => {
  const { targetVersionId } = job;
  const target =
    targetVersionId === null
      ? null
      : await modelVersionById(context.database).load(targetVersionId);
  const replayed = await replayEach(context, target, cases, job.options);
  const runner = replayed.find((one) => one.runner !== null)?.runner ?? null;
  const last = cases.at(-1);
  return {
    replayed,
    job: {
      ...job,
      attempted: job.attempted + cases.length,
      place: last === undefined ? job.place : encodeCursor(timeKey(last)),
      runnerIdentity: runner === null ? job.runnerIdentity : identityText(runner),
    },
  };
};

/** Keeps what came of a chunk and how far the job is, both or neither; false when it is not ours any more. */
const keep = (
  { database }: Context,
  worker: string,
  { job, replayed }: RunChunk,
): Promise<boolean> =>
  database.transaction(async (session) => {
    const advanced = await advanceReplayJob(session, worker, job);
    if (advanced === null) return false;
    await keepReplayResults(session, job, replayed);
    return true;
  });

const placeOfJob = ({ place }: ReplayJob): Place | null => {
  const { from } = pageRequest({ first: 1, after: place });
  return from === null ? null : placeOf({ field: 'OCCURRED_AT', direction: 'DESC' }, from);
};

/**
 * Runs a job from where it is until it is over, cancelled or taken by another, or `signal` asks to stop. While a chunk
 * runs, the next is read and the one before is kept. Returns whether it is over.
 */
const runJob = async (
  context: Context,
  worker: string,
  claimed: ReplayJob,
  signal: AbortSignal,
  chunkSize: number,
): Promise<boolean> => {
  const search = await searchOf(context, claimed);
  const read = (place: Place | null, attempted: number): Promise<readonly LoggedCase[]> =>
    // Nobody waits for a job, so it may take its time.
    context.database.transaction((session) =>
      casesAfter(session, search, place, Math.min(chunkSize, claimed.rowLimit - attempted)),
    );
  let job = claimed;
  let reading = read(placeOfJob(claimed), claimed.attempted);
  let keeping = Promise.resolve(true);
  for (;;) {
    const cases = await reading;
    const last = cases.at(-1);
    const attempted = job.attempted + cases.length;
    const isLast = cases.length < chunkSize || attempted >= job.rowLimit || last === undefined;
    reading = isLast ? Promise.resolve([]) : read(placeAfter(last), attempted);
    // Whether it succeeds matters only to the next round, if there is one.
    reading.catch(() => undefined);
    const chunk = await run(context, job, cases);
    job = chunk.job;
    if (!(await keeping)) return true;
    keeping = keep(context, worker, chunk);
    keeping.catch(() => undefined);
    if (!isLast && !signal.aborted) continue;
    if (!(await keeping)) return true;
    if (isLast) await endReplayJob(context.database, worker, job.id, null);
    return isLast;
  }
};

/** Says again and again that the worker is at the job until `work` is over. */
const withHeartbeat = async <Result>(
  beat: () => Promise<void>,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result> => {
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // One that fails is as good as none: the next may succeed, and the end of a chunk finds out.
    beating = beating.then(beat).catch(() => {});
  }, seconds * 1000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await beating;
  }
};

const UNEXPECTED = 'Unexpected error; the log of the server tells more.';

/** The context of the one who started a job. */
const contextOf = (context: Context, { actor, scopes }: ReplayJob): Context => ({
  ...context,
  // Who is restricted to models starts none.
  actor: { name: actor, scopes: new Set(scopes), models: null, rate: null, isKnown: false },
});

const searchOf = async (context: Context, { filter: text }: ReplayJob): Promise<Search> => {
  if (text === null) {
    throw argumentError({ path: ['filter'], message: 'The entity that it named was erased.' });
  }
  const filter = parseFilter(text);
  const condition = await resolveFilter(context, filter, { mustBeBounded: true });
  return { condition, versions: await searchedVersions(context.database, filter) };
};

/**
 * Works on the next job until it is over, cancelled, or `signal` asks to stop: then it is left for another worker to go
 * on. Returns false when there was none. What fails is told in the job.
 */
export const workOnReplayJob = async (
  base: Context,
  worker: string,
  signal: AbortSignal,
  {
    heartbeatSeconds = HEARTBEAT,
    chunkSize = CHUNK,
  }: { readonly heartbeatSeconds?: number; readonly chunkSize?: number } = {},
): Promise<boolean> => {
  const { database } = base;
  const job = await claimReplayJob(database, worker);
  if (job === null) return false;
  try {
    const context = contextOf(base, job);
    const beat = () => keepReplayJob(database, worker, job.id);
    const work = () => runJob(context, worker, job, signal, chunkSize);
    const isOver = await withHeartbeat(beat, heartbeatSeconds, work);
    if (!isOver) await yieldReplayJob(database, worker, job.id);
  } catch (error) {
    // Without the database nothing can be told; somebody goes on with the job when it is back.
    if (isUnavailable(error)) throw error;
    const failure = error instanceof GraphQLError ? error.message : UNEXPECTED;
    await endReplayJob(database, worker, job.id, failure);
    if (failure === UNEXPECTED) throw error;
  }
  return true;
};
