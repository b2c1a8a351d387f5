import { builder } from '../platform/builder.ts';
import type {
  CategoricalStatistics,
  FeatureStatistics,
  NumericStatistics,
} from './feature-statistics.ts';

const QuantileRef = builder
  .objectRef<NumericStatistics['quantiles'][number]>('Quantile')
  .implement({
    description: 'A point of the cumulative distribution.',
    fields: (t) => ({
      probability: t.exposeFloat('probability', { description: 'Probability, from 0 to 1.' }),
      value: t.exposeFloat('value', {
        description: 'Value that this share of the present values does not exceed.',
      }),
    }),
  });

const HistogramRef = builder
  .objectRef<NonNullable<NumericStatistics['histogram']>>('Histogram')
  .implement({
    description: 'A frozen histogram; each bin is half open, the last one closed.',
    fields: (t) => ({
      edges: t.floatList({
        description: 'Bin edges, strictly increasing: one more than there are counts.',
        resolve: ({ edges }) => [...edges],
      }),
      counts: t.field({
        type: ['SafeInt'],
        description: 'Present values in each bin.',
        resolve: ({ counts }) => [...counts],
      }),
    }),
  });

const NumericStatisticsRef = builder.objectRef<NumericStatistics>('NumericStatistics').implement({
  description: 'Frozen statistics of a numeric feature.',
  fields: (t) => ({
    count: t.expose('count', { type: 'SafeInt', description: 'Values present.' }),
    missing: t.expose('missing', { type: 'SafeInt', description: 'Values missing.' }),
    min: t.exposeFloat('min', { nullable: true, description: 'Smallest present value.' }),
    max: t.exposeFloat('max', { nullable: true, description: 'Largest present value.' }),
    mean: t.exposeFloat('mean', { nullable: true, description: 'Mean of the present values.' }),
    quantiles: t.field({
      type: [QuantileRef],
      description: 'Quantiles in increasing order of probability.',
      resolve: ({ quantiles }) => [...quantiles],
    }),
    histogram: t.field({
      type: HistogramRef,
      nullable: true,
      description: 'Histogram of the present values; null when none was recorded.',
      resolve: ({ histogram }) => histogram,
    }),
  }),
});

const CategoryCountRef = builder
  .objectRef<CategoricalStatistics['categories'][number]>('CategoryCount')
  .implement({
    description: 'How often a category occurred.',
    fields: (t) => ({
      value: t.exposeString('value', { description: 'The category.' }),
      count: t.expose('count', { type: 'SafeInt', description: 'Occurrences.' }),
    }),
  });

const CategoricalStatisticsRef = builder
  .objectRef<CategoricalStatistics>('CategoricalStatistics')
  .implement({
    description: 'Frozen statistics of a categorical feature.',
    fields: (t) => ({
      count: t.expose('count', { type: 'SafeInt', description: 'Values present.' }),
      missing: t.expose('missing', { type: 'SafeInt', description: 'Values missing.' }),
      categories: t.field({
        type: [CategoryCountRef],
        description: 'Each category seen, once.',
        resolve: ({ categories }) => [...categories],
      }),
    }),
  });

export const FeatureStatisticsRef = builder
  .objectRef<FeatureStatistics>('FeatureStatistics')
  .implement({
    description: 'Frozen statistics of one feature; either `numeric` or `categorical` is set.',
    fields: (t) => ({
      feature: t.exposeString('feature', { description: 'Name of the feature or column.' }),
      numeric: t.field({
        type: NumericStatisticsRef,
        nullable: true,
        description: 'For numbers.',
        resolve: ({ numeric }) => numeric,
      }),
      categorical: t.field({
        type: CategoricalStatisticsRef,
        nullable: true,
        description: 'For categories.',
        resolve: ({ categorical }) => categorical,
      }),
    }),
  });
