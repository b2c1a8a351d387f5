/** A count of recorded predictions, and what it says of all that were made. */
export interface CountEstimate {
  readonly count: number;
  /** Sum of 1 / rate: the Horvitz–Thompson estimator. */
  readonly estimated: number;
  /** Sum of (1 - rate) / rate²: its variance without bias, when records were kept independently of each other. */
  readonly variance: number;
}

// As decimals, whose sums are exact in any order: those of the hours can be compared with those of their rows.
/** SQL aggregates `estimated` and `variance` over rows of the log. */
export const ESTIMATE_SUMS = `count(*) - count(sampling_rate) + coalesce(sum((1 / sampling_rate)::numeric), 0) AS estimated,
  coalesce(sum(((1 - sampling_rate) / (sampling_rate * sampling_rate))::numeric), 0) AS variance`;

/** The count of several disjoint sets of predictions. */
export const totalOf = (parts: readonly CountEstimate[]): CountEstimate => ({
  count: parts.reduce((sum, { count }) => sum + count, 0),
  estimated: parts.reduce((sum, { estimated }) => sum + estimated, 0),
  variance: parts.reduce((sum, { variance }) => sum + variance, 0),
});
