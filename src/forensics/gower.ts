import type { FeatureReading, FeatureScalar } from '../prediction/feature-decode.ts';

/** How one feature is compared: numbers by their range in training, everything else by equality. */
export interface FeatureScale {
  readonly name: string;
  /** Largest less smallest training value; null for what is compared by equality. */
  readonly range: number | null;
}

const isAbsent = (value: FeatureReading['value'] | undefined): value is null | undefined =>
  value === null || value === undefined;

const numberDistance = (one: number, other: number, range: number): number => {
  if (Number.isNaN(one) || Number.isNaN(other)) {
    return Number.isNaN(one) && Number.isNaN(other) ? 0 : 1;
  }
  if (one === other) return 0;
  return range > 0 ? Math.min(1, Math.abs(one - other) / range) : 1;
};

const scalarDistance = (one: FeatureScalar, other: FeatureScalar, range: number | null): number => {
  if (range === null) return one === other ? 0 : 1;
  return numberDistance(Number(one), Number(other), range);
};

/** From 0 for equal to 1 for as different as can be. An absent value differs wholly from a present one. */
export const featureDistance = (
  one: FeatureReading['value'] | undefined,
  other: FeatureReading['value'] | undefined,
  { range }: FeatureScale,
): number => {
  if (isAbsent(one) || isAbsent(other)) return isAbsent(one) && isAbsent(other) ? 0 : 1;
  return scalarDistance(one as FeatureScalar, other as FeatureScalar, range);
};

/** Gower's distance (Gower 1971, Biometrics 27, 857–871): the mean over the features, all of equal weight. */
export const gowerDistance = (distances: readonly number[]): number =>
  distances.length === 0
    ? 0
    : distances.reduce((sum, distance) => sum + distance, 0) / distances.length;

/** Keeps the `size` nearest of what it is given; of equally near ones, those given first. */
export const nearestOf = <Item>(size: number) => {
  const kept: { readonly distance: number; readonly item: Item }[] = [];
  return {
    offer: (distance: number, item: Item): void => {
      const last = kept.at(-1);
      if (kept.length >= size && last !== undefined && distance >= last.distance) return;
      let at = kept.length;
      while (at > 0 && (kept[at - 1]?.distance ?? 0) > distance) at -= 1;
      kept.splice(at, 0, { distance, item });
      if (kept.length > size) kept.pop();
    },
    kept: (): readonly { readonly distance: number; readonly item: Item }[] => kept,
  };
};
