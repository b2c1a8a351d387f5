import { builder } from '../platform/builder.ts';
import type { JsonValue } from '../platform/canonical-json.ts';

export interface NumericStatistics {
  readonly count: number;
  readonly missing: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly quantiles: readonly { readonly probability: number; readonly value: number }[];
  readonly histogram: {
    readonly edges: readonly number[];
    readonly counts: readonly number[];
  } | null;
}

export interface CategoricalStatistics {
  readonly count: number;
  readonly missing: number;
  readonly categories: readonly { readonly value: string; readonly count: number }[];
}

/** Frozen statistics of one feature in a snapshot; exactly one of the summaries is set. */
export interface FeatureStatistics {
  readonly feature: string;
  readonly numeric: NumericStatistics | null;
  readonly categorical: CategoricalStatistics | null;
}

const QuantileInput = builder.inputType('QuantileInput', {
  description: 'A point of the cumulative distribution.',
  fields: (t) => ({
    probability: t.float({ required: true, description: 'Probability, from 0 to 1.' }),
    value: t.float({
      required: true,
      description: 'Value that this share of the present values does not exceed.',
    }),
  }),
});

const HistogramInput = builder.inputType('HistogramInput', {
  description: 'A frozen histogram; each bin is half open, the last one closed.',
  fields: (t) => ({
    edges: t.floatList({
      required: true,
      description: 'Bin edges, strictly increasing: one more than there are counts, at most 1001.',
    }),
    counts: t.field({
      type: ['SafeInt'],
      required: true,
      description: 'Present values in each bin.',
    }),
  }),
});

const NumericStatisticsInput = builder.inputType('NumericStatisticsInput', {
  description: 'Statistics of a numeric feature.',
  fields: (t) => ({
    count: t.field({ type: 'SafeInt', required: true, description: 'Values present.' }),
    missing: t.field({ type: 'SafeInt', required: true, description: 'Values missing.' }),
    min: t.float({ description: 'Smallest present value; omitted when none is present.' }),
    max: t.float({ description: 'Largest present value; omitted when none is present.' }),
    mean: t.float({ description: 'Mean of the present values.' }),
    quantiles: t.field({
      type: [QuantileInput],
      required: true,
      defaultValue: [],
      description: 'Quantiles in increasing order of probability; at most 1001.',
    }),
    histogram: t.field({ type: HistogramInput, description: 'Histogram of the present values.' }),
  }),
});

const CategoryCountInput = builder.inputType('CategoryCountInput', {
  description: 'How often a category occurred.',
  fields: (t) => ({
    value: t.string({ required: true, description: 'The category.' }),
    count: t.field({ type: 'SafeInt', required: true, description: 'Occurrences.' }),
  }),
});

const CategoricalStatisticsInput = builder.inputType('CategoricalStatisticsInput', {
  description: 'Statistics of a categorical feature.',
  fields: (t) => ({
    count: t.field({ type: 'SafeInt', required: true, description: 'Values present.' }),
    missing: t.field({ type: 'SafeInt', required: true, description: 'Values missing.' }),
    categories: t.field({
      type: [CategoryCountInput],
      required: true,
      description: 'Each category seen, once; at most 10 000. A BOOL has `true` and `false`.',
    }),
  }),
});

export const FeatureStatisticsInput = builder.inputType('FeatureStatisticsInput', {
  description: 'Frozen statistics of one feature: give `numeric` or `categorical`.',
  fields: (t) => ({
    feature: t.string({ required: true, description: 'Name of the feature or column.' }),
    numeric: t.field({ type: NumericStatisticsInput, description: 'For numbers.' }),
    categorical: t.field({ type: CategoricalStatisticsInput, description: 'For categories.' }),
  }),
});

export type StatisticsSource = typeof FeatureStatisticsInput.$inferInput;

/** The statistics of a checked input, with what was left out made plain. */
export const statisticsOf = ({
  feature,
  numeric,
  categorical,
}: StatisticsSource): FeatureStatistics => ({
  feature,
  numeric:
    numeric == null
      ? null
      : {
          ...numeric,
          min: numeric.min ?? null,
          max: numeric.max ?? null,
          mean: numeric.mean ?? null,
          histogram: numeric.histogram ?? null,
        },
  categorical: categorical ?? null,
});

/** What a snapshot's digest covers of its statistics. */
export const statisticsContent = ({ numeric, categorical }: FeatureStatistics): JsonValue =>
  numeric !== null
    ? { numeric: { ...numeric } }
    : { categorical: categorical && { ...categorical } };
