/** Numbers gathered in a typed array, eight bytes each. */
export interface Sample {
  readonly add: (values: Iterable<number>, nullCount: number) => void;
  readonly summary: () => SampleSummary;
}

/** Every value of a sample, counted by kind, with the finite and infinite ones sorted. */
export interface SampleSummary {
  readonly sorted: Float64Array;
  readonly nullCount: number;
  readonly nanCount: number;
  readonly infiniteCount: number;
}

export const collectSample = (): Sample => {
  let values = new Float64Array(1024);
  let [length, nullCount, nanCount, infiniteCount] = [0, 0, 0, 0];
  const keep = (value: number): void => {
    if (length === values.length) {
      const larger = new Float64Array(length * 2);
      larger.set(values);
      values = larger;
    }
    values[length] = value;
    length += 1;
  };
  return {
    add: (more, nulls) => {
      nullCount += nulls;
      for (const value of more) {
        if (Number.isNaN(value)) nanCount += 1;
        else keep(value);
        if (Math.abs(value) === Infinity) infiniteCount += 1;
      }
    },
    summary: () => ({
      sorted: values.slice(0, length).sort(),
      nullCount,
      nanCount,
      infiniteCount,
    }),
  };
};

/** Mean and sample standard deviation of what is finite, by Welford's method; null where undefined. */
export const momentsOf = (
  values: Float64Array,
): { readonly mean: number | null; readonly standardDeviation: number | null } => {
  let [count, mean, squares] = [0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count += 1;
    const distance = value - mean;
    mean += distance / count;
    squares += distance * (value - mean);
  }
  return {
    mean: count === 0 ? null : mean,
    standardDeviation: count < 2 ? null : Math.sqrt(squares / (count - 1)),
  };
};

/** The smallest value that at least this share of a sorted sample does not exceed; null when it is empty. */
export const quantileOfSorted = (sorted: Float64Array, probability: number): number | null => {
  // 100 times 0.07 is a little more than 7.
  const rank = Math.ceil(sorted.length * probability - 1e-9);
  return sorted[Math.max(0, rank - 1)] ?? null;
};
