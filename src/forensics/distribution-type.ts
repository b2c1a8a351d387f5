import { builder } from '../platform/builder.ts';
import { momentsOf, quantileOfSorted, type SampleSummary } from './sample.ts';

const PROBABILITIES = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1];

/** Null in place of what JSON cannot hold. */
export const finite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;

const QuantileRef = builder
  .objectRef<{ readonly probability: number; readonly value: number | null }>('SampleQuantile')
  .implement({
    description: 'A quantile of a sample.',
    fields: (t) => ({
      probability: t.exposeFloat('probability', { description: 'Probability, from 0 to 1.' }),
      value: t.float({
        nullable: true,
        description:
          'Smallest value of the sample that at least this share of it does not exceed (the inverse of the empirical distribution function, type 1 of Hyndman and Fan, 1996); null when that is infinite.',
        resolve: ({ value }) => finite(value),
      }),
    }),
  });

export const DistributionRef = builder.objectRef<SampleSummary>('SampleDistribution').implement({
  description:
    'Distribution of a number in a set of predictions, computed from every one of them. `count`, `nullCount` and `nanCount` add up to their number.',
  fields: (t) => ({
    count: t.field({
      type: 'SafeInt',
      description: 'Finite and infinite values: those that can be ordered.',
      resolve: ({ sorted }) => sorted.length,
    }),
    nullCount: t.exposeInt('nullCount', { description: 'Predictions without a value.' }),
    nanCount: t.exposeInt('nanCount', { description: 'Values that are NaN.' }),
    infiniteCount: t.exposeInt('infiniteCount', {
      description: 'Of `count`, values that are infinite.',
    }),
    mean: t.float({
      nullable: true,
      description: 'Mean of the finite values; null when there are none.',
      resolve: ({ sorted }) => finite(momentsOf(sorted).mean),
    }),
    standardDeviation: t.float({
      nullable: true,
      description:
        'Sample standard deviation (denominator n − 1) of the finite values; null for fewer than two.',
      resolve: ({ sorted }) => finite(momentsOf(sorted).standardDeviation),
    }),
    quantiles: t.field({
      type: [QuantileRef],
      description: `Quantiles at ${PROBABILITIES.join(', ')}, the first and last of which are the smallest and largest value; empty when there is no value.`,
      resolve: ({ sorted }) =>
        sorted.length === 0
          ? []
          : PROBABILITIES.map((probability) => ({
              probability,
              value: quantileOfSorted(sorted, probability),
            })),
    }),
  }),
});
