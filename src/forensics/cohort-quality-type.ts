import { builder } from '../platform/builder.ts';
import type { CohortQuality, RankingQuality } from './cohort-quality.ts';
import type { ConfusionCell, LabelQuality } from './confusion.ts';
import { finite } from './distribution-type.ts';
import type { RegressionError } from './regression-error.ts';
import { top, topArguments, topCost } from './top-argument.ts';

const ConfusionCellRef = builder.objectRef<ConfusionCell>('ConfusionCell').implement({
  description: 'How often one label was predicted where another, or the same, was observed.',
  fields: (t) => ({
    predicted: t.exposeString('predicted', { description: 'Predicted label.' }),
    observed: t.exposeString('observed', { description: 'Observed label.' }),
    count: t.expose('count', { type: 'SafeInt', description: 'Predictions.' }),
  }),
});

const LabelQualityRef = builder.objectRef<LabelQuality>('LabelQuality').implement({
  description: 'How well one label was predicted.',
  fields: (t) => ({
    label: t.exposeString('label', { description: 'The label.' }),
    predictedCount: t.exposeInt('predictedCount', {
      description: 'Predictions of it with an observed label.',
    }),
    observedCount: t.exposeInt('observedCount', {
      description: 'Predictions of any label where it was observed.',
    }),
    correctCount: t.exposeInt('correctCount', { description: 'Predictions of it that came true.' }),
    precision: t.exposeFloat('precision', {
      nullable: true,
      description: '`correctCount` over `predictedCount`; null when it was never predicted.',
    }),
    recall: t.exposeFloat('recall', {
      nullable: true,
      description: '`correctCount` over `observedCount`; null when it was never observed.',
    }),
  }),
});

const RankingRef = builder.objectRef<RankingQuality>('RankingQuality').implement({
  description: 'How well scores tell one observed label from all others.',
  fields: (t) => ({
    auc: t.exposeFloat('auc', {
      description:
        'Area under the ROC curve, from 0 to 1, exact with ties counting half: the probability that a positive case scores above a negative one (Hanley and McNeil, 1982; Fawcett, 2006).',
    }),
    positiveLabel: t.exposeString('positiveLabel', {
      description: 'The observed label that counts as positive; every other counts as negative.',
    }),
    positiveCount: t.exposeInt('positiveCount', { description: 'Positive cases with a score.' }),
    negativeCount: t.exposeInt('negativeCount', { description: 'Negative cases with a score.' }),
    unscoredCount: t.exposeInt('unscoredCount', {
      description: 'Cases with an observed label that are left out: their score is absent or NaN.',
    }),
  }),
});

const RegressionErrorRef = builder.objectRef<RegressionError>('RegressionError').implement({
  description: 'Errors of numeric predictions, score less outcome, in the unit of the outcome.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'Predictions whose score and outcome are finite.' }),
    meanError: t.float({
      nullable: true,
      description: 'Mean error; null when it is too large for a 64-bit float.',
      resolve: ({ meanError }) => finite(meanError),
    }),
    meanAbsoluteError: t.float({
      nullable: true,
      description: 'Mean absolute error (MAE); null when it is too large for a 64-bit float.',
      resolve: ({ meanAbsoluteError }) => finite(meanAbsoluteError),
    }),
    rootMeanSquareError: t.float({
      nullable: true,
      description: 'Root mean square error (RMSE); null when it is too large for a 64-bit float.',
      resolve: ({ rootMeanSquareError }) => finite(rootMeanSquareError),
    }),
  }),
});

export const CohortQualityRef = builder.objectRef<CohortQuality>('CohortQuality').implement({
  description:
    'How well the answers agree with the outcomes that are known, by type of output: accuracy for labels, AUC for scores of labels, errors for numbers. Of each prediction the outcome that holds now counts, the one observed last.',
  fields: (t) => ({
    outcomeCount: t.exposeInt('outcomeCount', { description: 'Predictions with an outcome.' }),
    comparedLabelCount: t.exposeInt('comparedLabelCount', {
      description:
        'Predictions with a predicted and an observed label: those that `accuracy` is of.',
    }),
    accuracy: t.exposeFloat('accuracy', {
      nullable: true,
      description:
        'Share of them whose predicted label was observed, from 0 to 1; null when there are none.',
    }),
    confusion: t.field({
      type: [ConfusionCellRef],
      description: 'The confusion matrix: pairs of labels that occurred, the most frequent first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ confusion }, args) => top(confusion, args),
    }),
    labels: t.field({
      type: [LabelQualityRef],
      description: 'Each label on its own, the most observed first.',
      args: topArguments,
      complexity: topCost,
      resolve: ({ labels }, args) => top(labels, args),
    }),
    ranking: t.field({
      type: RankingRef,
      nullable: true,
      description:
        'How well scores tell the positive label from the others; null when no label is positive (`notes` says why) or only one side was observed.',
      resolve: ({ ranking }) => ranking,
    }),
    error: t.field({
      type: RegressionErrorRef,
      nullable: true,
      description:
        'Errors of predictions that have no label and whose outcome is a number; null when there are none.',
      resolve: ({ error }) => error,
    }),
    incomparableCount: t.exposeInt('incomparableCount', {
      description:
        'Such predictions that `error` leaves out: the score is absent, or it or the outcome is not finite.',
    }),
  }),
});
