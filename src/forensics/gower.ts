import type { FeatureReading, FeatureScalar } from '../prediction/feature-decode.ts';

/** How far apart two values of a feature are. */
export interface Scale {
  /** Largest less smallest training value of a feature that has an order; null for categories, which are equal or not. */
  readonly range: number | null;
}

/** Below this share of the range a difference counts as none: the quotient has no normal 64-bit float. */
export const SMALLEST_RATIO = 2 ** -1022;

type Value = FeatureReading['value'];

const isVector = (value: Value): value is readonly (FeatureScalar | null)[] => Array.isArray(value);

const isSame = (one: FeatureScalar, other: FeatureScalar): boolean =>
  one === other || (Number.isNaN(one) && Number.isNaN(other));

/** The difference of two numbers; of integers exactly, before it is rounded once. */
const difference = (one: FeatureScalar, other: FeatureScalar): number =>
  typeof one === 'bigint' && typeof other === 'bigint'
    ? Math.abs(Number(one - other))
    : Math.abs(Number(one) - Number(other));

const ofElements = (
  one: FeatureScalar | null,
  other: FeatureScalar | null,
  { range }: Scale,
): number => {
  if (one === null || other === null) return one === other ? 0 : 1;
  if (isSame(one, other)) return 0;
  const distance = range === null ? Number.NaN : difference(one, other);
  if (range === null || range === 0 || Number.isNaN(distance)) return 1;
  return distance < range * SMALLEST_RATIO ? 0 : Math.min(1, distance / range);
};

/**
 * Distance of two values of one feature, from 0 to 1, after Gower (1971): of numbers their difference over the range, at
 * most 1; of categories 0 when equal and else 1; of vectors the mean over the elements. An absent value is equal to an
 * absent one and as far as can be from any other; NaN likewise.
 */
export const featureDistance = (one: Value, other: Value, scale: Scale): number => {
  if (!isVector(one) && !isVector(other)) return ofElements(one, other, scale);
  const length = Math.max(isVector(one) ? one.length : 0, isVector(other) ? other.length : 0);
  const element = (value: Value, at: number): FeatureScalar | null =>
    isVector(value) ? (value[at] ?? null) : null;
  let sum = 0;
  for (let at = 0; at < length; at += 1) {
    sum += ofElements(element(one, at), element(other, at), scale);
  }
  return length === 0 ? 0 : sum / length;
};
