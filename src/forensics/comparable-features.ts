import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import type { Baselines } from '../registry/baselines.ts';
import type { Scale } from './gower.ts';

/** Most elements of all features, a scalar being one, that one search compares. */
export const MAX_ELEMENTS = 1000;

/** Beyond it, twice the range has no 64-bit float. */
const MAX_RANGE = 2 ** 1020;

/** A feature by which predictions are compared. */
export interface ComparableFeature extends Scale {
  readonly field: FeatureFieldDefinition;
  readonly value: FeatureReading['value'];
}

/** Why a feature is not compared. */
export type ExclusionReason = 'SENSITIVE' | 'NO_RANGE' | 'ERASED';

export interface ExcludedFeature {
  readonly name: string;
  readonly reason: ExclusionReason;
}

/** The features of a prediction by which others can be compared with it, and those by which they cannot. */
export interface ComparableFeatures {
  readonly compared: readonly ComparableFeature[];
  readonly excluded: readonly ExcludedFeature[];
}

/** Number of elements that a value of a feature has, a scalar being one. */
export const elementCount = ({ shape }: FeatureFieldDefinition): number =>
  shape.reduce((product, dimension) => product * dimension, 1);

const isCategory = ({ type }: FeatureFieldDefinition): boolean =>
  type === 'STRING' || type === 'BOOL';

const rangeOf = (name: string, baselines: Baselines): number | null => {
  const numeric = baselines.get(name)?.numeric;
  if (numeric == null || numeric.min === null || numeric.max === null) return null;
  const range = numeric.max - numeric.min;
  return range < MAX_RANGE ? range : null;
};

/** Splits the readings by what is known and may be seen of them. */
export const comparableFeatures = (
  readings: readonly FeatureReading[],
  baselines: Baselines,
  maySeeSensitive: boolean,
): ComparableFeatures => {
  const compared: ComparableFeature[] = [];
  const excluded: ExcludedFeature[] = [];
  for (const { field, status, value } of readings) {
    const range = isCategory(field) ? null : rangeOf(field.name, baselines);
    if (field.isSensitive && !maySeeSensitive) {
      excluded.push({ name: field.name, reason: 'SENSITIVE' });
    } else if (status === 'ERASED') {
      excluded.push({ name: field.name, reason: 'ERASED' });
    } else if (range === null && !isCategory(field)) {
      excluded.push({ name: field.name, reason: 'NO_RANGE' });
    } else {
      compared.push({ field, value, range });
    }
  }
  return { compared, excluded };
};
