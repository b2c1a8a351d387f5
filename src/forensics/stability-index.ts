/** Smallest share that a bin is given, so that an empty bin has a logarithm. */
export const SMALLEST_SHARE = 0.0001;

/** How often each of a list of bins occurred, in one of two samples. */
export type BinCounts = readonly number[];

const sum = (counts: BinCounts): number => counts.reduce((total, count) => total + count, 0);

/** What a bin adds to the population stability index; never below 0. */
export const stabilityTerm = (baseShare: number, headShare: number): number => {
  const base = Math.max(baseShare, SMALLEST_SHARE);
  const head = Math.max(headShare, SMALLEST_SHARE);
  return (head - base) * (Math.log(head) - Math.log(base));
};

/** Shares of the whole; null when there is nothing to share. */
export const sharesOf = (counts: BinCounts): readonly number[] | null => {
  const total = sum(counts);
  return total === 0 ? null : counts.map((count) => count / total);
};

/**
 * Population stability index of two samples over the same bins: the symmetric Kullback–Leibler (Jeffreys) divergence of
 * their shares. Null when a sample is empty.
 */
export const stabilityIndex = (base: BinCounts, head: BinCounts): number | null => {
  const bases = sharesOf(base);
  const heads = sharesOf(head);
  if (bases === null || heads === null) return null;
  return bases.reduce((total, share, bin) => total + stabilityTerm(share, heads[bin] ?? 0), 0);
};

/**
 * What the index is on average when both samples come from one distribution: (bins − 1)(1/n + 1/m), for Yurdakul and
 * Naranjo's limit in which the index over (1/n + 1/m) is χ² with bins − 1 degrees of freedom. Bins that neither sample
 * has are left out. Null when a sample is empty.
 */
export const stabilityUnderNoChange = (base: BinCounts, head: BinCounts): number | null => {
  const [bases, heads] = [sum(base), sum(head)];
  if (bases === 0 || heads === 0) return null;
  const used = base.filter((count, bin) => count > 0 || (head[bin] ?? 0) > 0).length;
  return (used - 1) * (1 / bases + 1 / heads);
};

/** Total variation distance of the shares, from 0 to 1. Null when a sample is empty. */
export const totalVariation = (base: BinCounts, head: BinCounts): number | null => {
  const bases = sharesOf(base);
  const heads = sharesOf(head);
  if (bases === null || heads === null) return null;
  return bases.reduce((total, share, bin) => total + Math.abs(share - (heads[bin] ?? 0)), 0) / 2;
};
