import type { BinCounts } from './stability-index.ts';

/**
 * Largest distance between the empirical distribution functions of two sorted samples without NaN, exact with ties. Null
 * when a sample is empty.
 */
export const kolmogorovSmirnov = (base: Float64Array, head: Float64Array): number | null => {
  if (base.length === 0 || head.length === 0) return null;
  let [atBase, atHead, largest] = [0, 0, 0];
  while (atBase < base.length && atHead < head.length) {
    const value = Math.min(base[atBase] ?? 0, head[atHead] ?? 0);
    while (atBase < base.length && base[atBase] === value) atBase += 1;
    while (atHead < head.length && head[atHead] === value) atHead += 1;
    largest = Math.max(largest, Math.abs(atBase / base.length - atHead / head.length));
  }
  return largest;
};

/**
 * The same between two samples of which only counts in ordered bins are known: the largest distance at the edges between
 * them, which the exact one can exceed within a bin. Null when a sample is empty.
 */
export const kolmogorovSmirnovAtEdges = (base: BinCounts, head: BinCounts): number | null => {
  const bases = base.reduce((total, count) => total + count, 0);
  const heads = head.reduce((total, count) => total + count, 0);
  if (bases === 0 || heads === 0) return null;
  let [belowBase, belowHead, largest] = [0, 0, 0];
  for (const [bin, count] of base.entries()) {
    belowBase += count;
    belowHead += head[bin] ?? 0;
    largest = Math.max(largest, Math.abs(belowBase / bases - belowHead / heads));
  }
  return largest;
};
