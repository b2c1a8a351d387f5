/** Frozen statistics of a numeric feature in a training snapshot. */
export interface NumericSummary {
  readonly min: number;
  readonly max: number;
  readonly quantiles: readonly { readonly probability: number; readonly value: number }[];
  readonly histogram: {
    readonly edges: readonly number[];
    readonly counts: readonly number[];
  } | null;
}

/**
 * Share of training values at or below `value`, from 0 to 1: linear between the frozen points of the cumulative
 * distribution (histogram edges and quantiles together, made monotone). Null for NaN.
 */
export const quantileOf = (
  { min, max, quantiles, histogram }: NumericSummary,
  value: number,
): number | null => {
  if (Number.isNaN(value)) return null;
  if (value < min) return 0;
  if (value >= max) return 1;
  const points = [
    ...quantiles.map((point) => ({ at: point.value, share: point.probability })),
    ...(histogram === null ? [] : cumulative(histogram)),
    { at: min, share: 0 },
    { at: max, share: 1 },
  ].sort((a, b) => a.at - b.at || a.share - b.share);
  let below = { at: min, share: 0 };
  for (const point of points) {
    const share = Math.max(below.share, point.share);
    if (point.at > value) {
      const width = point.at - below.at;
      return width === 0
        ? share
        : below.share + ((share - below.share) * (value - below.at)) / width;
    }
    below = { at: point.at, share };
  }
  return below.share;
};

const cumulative = ({
  edges,
  counts,
}: {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}): readonly { at: number; share: number }[] => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return [];
  let running = 0;
  return edges.map((at, index) => {
    if (index > 0) running += counts[index - 1] ?? 0;
    return { at, share: running / total };
  });
};
