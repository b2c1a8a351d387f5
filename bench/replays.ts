import { setTimeout as delay } from 'node:timers/promises';
import { PROJECT } from './flights.ts';
import { ask, hindcast, serve } from './hindcast.ts';
import { DENSE, DENSE_DAY, DENSE_VERSION, makeLargeLog } from './large-log.ts';
import type { Options } from './options.ts';
import { type Measured, median } from './report.ts';

const START = `mutation ($input: StartReplayInput!) {
  startReplay(input: $input) { ... on StartReplayPayload { job { id } } ... on UserError { message } }
}`;

const JOB = `query ($id: ID!) {
  replayJob(id: $id) { state startedAt endedAt failure summary { replayed exact } }
}`;

interface Job {
  readonly state: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly failure: string | null;
  readonly summary: { readonly replayed: number; readonly exact: number };
}

const over = async (url: string, id: string): Promise<Job & { readonly endedAt: string }> => {
  for (;;) {
    const { replayJob: job } = await ask<{ replayJob: Job }>(url, JOB, { id });
    const { endedAt } = job;
    if (endedAt !== null) return { ...job, endedAt };
    await delay(1000);
  }
};

/** Runs every prediction of the dense day again as a job, and throws unless each score is the logged one to the bit. */
export const measureReplays = async ({ url, rounds }: Options): Promise<readonly Measured[]> => {
  const scratch = await makeLargeLog(url, 2 * DENSE);
  const place = { database: scratch.url };
  const models = ['1.0.0', '1.1.0'].map(
    (semver) => `${PROJECT}examples/flights/models/flight-delay-${semver}.onnx`,
  );
  await hindcast(place, 'artifacts', 'put', ...models);
  const server = await serve(place);
  const input = {
    filter: {
      occurredAt: { from: DENSE_DAY.from, to: DENSE_DAY.to },
      modelVersion: DENSE_VERSION,
    },
    decision: { threshold: 0.25, above: 'LATE', otherwise: 'ON_TIME' },
    limit: DENSE,
  };
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { startReplay } = await ask<{ startReplay: { job?: { id: string }; message?: string } }>(
      server.url,
      START,
      { input },
    );
    if (startReplay.job === undefined) throw new Error(startReplay.message);
    const job = await over(server.url, startReplay.job.id);
    if (job.state !== 'DONE' || job.summary.exact !== DENSE) throw new Error(JSON.stringify(job));
    values.push(DENSE / ((Date.parse(job.endedAt) - Date.parse(job.startedAt)) / 1000));
  }
  await server.stop();
  await scratch.drop();
  return [
    {
      what: 'replay of the flights model as a job: read, run, kept; bits equal to the log',
      unit: 'predictions/s',
      values,
      target: { text: '≥ 20 000', isReached: median(values) >= 20_000 },
    },
  ];
};
