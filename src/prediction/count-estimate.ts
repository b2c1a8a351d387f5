import { builder } from '../platform/builder.ts';

/** A count of recorded predictions, and what it says of all that were made. */
export interface CountEstimate {
  readonly count: number;
  /** Sum of 1 / rate: the Horvitz–Thompson estimator. */
  readonly estimated: number;
  /** Sum of (1 - rate) / rate²: its variance, without bias where records were kept independently of each other. */
  readonly variance: number;
}

const ESTIMATED =
  'count(*) - count(sampling_rate) + coalesce(sum((1 / sampling_rate)::numeric), 0)';
const VARIANCE =
  'coalesce(sum(((1 - sampling_rate) / (sampling_rate * sampling_rate))::numeric), 0)';

/**
 * SQL aggregates over rows of the log. Each term becomes a decimal, because sums of decimals are exact in any order:
 * those of an hour can be compared with those of its rows.
 */
export const ESTIMATE_SUMS = `${ESTIMATED} AS estimated, ${VARIANCE} AS variance`;

/** The same, as numbers to be read. */
export const ESTIMATE_NUMBERS = `(${ESTIMATED})::double precision AS estimated,
  (${VARIANCE})::double precision AS variance`;

/** The estimate for several sets of predictions that have none in common. */
export const totalOf = (parts: readonly CountEstimate[]): CountEstimate => ({
  count: parts.reduce((sum, { count }) => sum + count, 0),
  estimated: parts.reduce((sum, { estimated }) => sum + estimated, 0),
  variance: parts.reduce((sum, { variance }) => sum + variance, 0),
});

export const CountEstimateRef = builder.objectRef<CountEstimate>('CountEstimate').implement({
  description:
    'A number of predictions, where services may have logged only a part of them: what is recorded, and how many it stands for by the rates that the records themselves state. Nothing recorded stands for nothing, however low the rate.',
  fields: (t) => ({
    recorded: t.expose('count', {
      type: 'SafeInt',
      description: 'Predictions that are recorded: exact.',
    }),
    estimated: t.exposeFloat('estimated', {
      description:
        'Predictions that were made, estimated without bias: each recorded one stands for 1 / its rate (Horvitz–Thompson). Equal to `recorded` when nothing was sampled.',
    }),
    standardError: t.float({
      description:
        'Standard error of `estimated`: the root of the sum of (1 - rate) / rate² over the recorded ones; 0 when nothing was sampled. It holds where predictions were kept independently of each other. Where keyed sampling kept several by one key, they came or stayed away together: then the true error is larger, and this is a lower bound.',
      resolve: ({ variance }) => Math.sqrt(variance),
    }),
    isSampled: t.boolean({
      description: 'Whether any of the recorded ones was kept at a rate below 1.',
      resolve: ({ variance }) => variance > 0,
    }),
  }),
});
