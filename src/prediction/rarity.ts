import type { FeatureStatistics } from '../evidence/feature-statistics.ts';
import { quantileOf } from './baseline.ts';
import type { FeatureScalar } from './feature-decode.ts';

/**
 * Share of training values at least as unusual as this one, from 0 (never seen) to 1; null when it cannot be said.
 * A number counts by its two-sided tail, 2 · min(P(X ≤ x), P(X ≥ x)); a category by all that are no more frequent than it;
 * an absent value by the share that was absent in training.
 */
export const rarityOf = (
  { numeric, categorical }: FeatureStatistics,
  value: FeatureScalar | null,
): number | null => {
  const summary = numeric ?? categorical;
  if (summary === null || summary.count + summary.missing === 0) return null;
  if (value === null) return summary.missing / (summary.count + summary.missing);
  if (summary.count === 0) return 0;
  return numeric === null
    ? categoryRarity(categorical?.categories ?? [], String(value))
    : numericRarity(numeric, Number(value));
};

const numericRarity = (
  { min, max, ...summary }: NonNullable<FeatureStatistics['numeric']>,
  value: number,
): number | null => {
  if (min === null || max === null) return null;
  if (Number.isNaN(value) || value < min || value > max) return 0;
  const below = quantileOf({ ...summary, min, max }, value) ?? 0;
  return Math.min(1, 2 * Math.min(below, 1 - below));
};

const categoryRarity = (
  categories: readonly { readonly value: string; readonly count: number }[],
  value: string,
): number => {
  const own = categories.find((category) => category.value === value)?.count ?? 0;
  const total = categories.reduce((sum, { count }) => sum + count, 0);
  if (own === 0 || total === 0) return 0;
  return categories.reduce((sum, { count }) => (count <= own ? sum + count : sum), 0) / total;
};
