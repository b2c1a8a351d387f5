import { builder } from '../platform/builder.ts';
import type { JsonValue } from '../platform/canonical-json.ts';
import type { Issues } from '../platform/issues.ts';

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

type Path = readonly (string | number)[];

const isIncreasing = (values: readonly number[], strictly: boolean): boolean =>
  values.every((value, index) => {
    const before = values[index - 1];
    return before === undefined || (strictly ? value > before : value >= before);
  });

export const checkStatistics = (source: StatisticsSource, path: Path, issues: Issues): void => {
  issues.name([...path, 'feature'], source.feature);
  const { numeric, categorical } = source;
  if ((numeric == null) === (categorical == null)) {
    issues.add(path, 'Statistics are either numeric or categorical: give exactly one of the two.');
  }
  if (numeric != null) checkNumeric(statisticsOf(source).numeric, [...path, 'numeric'], issues);
  if (categorical != null) {
    const { count, categories } = categorical;
    const place = [...path, 'categorical'];
    checkCounts(categorical, place, issues);
    const sum = categories.reduce((total, category) => total + category.count, 0);
    const names = new Set(categories.map(({ value }) => value));
    if (sum !== count || names.size !== categories.length || categories.length > 10_000) {
      issues.add(
        [...place, 'categories'],
        `The categories count ${sum} values, and count is ${count}; name each category once, at most 10 000, so that they add up.`,
      );
    }
    for (const [at, { value }] of categories.entries())
      issues.text([...place, 'categories', at], value, 1000);
  }
};

const checkCounts = (
  counts: { readonly count: number; readonly missing: number },
  path: Path,
  issues: Issues,
): void => {
  for (const name of ['count', 'missing'] as const) {
    if (counts[name] < 0)
      issues.add([...path, name], `${name} is ${counts[name]}; give 0 or more.`);
  }
};

const checkNumeric = (numeric: NumericStatistics | null, path: Path, issues: Issues): void => {
  if (numeric === null) return;
  const { count, min, max, mean, quantiles, histogram } = numeric;
  checkCounts(numeric, path, issues);
  if (count > 0 && (min === null || max === null || mean === null)) {
    issues.add(path, `Of ${count} present values, min, max and mean are known; give all three.`);
  }
  if (min !== null && max !== null && mean !== null && !(min <= mean && mean <= max)) {
    issues.add(path, `min ${min}, mean ${mean} and max ${max} are not in order.`);
  }
  const probabilities = quantiles.map(({ probability }) => probability);
  if (
    !isIncreasing(probabilities, true) ||
    probabilities.some((probability) => !(probability >= 0 && probability <= 1)) ||
    !isIncreasing(
      quantiles.map(({ value }) => value),
      false,
    ) ||
    quantiles.length > 1001
  ) {
    issues.add(
      [...path, 'quantiles'],
      'Quantiles need probabilities from 0 to 1 in increasing order and values that do not decrease; at most 1001.',
    );
  }
  if (histogram === null) return;
  const sum = histogram.counts.reduce((total, bin) => total + bin, 0);
  if (
    histogram.edges.length !== histogram.counts.length + 1 ||
    histogram.counts.length === 0 ||
    histogram.counts.length > 1000 ||
    !isIncreasing(histogram.edges, true) ||
    histogram.counts.some((bin) => bin < 0) ||
    sum !== count
  ) {
    issues.add(
      [...path, 'histogram'],
      `A histogram needs strictly increasing edges, one more than counts, at most 1000 counts from 0 that add up to count: ${histogram.edges.length} edges and ${histogram.counts.length} counts adding up to ${sum} were given for ${count} values.`,
    );
  }
};
