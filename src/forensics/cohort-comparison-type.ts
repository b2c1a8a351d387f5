import { builder } from '../platform/builder.ts';
import { needs } from '../platform/needs.ts';
import { pageArguments, pageCost, pageOfList } from '../platform/pagination.ts';
import { PredictionLogFilter } from '../prediction/prediction-filter-input.ts';
import { ModelVersionRef, ModelVersionReferenceInput } from '../registry/model-version.ts';
import { type CohortComparison, compareCohorts } from './cohort-comparison.ts';
import { MAX_COHORT, MAX_COMPARED_FEATURES } from './cohort-scope.ts';
import { CohortRef } from './cohort-type.ts';
import { FeatureMovementConnection } from './feature-movement-type.ts';
import { kolmogorovSmirnov } from './kolmogorov-smirnov.ts';
import { totalVariation } from './stability-index.ts';

const labelDistance = ({ base, head }: CohortComparison): number | null => {
  const labels = [...new Set([...base.labels.keys(), ...head.labels.keys()])];
  return totalVariation(
    [...labels.map((label) => base.labels.get(label) ?? 0), base.unlabelledCount],
    [...labels.map((label) => head.labels.get(label) ?? 0), head.unlabelledCount],
  );
};

const EXACT_KS =
  'two-sample Kolmogorov–Smirnov statistic, from 0 to 1, exact over all values but NaN (Massey, 1951); null when a cohort has none.';

const CohortComparisonRef = builder.objectRef<CohortComparison>('CohortComparison').implement({
  extensions: needs('predictions:read'),
  description:
    'Two sets of predictions side by side, each read as a whole: nothing is sampled. It says how they differ, not why.',
  fields: (t) => ({
    base: t.field({
      type: CohortRef,
      description: 'What it is compared from.',
      resolve: ({ base }) => base,
    }),
    head: t.field({
      type: CohortRef,
      description: 'What it is compared to.',
      resolve: ({ head }) => head,
    }),
    baseline: t.field({
      type: ModelVersionRef,
      nullable: true,
      description:
        'The version whose training statistics gave the bins; null when no prediction matches.',
      resolve: ({ baseline }) => baseline,
    }),
    scoreKs: t.float({
      nullable: true,
      description: `How far the scores moved: ${EXACT_KS}`,
      resolve: ({ base, head }) => kolmogorovSmirnov(base.score.sorted, head.score.sorted),
    }),
    latencyKs: t.float({
      nullable: true,
      description: `How far the latencies moved: ${EXACT_KS}`,
      resolve: ({ base, head }) => kolmogorovSmirnov(base.latencyMs.sorted, head.latencyMs.sorted),
    }),
    labelDistance: t.float({
      nullable: true,
      description:
        'How far the predicted labels moved: total variation distance of their shares, from 0 to 1, no label counting as one; null when a cohort is empty.',
      resolve: labelDistance,
    }),
    features: t.field({
      type: FeatureMovementConnection,
      description:
        'Features by how much they moved, the furthest first: by `movement`, then `ks`, then name; redacted ones last.',
      args: pageArguments,
      complexity: pageCost,
      resolve: ({ features }, args) => pageOfList(args, features, ({ name }) => [name]),
    }),
    notes: t.stringList({
      description: 'What could not be said, and why: English sentences.',
      resolve: ({ notes }) => [...notes],
    }),
  }),
});

builder.queryField('compareCohorts', (t) =>
  t.field({
    extensions: needs('predictions:read', 'registry:read'),
    type: CohortComparisonRef,
    nullable: true,
    description: `Compares two sets of predictions: answers, quality, and every feature on bins that training fixed. Each filter must be bounded as that of \`predictionLogs\`, and may match at most ${MAX_COHORT} predictions; more are refused, never sampled.`,
    // Reads every prediction of both.
    complexity: { field: 1000, multiplier: 1 },
    args: {
      base: t.arg({
        type: PredictionLogFilter,
        required: true,
        description: 'Predictions to compare from, such as those before a change.',
      }),
      head: t.arg({
        type: PredictionLogFilter,
        required: true,
        description: 'Predictions to compare to, such as those after it.',
      }),
      baseline: t.arg({
        type: ModelVersionReferenceInput,
        description:
          'The version whose frozen training statistics give the bins: those of its REFERENCE snapshot, else of its TRAINING snapshots. When omitted, the only version of `head`, or of `base` when `head` is empty.',
      }),
      features: t.arg.stringList({
        description: `Only these features, at most ${MAX_COMPARED_FEATURES}; when omitted, all that a schema of the predictions or of \`baseline\` declares.`,
      }),
      positiveLabel: t.arg.string({
        description:
          'Observed label that counts as positive for the AUC. When omitted and exactly two were observed, the one that each version gave only to scores above all those it gave the other.',
      }),
    },
    resolve: (_, args, context) => compareCohorts(context, args),
  }),
);
