import { GraphQLError } from 'graphql';
import { argumentError } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { isUnavailable } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { pageRequest } from '../platform/pagination.ts';
import { latestOutcome } from '../prediction/observations.ts';
import type { PredictionFilter } from '../prediction/prediction-filter-input.ts';
import { resolveFilter } from '../prediction/resolve-filter.ts';
import { searchPage } from '../prediction/search-page.ts';
import type { Condition } from '../prediction/sql-condition.ts';
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
import { type Decision, labelOf, type ReplayedPrediction, replayEach } from './replay-summary.ts';

const CHUNK = 1000;

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

const resultColumns = (
  replayed: readonly ReplayedPrediction[],
  decision: Decision | null,
): readonly unknown[] => {
  const column = (of: (one: ReplayedPrediction) => unknown) => replayed.map(of);
  const outcomeOf = ({ prediction }: ReplayedPrediction) =>
    latestOutcome(prediction.observations.outcomes)?.label ?? null;
  const labelAfter = ({ after }: ReplayedPrediction) =>
    after === null || decision === null ? null : labelOf(decision, after);
  return [
    column(({ prediction }) => prediction.requestId),
    column(({ prediction }) => formatInstant(prediction.occurredAt)),
    column(({ prediction }) => prediction.endpointId),
    column(({ prediction }) => prediction.item),
    column(({ prediction, after }) => (after === null ? null : prediction.score)),
    column(({ after }) => after),
    column(({ obstacle }) => obstacle),
    column(({ prediction }) => prediction.label),
    column(labelAfter),
    column(outcomeOf),
  ];
};

const INSERT = `INSERT INTO replay_result (job_id, ordinal, request_id, occurred_at, endpoint_id, item, score_before,
    score_after, obstacle, label_before, label_after, outcome)
  SELECT $1::text::uuid, $2::integer + place, request_id, occurred_at, endpoint_id, item, score_before, score_after,
    obstacle, label_before, label_after, outcome
  FROM unnest($3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::float8[], $8::float8[], $9::text[], $10::text[],
    $11::text[], $12::text[]) WITH ORDINALITY AS one (request_id, occurred_at, endpoint_id, item, score_before,
    score_after, obstacle, label_before, label_after, outcome, place)`;

/** Runs the next predictions of a job and keeps what came of them, both or neither; null when it is not ours any more. */
const runChunk = async (
  context: Context,
  worker: string,
  job: ReplayJob,
  condition: Condition,
): Promise<{ readonly job: ReplayJob; readonly isLast: boolean } | null> => {
  const { database } = context;
  const { from } = pageRequest({ first: 1, after: job.place });
  const limit = Math.min(CHUNK, job.rowLimit - job.attempted);
  const { edges, pageInfo } = await searchPage(
    database,
    condition,
    { field: 'OCCURRED_AT', direction: 'DESC' },
    { limit, isBackward: false, from },
  );
  const target =
    job.targetVersionId === null
      ? null
      : await modelVersionById(database).load(job.targetVersionId);
  const replayed = await replayEach(
    context,
    target,
    edges.map(({ node }) => node),
    job.options,
  );
  const runner = replayed.find((one) => one.runner !== null)?.runner ?? null;
  const advanced = await database.transaction(async (session) => {
    const next = await advanceReplayJob(session, worker, {
      ...job,
      attempted: job.attempted + edges.length,
      place: pageInfo.endCursor ?? job.place,
      runnerIdentity: runner === null ? job.runnerIdentity : identityText(runner),
    });
    if (next !== null && replayed.length > 0) {
      await session.query({
        name: 'insert_replay_results',
        text: INSERT,
        values: [job.id, job.attempted, ...resultColumns(replayed, job.decision)],
      });
    }
    return next;
  });
  if (advanced === null) return null;
  const isLast = !pageInfo.hasNextPage || advanced.attempted >= advanced.rowLimit;
  return { job: advanced, isLast };
};

/** Says again and again that the worker is at the job until `work` is over. */
const withHeartbeat = async <Result>(
  beat: () => Promise<void>,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result> => {
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // One that fails is as good as none: the next may succeed, and the end of the chunk finds out.
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
  actor: { name: actor, scopes: new Set(scopes) },
});

const conditionOf = (context: Context, { filter }: ReplayJob): Promise<Condition> => {
  if (filter === null) {
    throw argumentError({ path: ['filter'], message: 'The entity that it named was erased.' });
  }
  return resolveFilter(context, parseFilter(filter), { mustBeBounded: true });
};

/**
 * Works on the next job until it is over, cancelled, or `signal` asks to stop: then it is left for another worker to go
 * on. Returns false when there was none. What fails is told in the job.
 */
export const workOnReplayJob = async (
  base: Context,
  worker: string,
  signal: AbortSignal,
  heartbeatSeconds = HEARTBEAT,
): Promise<boolean> => {
  const { database } = base;
  const claimed = await claimReplayJob(database, worker);
  if (claimed === null) return false;
  try {
    const context = contextOf(base, claimed);
    const condition = await conditionOf(context, claimed);
    let job = claimed;
    while (!signal.aborted) {
      const { id } = job;
      const beat = () => keepReplayJob(database, worker, id);
      const chunk = () => runChunk(context, worker, job, condition);
      const done = await withHeartbeat(beat, heartbeatSeconds, chunk);
      if (done === null) return true;
      job = done.job;
      if (done.isLast) {
        await endReplayJob(database, worker, job.id, null);
        return true;
      }
    }
    await yieldReplayJob(database, worker, job.id);
  } catch (error) {
    // Without the database nothing can be told; somebody goes on with the job when it is back.
    if (isUnavailable(error)) throw error;
    const failure = error instanceof GraphQLError ? error.message : UNEXPECTED;
    await endReplayJob(database, worker, claimed.id, failure);
    if (failure === UNEXPECTED) throw error;
  }
  return true;
};
