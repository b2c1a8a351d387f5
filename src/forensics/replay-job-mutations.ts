import { randomUUID } from 'node:crypto';
import { maySeeSensitive, noteSensitiveRead } from '../access/sensitive-read.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { announceRecorded } from '../platform/events.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { needs } from '../platform/needs.ts';
import { PredictionLogFilter } from '../prediction/prediction-filter-input.ts';
import { resolveFilter } from '../prediction/resolve-filter.ts';
import { findModelVersion, ModelVersionReferenceInput } from '../registry/model-version.ts';
import {
  cancelReplayJob,
  insertReplayJob,
  MAX_JOB_PREDICTIONS,
  type ReplayJob,
  replayJobById,
} from './replay-job.ts';
import { filterText } from './replay-job-run.ts';
import { ReplayJobRef } from './replay-job-type.ts';
import { DecisionInput } from './replay-summary-type.ts';
import { runnerArgument } from './replay-type.ts';

const StartReplayInput = builder.inputType('StartReplayInput', {
  description: 'Predictions to run again in the background.',
  fields: (t) => ({
    filter: t.field({
      type: PredictionLogFilter,
      required: true,
      description: 'Which predictions; bounded as in `predictionLogs`.',
    }),
    with: t.field({
      type: ModelVersionReferenceInput,
      description: 'Version to run them through; each through its own when omitted.',
    }),
    decision: t.field({
      type: DecisionInput,
      description: 'How labels follow from scores, to see which ones flip.',
    }),
    acceptOtherMeanings: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Run another version also on features that mean something else to it, as a bad rollback would.',
    }),
    runner: t.field(runnerArgument),
    limit: t.int({
      required: true,
      defaultValue: 100_000,
      description: `Most predictions to run, the newest first: 1 to ${MAX_JOB_PREDICTIONS}.`,
    }),
  }),
});

const startReplay = async (
  context: Context,
  input: typeof StartReplayInput.$inferInput,
): Promise<ReplayJob> => {
  const { database, actor } = context;
  const { filter, with: reference, decision, acceptOtherMeanings, runner, limit } = input;
  if (limit < 1 || limit > MAX_JOB_PREDICTIONS) {
    const message = `limit is ${limit}; give 1 to ${MAX_JOB_PREDICTIONS}.`;
    assertNoIssues([{ path: ['input', 'limit'], message }]);
  }
  await resolveFilter(context, filter, { mustBeBounded: true, argument: 'input.filter' });
  const target = reference == null ? null : await findModelVersion(database, reference);
  if (reference != null && target === null) {
    throw new NotFoundError('There is no such model version.', ['input', 'with']);
  }
  const id = randomUUID();
  // What it reads later, nobody is shown but by its results.
  if (maySeeSensitive(context)) noteSensitiveRead(context, 'REPLAY', `job:${id}`);
  const job = await insertReplayJob(database, {
    id,
    filter: filterText(filter),
    targetVersionId: target?.id ?? null,
    decision: decision ?? null,
    options: { acceptOtherMeanings, runner },
    rowLimit: limit,
    actor: actor.name,
    scopes: [...actor.scopes],
  });
  await announceRecorded(database, [REPLAY_QUEUED]);
  return referenced(job);
};

/** Announced when a job waits for a worker. */
export const REPLAY_QUEUED = 'replayJob:queued';

const payload = (name: string, description: string) =>
  builder.objectRef<{ readonly job: ReplayJob }>(name).implement({
    description,
    fields: (t) => ({
      job: t.field({ type: ReplayJobRef, description: 'The job.', resolve: ({ job }) => job }),
    }),
  });

builder.mutationField('startReplay', (t) =>
  t.field({
    extensions: needs('predictions:read'),
    type: payload('StartReplayPayload', 'A job that waits for a worker.'),
    nullable: true,
    description:
      'Runs many predictions again in the background: the exact artifact on the exact logged values. Follow it with `replayProgress`, or read it with `replayJob`.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: StartReplayInput, required: true, description: 'What to run.' }),
    },
    resolve: async (_, { input }, context) => ({ job: await startReplay(context, input) }),
  }),
);

const CancelReplayInput = builder.inputType('CancelReplayInput', {
  description: 'A job to cancel.',
  fields: (t) => ({
    job: t.globalID({ required: true, for: ReplayJobRef, description: 'Global ID of the job.' }),
  }),
});

builder.mutationField('cancelReplay', (t) =>
  t.field({
    extensions: needs('predictions:read'),
    type: payload('CancelReplayPayload', 'A job that is over.'),
    nullable: true,
    description:
      'Cancels a job; what it has so far is kept. One that is over stays as it is, so calling this again is safe.',
    errors: { types: [NotFoundError] },
    args: { input: t.arg({ type: CancelReplayInput, required: true, description: 'The job.' }) },
    resolve: async (_, { input }, { database }) => {
      const { id } = input.job;
      const job = (await cancelReplayJob(database, id)) ?? (await replayJobById(database, id));
      if (job === null) {
        throw new NotFoundError('There is no such replay job.', ['input', 'job']);
      }
      return { job };
    },
  }),
);
