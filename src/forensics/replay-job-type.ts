import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { branded } from '../platform/immutable-cache.ts';
import {
  connectionType,
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { predictionByIdentity } from '../prediction/prediction-by-identity.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import { ModelVersionRef, modelVersionById } from '../registry/model-version.ts';
import { type ReplayJob, replayJobById, replayJobPage } from './replay-job.ts';
import {
  type ReplayJobSummary,
  type ReplayResult,
  replayJobSummary,
  replayResultPage,
} from './replay-job-results.ts';
import { ObstacleRef } from './replay-summary-type.ts';
import { NotReplayableReasonEnum } from './replay-type.ts';

const StateEnum = builder.enumType('ReplayJobState', {
  description: 'How far a replay job is.',
  values: {
    QUEUED: { description: 'It waits for a worker.' },
    RUNNING: { description: 'It is being worked on; what it has so far can be read.' },
    DONE: { description: 'Everything was run.' },
    FAILED: { description: 'It could not go on; `failure` says why.' },
    CANCELLED: { description: 'It was cancelled; what it had so far is kept.' },
  } as const,
});

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const SummaryRef = builder.objectRef<ReplayJobSummary>('ReplayJobSummary').implement({
  description: 'What the predictions that a job has run so far came to.',
  fields: (t) => ({
    replayed: t.exposeInt('replayed', { description: 'Predictions whose score was compared.' }),
    exact: t.exposeInt('exact', { description: 'Of these, scores that are the same to the bit.' }),
    meanShift: t.exposeFloat('meanShift', {
      nullable: true,
      description: 'Mean absolute change of the finite scores; null when none was compared.',
    }),
    largestShift: t.exposeFloat('largestShift', {
      nullable: true,
      description: 'Largest absolute change of the finite scores; null when none was compared.',
    }),
    obstacles: t.field({
      type: [ObstacleRef],
      description: 'Why the others were not compared, most frequent first.',
      resolve: ({ obstacles }) => [...obstacles],
    }),
    agreement: t.float({
      nullable: true,
      description:
        'Share of the predictions with a logged label that keep it; null without a `decision`.',
      resolve: ({ labelled, flips }) => share(labelled - flips, labelled),
    }),
    flipCount: t.exposeInt('flips', { description: 'Predictions whose label would be another.' }),
    outcomesKnown: t.exposeInt('outcomesKnown', {
      description: 'Of the compared predictions, those with an observed label.',
    }),
    accuracyBefore: t.float({
      nullable: true,
      description: 'Share of these whose logged label was right; null when none is known.',
      resolve: ({ rightBefore, outcomesKnown }) => share(rightBefore, outcomesKnown),
    }),
    accuracyAfter: t.float({
      nullable: true,
      description:
        'Share of these whose label from the new score would be right; null when none is known, or without a `decision`.',
      resolve: ({ rightAfter, outcomesKnown, labelled }) =>
        labelled === 0 ? null : share(rightAfter, outcomesKnown),
    }),
  }),
});

const ResultRef = builder.objectRef<ReplayResult>('ReplayResult').implement({
  description: 'What came of one prediction that was run again.',
  fields: (t) => ({
    requestId: t.exposeString('requestId', { description: 'Its request ID.' }),
    prediction: t.field({
      type: PredictionLogRef,
      nullable: true,
      description: 'The prediction with its features; null when the log does not hold it any more.',
      complexity: 2,
      resolve: (result, _, context) => predictionByIdentity(context).load(result),
    }),
    before: t.exposeFloat('before', {
      nullable: true,
      description: 'Logged score; null when nothing was compared.',
    }),
    after: t.exposeFloat('after', {
      nullable: true,
      description: 'Score of the version on the same values; null when nothing was compared.',
    }),
    labelBefore: t.exposeString('labelBefore', { nullable: true, description: 'Logged label.' }),
    labelAfter: t.exposeString('labelAfter', {
      nullable: true,
      description: 'Label that the decision gives to the new score; null without a decision.',
    }),
    outcome: t.exposeString('outcome', {
      nullable: true,
      description: 'Observed label, as known when it was run.',
    }),
    obstacle: t.expose('obstacle', {
      type: NotReplayableReasonEnum,
      nullable: true,
      description: 'Why nothing was compared; null when it was.',
    }),
  }),
});

const ResultConnection = connectionType(ResultRef, 'ReplayResult', 'results of a replay job');

const resultsOf = async (
  { database }: Context,
  { id }: ReplayJob,
  args: PageArguments,
  onlyFlips: boolean,
) => {
  const request = pageRequest(args);
  const [from = null] = numericKey(request, ['integer']) ?? [];
  const rows = await replayResultPage(database, id, onlyFlips, request, from);
  return pageOf(request, rows, ({ ordinal }) => [String(ordinal)]);
};

export const ReplayJobRef = builder.objectRef<ReplayJob>('ReplayJob');

builder.node(ReplayJobRef, {
  description:
    'Predictions that are run again in the background, the newest first. What it has so far is kept and can be read at any time; a server that stops leaves it to the next one.',
  id: { resolve: ({ id }) => id, description: 'Opaque global ID.' },
  loadOne: async (id: string, { database }) => {
    const job = await replayJobById(database, id);
    return job === null ? null : branded('ReplayJob', job);
  },
  fields: (t) => ({
    state: t.expose('state', { type: StateEnum, description: 'How far it is.' }),
    attempted: t.exposeInt('attempted', { description: 'Predictions run so far.' }),
    limit: t.exposeInt('rowLimit', { description: 'Most predictions that it runs.' }),
    filter: t.exposeString('filter', {
      nullable: true,
      description: 'The filter as JSON; null when it named an entity that was erased.',
    }),
    target: t.field({
      type: ModelVersionRef,
      nullable: true,
      description: 'Version that they are run through; null when each goes through its own.',
      resolve: ({ targetVersionId: id }, _, { database }) =>
        id === null ? null : modelVersionById(database).load(id),
    }),
    runner: t.exposeString('runnerIdentity', {
      nullable: true,
      description: 'What ran them, with version, platform and threads; null until something did.',
    }),
    failure: t.exposeString('failure', {
      nullable: true,
      description: 'Why it could not go on; null otherwise.',
    }),
    createdBy: t.exposeString('actor', { description: 'Who started it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a worker took it first; null while it waits.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was over; null before.',
    }),
    summary: t.field({
      type: SummaryRef,
      description: 'What the predictions run so far came to.',
      complexity: 50,
      resolve: ({ id }, _, { database }) => replayJobSummary(database, id),
    }),
    flips: t.field({
      type: ResultConnection,
      description: 'Predictions whose label would be another, the newest first.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (job, args, context) => resultsOf(context, job, args, true),
    }),
    results: t.field({
      type: ResultConnection,
      description: 'Everything that was run so far, the newest prediction first.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (job, args, context) => resultsOf(context, job, args, false),
    }),
  }),
});

const ReplayJobConnection = connectionType(ReplayJobRef, 'ReplayJob', 'replay jobs');

builder.queryFields((t) => ({
  replayJob: t.field({
    type: ReplayJobRef,
    nullable: true,
    description: 'A replay job.',
    args: {
      id: t.arg.globalID({ required: true, for: ReplayJobRef, description: 'Its global ID.' }),
    },
    resolve: (_, { id }, { database }) => replayJobById(database, id.id),
  }),
  replayJobs: t.field({
    type: ReplayJobConnection,
    nullable: true,
    description: 'All replay jobs, the newest first.',
    complexity: pageCost,
    args: pageArguments,
    resolve: async (_, args, { database }) => {
      const request = pageRequest(args);
      return pageOf(request, await replayJobPage(database, request), ({ id }) => [id]);
    },
  }),
}));
