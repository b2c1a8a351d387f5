import type { CohortObservations } from './cohort-observations.ts';
import { accuracyOf, type ConfusionCell, type LabelQuality, labelQualities } from './confusion.ts';
import type { RegressionError } from './regression-error.ts';
import { inferPositiveLabel, rocAuc } from './roc-auc.ts';

/** How well scores tell one observed label from the others. */
export interface RankingQuality {
  readonly auc: number;
  readonly positiveLabel: string;
  readonly positiveCount: number;
  readonly negativeCount: number;
  /** Predictions with an observed label whose score is absent or NaN. */
  readonly unscoredCount: number;
}

/** How well one cohort's answers agree with the outcomes that are known. */
export interface CohortQuality {
  readonly outcomeCount: number;
  /** Predictions with a predicted and an observed label. */
  readonly comparedLabelCount: number;
  readonly accuracy: number | null;
  readonly confusion: readonly ConfusionCell[];
  readonly labels: readonly LabelQuality[];
  readonly ranking: RankingQuality | null;
  readonly error: RegressionError | null;
  readonly incomparableCount: number;
}

/** Which observed label counts as positive, or why none does. */
export type PositiveLabel =
  | { readonly label: string; readonly why: null }
  | { readonly label: null; readonly why: string | null };

const NO_RULE =
  'no label stands for high scores: a version gave both labels to the same scores, gave only one, or the versions disagree';

/**
 * The positive label for both cohorts: the given one; else, when exactly two labels were observed, the one that versions
 * gave only to their higher scores.
 */
export const positiveLabelOf = (
  given: string | null,
  cohorts: readonly CohortObservations[],
): PositiveLabel => {
  if (given !== null) return { label: given, why: null };
  const observed = new Set(cohorts.flatMap(({ scoresByOutcome }) => [...scoresByOutcome.keys()]));
  const hasScores = cohorts.some(({ score }) => score.sorted.length > 0);
  // Nothing was classified: then nobody misses an AUC.
  if (observed.size === 0 || !hasScores) return { label: null, why: null };
  if (observed.size !== 2) {
    return { label: null, why: `${observed.size} different labels were observed, and not two` };
  }
  const label = inferPositiveLabel(cohorts.flatMap(({ labelScores }) => labelScores));
  if (label === null || !observed.has(label)) return { label: null, why: NO_RULE };
  return { label, why: null };
};

const merged = (samples: readonly Float64Array[]): Float64Array => {
  const all = new Float64Array(samples.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const sample of samples) {
    all.set(sample, at);
    at += sample.length;
  }
  return all.sort();
};

const rankingOf = (
  { scoresByOutcome }: CohortObservations,
  positiveLabel: string,
): RankingQuality | null => {
  const entries = [...scoresByOutcome];
  const positives = scoresByOutcome.get(positiveLabel)?.sorted ?? new Float64Array();
  const others = entries.filter(([label]) => label !== positiveLabel);
  const negatives = merged(others.map(([, { sorted }]) => sorted));
  const auc = rocAuc(positives, negatives);
  if (auc === null) return null;
  return {
    auc,
    positiveLabel,
    positiveCount: positives.length,
    negativeCount: negatives.length,
    unscoredCount: entries.reduce((sum, [, one]) => sum + one.nullCount + one.nanCount, 0),
  };
};

/** The quality of one cohort; what cannot be said is null. */
export const qualityOf = (
  observations: CohortObservations,
  positiveLabel: string | null,
): CohortQuality => {
  const confusion = [...observations.confusion]
    .flatMap(([predicted, counts]) =>
      [...counts].map(([observed, count]) => ({ predicted, observed, count })),
    )
    .sort(
      (a, b) =>
        b.count - a.count ||
        (JSON.stringify([a.predicted, a.observed]) < JSON.stringify([b.predicted, b.observed])
          ? -1
          : 1),
    );
  return {
    outcomeCount: observations.outcomeCount,
    comparedLabelCount: confusion.reduce((sum, { count }) => sum + count, 0),
    accuracy: accuracyOf(confusion),
    confusion,
    labels: labelQualities(confusion),
    ranking: positiveLabel === null ? null : rankingOf(observations, positiveLabel),
    error: observations.error,
    incomparableCount: observations.incomparableCount,
  };
};
