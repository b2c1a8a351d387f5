import { builder } from '../platform/builder.ts';
import { needs } from '../platform/needs.ts';
import { connectionType, pageArguments, pageCost, pageOfList } from '../platform/pagination.ts';
import { identityKey, PredictionLogRef } from '../prediction/prediction-log.ts';
import { labelsOf, type ReplayedScore, type ReplaySummary, scoreShift } from './replay-summary.ts';
import { NotReplayableReasonEnum } from './replay-type.ts';

export const DecisionInput = builder.inputType('DecisionInput', {
  description: 'How a label follows from a score.',
  fields: (t) => ({
    threshold: t.float({ required: true, description: 'Scores above it get the one label.' }),
    above: t.string({ required: true, description: 'Label of scores above the threshold.' }),
    otherwise: t.string({ required: true, description: 'Label of all others.' }),
  }),
});

const AnswerRef = builder.objectRef<ReplayedScore>('ReplayedScore').implement({
  extensions: needs('predictions:read'),
  description: 'A prediction with its logged score and the one that the version gives.',
  fields: (t) => ({
    prediction: t.field({
      type: PredictionLogRef,
      description: 'The prediction.',
      resolve: ({ prediction }) => prediction,
    }),
    before: t.exposeFloat('before', { description: 'Logged score.' }),
    after: t.exposeFloat('after', { description: 'Score of the version on the same values.' }),
  }),
});

const FlipConnection = connectionType(AnswerRef, 'Flip', 'predictions whose label flips');

export const ObstacleRef = builder
  .objectRef<ReplaySummary['obstacles'][number]>('ReplayObstacle')
  .implement({
    description: 'Why predictions could not be run again.',
    fields: (t) => ({
      reason: t.field({
        type: NotReplayableReasonEnum,
        description: 'Why.',
        resolve: ({ reason }) => reason,
      }),
      count: t.exposeInt('count', { description: 'How many.' }),
    }),
  });

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

export const ReplaySummaryRef = builder.objectRef<ReplaySummary>('ReplaySummary').implement({
  description:
    'Predictions run through a version on the values as they were logged, and how that compares.',
  fields: (t) => ({
    attempted: t.exposeInt('attempted', { description: 'Predictions looked at.' }),
    replayed: t.int({
      description: 'Of these, predictions whose score could be compared.',
      resolve: ({ answers }) => answers.length,
    }),
    exact: t.exposeInt('exact', { description: 'Of these, scores that are the same to the bit.' }),
    obstacles: t.field({
      type: [ObstacleRef],
      description: 'Why the others could not, most frequent first.',
      resolve: ({ obstacles }) => [...obstacles],
    }),
    meanShift: t.float({
      nullable: true,
      description: 'Mean absolute change of the score; null when none was compared.',
      resolve: (run) => scoreShift(run)?.mean ?? null,
    }),
    largestShift: t.float({
      nullable: true,
      description: 'Largest absolute change of the score; null when none was compared.',
      resolve: (run) => scoreShift(run)?.largest ?? null,
    }),
    flips: t.field({
      type: FlipConnection,
      nullable: true,
      description:
        'Predictions whose label would be another, newest first; null when no `decision` was given.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (run, args) =>
        run.decision === null
          ? null
          : pageOfList(args, labelsOf(run, run.decision).flips, ({ prediction }) => [
              identityKey(prediction),
            ]),
    }),
    flipCount: t.int({
      nullable: true,
      description: 'Number of them; null when no `decision` was given.',
      resolve: (run) => (run.decision === null ? null : labelsOf(run, run.decision).flips.length),
    }),
    outcomesKnown: t.int({
      description: 'Of the compared predictions, those with an observed label.',
      resolve: (run) =>
        labelsOf(run, run.decision ?? { threshold: 0, above: '', otherwise: '' }).known,
    }),
    accuracyBefore: t.float({
      nullable: true,
      description:
        'Share of these whose logged label was right; null when none is known, or no `decision` was given.',
      resolve: (run) => {
        if (run.decision === null) return null;
        const { rightBefore, known } = labelsOf(run, run.decision);
        return share(rightBefore, known);
      },
    }),
    accuracyAfter: t.float({
      nullable: true,
      description: 'Share of these whose label from the new score would be right; null likewise.',
      resolve: (run) => {
        if (run.decision === null) return null;
        const { rightAfter, known } = labelsOf(run, run.decision);
        return share(rightAfter, known);
      },
    }),
  }),
});
