import { hash } from 'node:crypto';

/** Least rate: one in a thousand million. Weights of less would drown every count that they are part of. */
export const MIN_SAMPLING_RATE = 1e-9;

export const isSamplingRate = (rate: number): boolean => rate >= MIN_SAMPLING_RATE && rate <= 1;

/**
 * Where a key lies from 0 (inclusive) to 1 (exclusive): the first 53 bits of the SHA-256 of its UTF-8, as a fraction. A
 * 64-bit float holds these exactly, so every language that has one gives the same number.
 */
export const sampleFraction = (key: string): number => {
  const bytes = hash('sha256', key, 'buffer');
  return Number(bytes.readBigUInt64BE() >> 11n) / 2 ** 53;
};

/** Whether keyed sampling keeps a key: all of it or none, and whatever is kept at a rate is kept at any higher one. */
export const isKept = (key: string, rate: number): boolean => sampleFraction(key) < rate;
