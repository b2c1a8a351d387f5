import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import { sameTransformations } from '../evidence/schema-compatibility.ts';
import type { Bin, Binning } from './feature-binning.ts';
import type { FeatureCounts } from './feature-counts.ts';
import { kolmogorovSmirnovAtEdges } from './kolmogorov-smirnov.ts';
import {
  sharesOf,
  stabilityIndex,
  stabilityTerm,
  stabilityUnderNoChange,
  totalVariation,
} from './stability-index.ts';

/** Fewest rows of a cohort, and rows per bin, that are not called few. */
export const FEW_ROWS = 100;
export const FEW_ROWS_PER_BIN = 10;

/** One bin of a feature in both cohorts and in the training data. */
export interface ComparedBin extends Bin {
  readonly baseCount: number;
  readonly headCount: number;
  readonly baseShare: number | null;
  readonly headShare: number | null;
  readonly trainingShare: number | null;
  /** What the bin adds to the population stability index. */
  readonly term: number | null;
}

/** A feature in one cohort. */
export interface FeatureInCohort {
  readonly counts: FeatureCounts;
  readonly size: number;
  /** Whether it means what the baseline version was trained on; null where either does not declare it. */
  readonly isAsTrained: boolean | null;
  readonly psiFromTraining: number | null;
}

/** How much one feature moved from one cohort to the other. */
export interface FeatureMovement {
  readonly name: string;
  /** Null, with everything below, when this caller may not see the feature. */
  readonly compared: {
    readonly base: FeatureInCohort;
    readonly head: FeatureInCohort;
    readonly binning: Binning;
    readonly bins: readonly ComparedBin[];
    /** Population stability index over the bins, be they the frozen ones or presence alone. */
    readonly movement: number | null;
    readonly movementUnderNoChange: number | null;
    readonly ks: number | null;
    readonly totalVariation: number | null;
    /** Null where a cohort does not declare the feature. */
    readonly isSameMeaning: boolean | null;
    readonly isSmall: boolean;
  } | null;
}

/** One cohort's part in the comparison of a feature. */
export interface FeatureSide {
  readonly counts: FeatureCounts;
  readonly size: number;
  /** One for every schema among its rows that declares the feature. */
  readonly definitions: readonly FeatureFieldDefinition[];
}

const sameMeaning = (one: FeatureFieldDefinition, other: FeatureFieldDefinition): boolean =>
  one.type === other.type &&
  one.shape.join() === other.shape.join() &&
  sameTransformations(one, other);

const allSame = (
  ones: readonly FeatureFieldDefinition[],
  others: readonly FeatureFieldDefinition[],
): boolean | null => {
  if (ones.length === 0 || others.length === 0) return null;
  const [first, ...rest] = [...ones, ...others];
  return first === undefined || rest.every((definition) => sameMeaning(first, definition));
};

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** Training counts by bin; null when they are not known for every bin. */
const trainingCounts = ({ bins }: Binning): readonly number[] | null => {
  const counts = bins.flatMap(({ trainingCount }) => trainingCount ?? []);
  return counts.length === bins.length ? counts : null;
};

const comparedBins = (
  { bins }: Binning,
  [base, head]: readonly [readonly number[], readonly number[]],
  training: readonly number[] | null,
): readonly ComparedBin[] => {
  const baseShares = sharesOf(base);
  const headShares = sharesOf(head);
  const trainingShares = training === null ? null : sharesOf(training);
  return bins.map((bin, at) => {
    const baseShare = baseShares?.[at] ?? null;
    const headShare = headShares?.[at] ?? null;
    return {
      ...bin,
      baseCount: base[at] ?? 0,
      headCount: head[at] ?? 0,
      baseShare,
      headShare,
      trainingShare: trainingShares?.[at] ?? null,
      term: baseShare === null || headShare === null ? null : stabilityTerm(baseShare, headShare),
    };
  });
};

/** Compares one feature between two cohorts. `trained` is how the baseline version knows it. */
export const movementOf = (
  name: string,
  binning: Binning,
  base: FeatureSide,
  head: FeatureSide,
  trained: FeatureFieldDefinition | null,
): FeatureMovement => {
  const counts = [base.counts.bins, head.counts.bins] as const;
  const training = trainingCounts(binning);
  const inCohort = (side: FeatureSide): FeatureInCohort => ({
    counts: side.counts,
    size: side.size,
    isAsTrained: trained === null ? null : allSame(side.definitions, [trained]),
    psiFromTraining: training === null ? null : stabilityIndex(training, side.counts.bins),
  });
  const ordered = counts.map((bins) => bins.filter((_, at) => binning.bins[at]?.kind === 'RANGE'));
  const used = counts[0].filter((count, at) => count > 0 || (counts[1][at] ?? 0) > 0).length;
  const enough = Math.max(FEW_ROWS, FEW_ROWS_PER_BIN * used);
  return {
    name,
    compared: {
      base: inCohort(base),
      head: inCohort(head),
      binning,
      bins: comparedBins(binning, counts, training),
      movement: stabilityIndex(...counts),
      movementUnderNoChange: stabilityUnderNoChange(...counts),
      ks: kolmogorovSmirnovAtEdges(ordered[0] ?? [], ordered[1] ?? []),
      totalVariation: totalVariation(...counts),
      isSameMeaning: allSame(base.definitions, head.definitions),
      isSmall: counts.some((bins) => total(bins) < enough),
    },
  };
};

/** The features that moved the most first; those whose movement is not known after them; then by name. */
export const rankMovements = (movements: readonly FeatureMovement[]): readonly FeatureMovement[] =>
  [...movements].sort(
    (a, b) =>
      (b.compared?.movement ?? -1) - (a.compared?.movement ?? -1) ||
      (b.compared?.ks ?? -1) - (a.compared?.ks ?? -1) ||
      (a.name < b.name ? -1 : 1),
  );
