import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { FeatureScalar } from './feature-decode.ts';
import { baselineOf, FeatureValueRef } from './feature-value-type.ts';
import { type FeatureValue, featureValuesOf } from './feature-values.ts';
import { PredictionLogRef } from './prediction-log.ts';
import { rarityOf } from './rarity.ts';

const isScalar = (value: unknown): value is FeatureScalar | null => !Array.isArray(value);

/** How unusual a value is that this caller may see; null when that cannot be said. */
const rarity = ({ statistics, reading, isVisible }: FeatureValue): number | null => {
  if (statistics === null || reading === null || !isVisible || reading.status === 'ERASED') {
    return null;
  }
  const { value, field } = reading;
  return field.shape.length > 0 || !isScalar(value) ? null : rarityOf(statistics, value);
};

/** Whether a value lies outside what training saw; an absent one where none was absent. */
const isUnseen = (value: FeatureValue): boolean => {
  const seen = value.reading?.value ?? null;
  if (!isScalar(seen)) return false;
  return baselineOf(value.statistics, seen)?.isUnseen ?? rarity(value) === 0;
};

/** Values of at most a rarity: unseen ones first, then the rarest, then in schema order. */
export const unusualOf = (
  values: readonly FeatureValue[],
  atMost: number,
): readonly FeatureValue[] =>
  values
    .map((value) => ({ value, rarity: rarity(value), isUnseen: isUnseen(value) }))
    .filter((one) => one.rarity !== null && one.rarity <= atMost)
    .sort((a, b) => Number(b.isUnseen) - Number(a.isUnseen) || (a.rarity ?? 0) - (b.rarity ?? 0))
    .map(({ value }) => value);

builder.objectField(FeatureValueRef, 'rarity', (t) =>
  t.float({
    nullable: true,
    description:
      'Share of the training values at least as unusual as this one, from 0 (never seen) to 1. A number counts by its two-sided tail, 2 · min(P(X ≤ x), P(X ≥ x)), read from the frozen quantiles and histogram; a category by all that are no more frequent; an absent value by the share absent in training. Null without statistics, for a feature with a shape, and for a value that is hidden or erased.',
    resolve: rarity,
  }),
);

builder.objectField(PredictionLogRef, 'unusualFeatures', (t) =>
  t.field({
    type: [FeatureValueRef],
    description:
      'Features whose values stand out against the training data: those never seen first, then by `rarity`, the rarest first.',
    args: {
      atMost: t.arg.float({
        required: true,
        defaultValue: 0.05,
        description: 'Largest `rarity` to list, from 0 to 1.',
      }),
    },
    resolve: async (prediction, { atMost }, context) => {
      if (!(atMost >= 0 && atMost <= 1)) {
        throw argumentError({ path: ['atMost'], message: `${atMost}; give 0 to 1.` });
      }
      return [...unusualOf(await featureValuesOf(context, prediction), atMost)];
    },
  }),
);
