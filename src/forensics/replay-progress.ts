import { setTimeout as delay } from 'node:timers/promises';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { needs } from '../platform/needs.ts';
import { type ReplayJob, replayJobById } from './replay-job.ts';
import { ReplayJobRef } from './replay-job-type.ts';

/** Milliseconds between two looks at a job. */
const INTERVAL = 200;

/** A job now, and again whenever it is further; ends when it is over, or the server stops. */
async function* progressOf({ database, stopping }: Context, id: string): AsyncGenerator<ReplayJob> {
  let last: ReplayJob | null = null;
  while (stopping?.aborted !== true) {
    const job = await replayJobById(database, id);
    if (job === null) return;
    if (job.state !== last?.state || job.attempted !== last.attempted) yield job;
    if (job.endedAt !== null) return;
    last = job;
    await delay(INTERVAL);
  }
}

builder.subscriptionField('replayProgress', (t) =>
  t.field({
    extensions: needs('predictions:read'),
    type: ReplayJobRef,
    description:
      'A replay job now, and again whenever it is further. Completes when the job is over, at once when there is no such job, and when the server stops: ask again then.',
    args: {
      id: t.arg.globalID({
        required: true,
        for: ReplayJobRef,
        description: 'Global ID of the job.',
      }),
    },
    subscribe: (_, { id }, context) => progressOf(context, id.id),
    resolve: (job: ReplayJob) => job,
  }),
);
