import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { claimReplayJob, insertReplayJob } from '../src/forensics/replay-job.ts';
import { filterText, parseFilter, workOnReplayJob } from '../src/forensics/replay-job-run.ts';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { type Context, localActor } from '../src/platform/context.ts';
import {
  type Json,
  micros,
  openDemo,
  outcomes,
  predictionsBetween,
  variablesOf,
} from './setup/example.ts';

const demo = await openDemo();
const { ask, respond, database, artifacts, statementsOf, url, run } = demo;
const context: Context = {
  database,
  artifacts,
  actor: localActor('tester'),
  inferenceUrl: null,
  signer: null,
};

const START = `mutation Start($input: StartReplayInput!) { startReplay(input: $input) {
  __typename ... on StartReplayPayload { job { id state limit createdBy } } ... on UserError { message path }
} }`;

const SUMMARY = `summary { replayed exact meanShift largestShift flipCount agreement outcomesKnown accuracyBefore
  accuracyAfter obstacles { reason count } }`;

const JOB = `query Job($id: ID!) { replayJob(id: $id) {
  state attempted runner failure startedAt endedAt target { displayName } ${SUMMARY}
  flips(first: 200) { nodes { requestId before after labelBefore labelAfter outcome prediction { requestId } } pageInfo { hasNextPage } }
} }`;

const { input: bad } = variablesOf('replay-job') as { input: Json };
const window = (bad.filter as { occurredAt: { from: string; to: string } }).occurredAt;
const inWindow = predictionsBetween(window.from, window.to);

interface Job extends Json {
  readonly state: string;
  readonly attempted: number;
  readonly summary: Json & { replayed: number };
  readonly flips: { readonly nodes: readonly Json[]; readonly pageInfo: Json };
}

const jobOf = async (id: string): Promise<Job> =>
  (await ask<{ replayJob: Job }>(JOB, { id })).replayJob;

const start = async (input: Json): Promise<string> => {
  const { startReplay } = await ask<{ startReplay: { job: { id: string } } }>(START, { input });
  return startReplay.job.id;
};

const ended = async (id: string): Promise<Job> => {
  for (;;) {
    const job = await jobOf(id);
    if (job.endedAt !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** A job that no server knows of: it waits for the worker of the test. */
const queued = async (more: Json = {}): Promise<string> => {
  const id = randomUUID();
  await insertReplayJob(database, {
    id,
    filter: filterText(parseFilter(JSON.stringify(storedFilter))),
    targetVersionId: null,
    decision: { threshold: 0.25, above: 'LATE', otherwise: 'ON_TIME' },
    options: { acceptOtherMeanings: false, runner: 'LOCAL' },
    rowLimit: 1_000_000,
    actor: 'tester',
    scopes: ['predictions:read', 'features:sensitive'],
    ...more,
  });
  return id;
};
// As the server keeps it: instants are microseconds.
const storedFilter = {
  occurredAt: { from: micros(window.from), to: micros(window.to) },
  modelVersion: (bad.filter as Json).modelVersion,
};

const deferred = () => {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};

const globalId = (id: string): string => Buffer.from(`ReplayJob:${id}`).toString('base64');

describe('a replay job', () => {
  it('says what another version would have said to every case, as the cohort does', async () => {
    const { startReplay } = await run<{ startReplay: { job: { id: string; limit: number } } }>(
      'replay-job',
    );
    expect(startReplay.job.limit).toBe(100_000);
    const job = await ended(startReplay.job.id);
    const { replayCohort } = await run<{ replayCohort: { summary: Json } }>('replay-cohort');
    const { flips: _, attempted, ...cohort } = replayCohort.summary as Json & { attempted: number };
    expect(attempted).toBe(inWindow.length);
    const { meanShift, agreement, ...summary } = job.summary;
    expect(summary).toEqual({ ...cohort, meanShift: undefined, exact: 0 });
    expect(meanShift).toBeCloseTo(Number(cohort.meanShift), 14);
    expect(agreement).toBe(1 - Number(cohort.flipCount) / inWindow.length);
    expect(job).toMatchObject({
      state: 'DONE',
      attempted: inWindow.length,
      failure: null,
      target: { displayName: 'flight-delay@1.1.0' },
      runner: expect.stringMatching(/^onnxruntime-node \S+, linux\/amd64, threads: 1$/),
    });
    const observed = new Map(outcomes.map((line) => [line.requestId, line.label]));
    const known = inWindow.filter(({ requestId }) => observed.has(requestId));
    const right = known.filter(({ requestId, label }) => observed.get(requestId) === label);
    expect(job.summary).toMatchObject({
      outcomesKnown: known.length,
      accuracyBefore: right.length / known.length,
    });
    expect(job.flips.nodes).toHaveLength(200);
    expect(job.flips.pageInfo).toEqual({ hasNextPage: true });
    for (const { requestId, before, after, labelBefore, labelAfter, outcome, prediction } of job
      .flips.nodes) {
      const line = inWindow.find((one) => one.requestId === requestId);
      expect([before, labelBefore, outcome ?? null]).toEqual([
        line?.score,
        line?.label,
        observed.get(requestId) ?? null,
      ]);
      expect(labelAfter).toBe(Number(after) > 0.25 ? 'LATE' : 'ON_TIME');
      expect(labelAfter).not.toBe(labelBefore);
      expect(prediction).toEqual({ requestId });
    }
  });

  it('repeats every logged score to the bit through the versions that answered', async () => {
    const { with: _, ...own } = bad;
    const { summary, target } = await ended(await start({ ...own, limit: 700 }));
    expect(target).toBeNull();
    expect(summary).toMatchObject({ replayed: 700, exact: 700, meanShift: 0, flipCount: 0 });
  });

  it('tells why predictions could not be run', async () => {
    const to = '2001-05-02T00:00:00Z';
    const filter = { occurredAt: { from: '2001-05-01T00:00:00Z', to } };
    const job = await ended(
      await start({ filter, with: { release: { model: 'flight-delay', semver: '1.0.0' } } }),
    );
    const count = predictionsBetween('2001-05-01T00:00:00Z', to).length;
    expect(job).toMatchObject({
      state: 'DONE',
      attempted: count,
      runner: null,
      summary: {
        replayed: 0,
        meanShift: null,
        agreement: null,
        accuracyAfter: null,
        obstacles: [{ reason: 'SCHEMA_UNSATISFIED', count }],
      },
    });
  });

  it('is refused, and not recorded, when it is not bounded, too large, or names no version', async () => {
    const count = () => database.query({ text: 'SELECT count(*) AS count FROM replay_job' });
    const before = await count();
    expect(await ask(START, { input: { ...bad, limit: 1_000_001 } })).toEqual({
      startReplay: {
        __typename: 'InvalidInputError',
        message: 'limit is 1000001; give 1 to 1000000.',
        path: ['input', 'limit'],
      },
    });
    expect(
      await ask(START, {
        input: { ...bad, with: { release: { model: 'flight-delay', semver: '9.9.9' } } },
      }),
    ).toEqual({
      startReplay: {
        __typename: 'NotFoundError',
        message: 'There is no such model version.',
        path: ['input', 'with'],
      },
    });
    const unbounded = await respond(START, { input: { filter: {} } });
    expect(unbounded.errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(await count()).toEqual(before);
  });

  it('goes on where a worker fell silent, without a result twice or missing', async () => {
    const id = await queued();
    const stop = new AbortController();
    const observer = database.observe((sql) => {
      // After the first chunk the process dies: nothing is said any more.
      if (sql.startsWith('COPY replay_result')) stop.abort();
    });
    await workOnReplayJob(context, randomUUID(), stop.signal, { chunkSize: 100 });
    observer();
    const half = await jobOf(globalId(id));
    expect([half.state, half.attempted % 100]).toEqual(['RUNNING', 0]);
    expect(half.attempted).toBeGreaterThan(0);
    expect(half.attempted).toBeLessThan(inWindow.length);
    expect(await workOnReplayJob(context, randomUUID(), new AbortController().signal)).toBe(true);
    const whole = await jobOf(globalId(id));
    expect([whole.state, whole.attempted, whole.summary.replayed]).toEqual([
      'DONE',
      inWindow.length,
      inWindow.length,
    ]);
    const rows = await database.query<{ ids: bigint; last: number }>({
      text: 'SELECT count(DISTINCT request_id) AS ids, max(ordinal) AS last FROM replay_result WHERE job_id = $1::text::uuid',
      values: [id],
    });
    expect(rows).toEqual([{ ids: BigInt(inWindow.length), last: inWindow.length }]);
  });

  it('is worked on by one worker only', async () => {
    await queued({ rowLimit: 10 });
    const claims = await Promise.all([1, 2, 3].map(() => claimReplayJob(database, randomUUID())));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
  });

  it('stays with a worker whose predictions take long', async () => {
    const id = await queued({ rowLimit: 10 });
    const worker = randomUUID();
    const chunk = deferred();
    // The model does not arrive until the end of the test.
    const slow: Context = {
      ...context,
      artifacts: {
        ...artifacts,
        read: (digest) => chunk.promise.then(() => artifacts.read(digest)),
      },
    };
    const work = workOnReplayJob(slow, worker, new AbortController().signal, {
      heartbeatSeconds: 0.01,
    });
    const beats = () =>
      database.query<{ is_fresh: boolean }>({
        text: `SELECT heartbeat_at > clock_timestamp() - interval '30 seconds' AS is_fresh FROM replay_job
          WHERE id = $1::text::uuid AND worker = $2::text::uuid`,
        values: [id, worker],
      });
    while ((await beats()).length === 0) await delay(5);
    await database.query({
      text: `UPDATE replay_job SET heartbeat_at = clock_timestamp() - interval '1 hour' WHERE id = $1::text::uuid`,
      values: [id],
    });
    while ((await beats())[0]?.is_fresh !== true) await delay(5);
    expect((await claimReplayJob(database, randomUUID()))?.id).not.toBe(id);
    chunk.resolve();
    expect(await work).toBe(true);
    expect(await jobOf(globalId(id))).toMatchObject({ state: 'DONE', attempted: 10 });
  });

  it('takes the same number of statements for a chunk, whatever is in it', async () => {
    const work = () => workOnReplayJob(context, randomUUID(), new AbortController().signal);
    await queued({ rowLimit: 5 });
    await work();
    await queued({ rowLimit: 10 });
    const few = await statementsOf(work);
    await queued({ rowLimit: 1000 });
    const many = await statementsOf(work);
    expect(many.length).toBe(few.length);
  });

  it('is cancelled, keeps what it has, and stays as it is afterwards', async () => {
    const id = await queued();
    const cancel = () =>
      ask(
        `mutation Cancel($id: ID!) { cancelReplay(input: { job: $id }) {
          ... on CancelReplayPayload { job { state attempted } } ... on UserError { message } } }`,
        { id: globalId(id) },
      );
    const cancelled = { cancelReplay: { job: { state: 'CANCELLED', attempted: 0 } } };
    expect(await cancel()).toEqual(cancelled);
    expect(await cancel()).toEqual(cancelled);
    await workOnReplayJob(context, randomUUID(), new AbortController().signal);
    expect(await jobOf(globalId(id))).toMatchObject({ state: 'CANCELLED', attempted: 0 });
    expect(
      await ask(
        'mutation { cancelReplay(input: { job: "UmVwbGF5Sm9iOm5vbmU=" }) { ... on UserError { message path } } }',
      ),
    ).toEqual({
      cancelReplay: { message: 'There is no such replay job.', path: ['input', 'job'] },
    });
  });

  it('is followed through server-sent events until it is over', async () => {
    const id = await start(bad);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: `subscription Progress($id: ID!) { replayProgress(id: $id) { state attempted limit } }`,
        variables: { id },
      }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const text = await response.text();
    const events = text
      .split('\n\n')
      .filter((event) => event.startsWith('event: next'))
      .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as { data: Json });
    const states = events.map(({ data }) => data.replayProgress as { state: string });
    expect(states.at(-1)).toEqual({ state: 'DONE', attempted: inWindow.length, limit: 100_000 });
    expect(text).toContain('event: complete');
  });

  it('is listed, the newest first', async () => {
    const older = await queued({ rowLimit: 1 });
    // So that the clock of either database goes on.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const newer = await queued({ rowLimit: 1 });
    const { replayJobs } = await ask<{ replayJobs: { nodes: { id: string }[]; pageInfo: Json } }>(
      '{ replayJobs(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } }',
    );
    expect(replayJobs.nodes.map(({ id }) => Buffer.from(id, 'base64').toString())).toEqual([
      `ReplayJob:${newer}`,
      `ReplayJob:${older}`,
    ]);
    const { replayJobs: next } = await ask<{ replayJobs: { nodes: { id: string }[] } }>(
      'query ($after: String) { replayJobs(first: 1, after: $after) { nodes { id } } }',
      { after: (replayJobs.pageInfo as { endCursor: string }).endCursor },
    );
    expect(next.nodes).toHaveLength(1);
    expect(next.nodes[0]?.id).not.toBe(replayJobs.nodes[1]?.id);
  });

  it('keeps nothing of an entity that is erased', async () => {
    const [line] = inWindow;
    const entityKey = String(line?.entityKey);
    const id = await queued({
      filter: filterText({ entityKeys: [entityKey] }),
    });
    await eraseEntity(context, { entityKey, legalBasis: 'GDPR Art. 17(1)(b)', reason: 'asked' });
    const rows = await database.query({
      text: 'SELECT 1 FROM replay_result WHERE request_id = $1',
      values: [line?.requestId],
    });
    expect(rows).toEqual([]);
    for (;;) {
      if (!(await workOnReplayJob(context, randomUUID(), new AbortController().signal))) break;
    }
    expect(await jobOf(globalId(id))).toMatchObject({
      state: 'FAILED',
      failure: 'filter: The entity that it named was erased.',
    });
  });
});
