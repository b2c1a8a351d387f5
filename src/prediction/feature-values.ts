import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import type { FeatureStatistics } from '../evidence/feature-statistics.ts';
import type { Context } from '../platform/context.ts';
import { parseExactJson, stringifyExactJson } from '../platform/exact-json.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import { type Baselines, baselinesOf } from '../registry/baselines.ts';
import { modelVersionById } from '../registry/model-version.ts';
import type { FeatureReading } from './feature-decode.ts';
import type { PredictionLog } from './prediction-log.ts';
import { storedReadings } from './schema-codec.ts';

/** One feature of one prediction, with all that is known about it. */
export interface FeatureValue {
  readonly name: string;
  /** Null for a feature that the schema does not declare; `undeclared` then holds its JSON text. */
  readonly reading: FeatureReading | null;
  readonly undeclared: string | null;
  /** Definition in the schema that the version was trained on, where that is another schema. */
  readonly expected: FeatureFieldDefinition | null;
  readonly statistics: FeatureStatistics | null;
  readonly occurredAt: Instant;
  /** Whether this caller may see the value. */
  readonly isVisible: boolean;
}

interface KnownOfFeatures {
  readonly readings: readonly FeatureReading[];
  readonly builtWith: FeatureSchema;
  readonly expected: FeatureSchema;
  readonly baselines: Baselines;
  readonly maySeeSensitive: boolean;
}

/** The features of a prediction in schema order, then undeclared ones. No statement on a warm process. */
export const featureValuesOf = async (
  { database, actor }: Context,
  prediction: PredictionLog,
): Promise<readonly FeatureValue[]> => {
  const version = referenced(await modelVersionById(database).load(prediction.modelVersionId));
  const builtWith = referenced(await featureSchemaById(database).load(prediction.featureSchemaId));
  const expected = referenced(await featureSchemaById(database).load(version.featureSchemaId));
  const baselines = await baselinesOf(database, version);
  const readings = storedReadings(builtWith, prediction.features);
  const maySeeSensitive = actor.scopes.has('features:sensitive');
  return joinedValues(prediction, { readings, builtWith, expected, baselines, maySeeSensitive });
};

/** Joins the readings of a prediction to what is known about each feature. Pure. */
export const joinedValues = (
  prediction: PredictionLog,
  { readings, builtWith, expected, baselines, maySeeSensitive }: KnownOfFeatures,
): readonly FeatureValue[] => {
  const expectedField = fieldFinder(builtWith.digest === expected.digest ? null : expected);
  const { occurredAt } = prediction;
  const declared = readings.map((reading) => ({
    name: reading.field.name,
    reading,
    undeclared: null,
    expected: expectedField(reading.field.name),
    statistics: baselines.get(reading.field.name) ?? null,
    occurredAt,
    isVisible: maySeeSensitive || !reading.field.isSensitive,
  }));
  const undeclared = undeclaredOf(prediction).map(([name, text]) => ({
    name,
    reading: null,
    undeclared: text,
    expected: expectedField(name),
    statistics: null,
    occurredAt,
    // Nobody declared whether it is personal data, so it is treated as if it were.
    isVisible: maySeeSensitive,
  }));
  return [...declared, ...undeclared];
};

const fieldFinder = (schema: FeatureSchema | null) => {
  const fields = new Map(schema?.fields.map((field) => [field.name, field]));
  return (name: string): FeatureFieldDefinition | null => fields.get(name) ?? null;
};

/** Names and exact JSON texts of the features that no schema declares. */
const undeclaredOf = ({ features }: PredictionLog): readonly (readonly [string, string])[] => {
  if (features.undeclared === null) return [];
  const members = Object.entries(parseExactJson(features.undeclared) ?? {});
  return members.map(([name, value]) => [name, stringifyExactJson(value)] as const);
};
