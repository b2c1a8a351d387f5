import type { FeatureFieldDefinition, FeatureType } from '../src/evidence/feature-field.ts';
import { parseExactJson } from '../src/platform/exact-json.ts';
import { compileFeatureCodec } from '../src/prediction/feature-codec.ts';
import type { FeatureReading } from '../src/prediction/feature-decode.ts';
import type { FeatureIssue } from '../src/prediction/feature-issue.ts';
import type { EncodedFeatures } from '../src/prediction/feature-layout.ts';

export const field = (
  name: string,
  type: FeatureType,
  more: Partial<FeatureFieldDefinition> = {},
): FeatureFieldDefinition => ({
  name,
  type,
  position: 0,
  isNullable: false,
  shape: [],
  categories: null,
  defaultValue: null,
  maxAgeSeconds: null,
  isSensitive: false,
  description: null,
  transformations: [],
  ...more,
});

export const encode = (
  fields: readonly FeatureFieldDefinition[],
  json: string,
  undeclared: 'reject' | 'keep' = 'reject',
): EncodedFeatures | FeatureIssue[] =>
  compileFeatureCodec(fields).encode(parseExactJson(json), { undeclared });

export const stored = (
  fields: readonly FeatureFieldDefinition[],
  json: string,
  undeclared: 'reject' | 'keep' = 'reject',
): EncodedFeatures => {
  const encoded = encode(fields, json, undeclared);
  if ('length' in encoded) throw new Error(JSON.stringify(encoded));
  return encoded;
};

export const read = (fields: readonly FeatureFieldDefinition[], json: string): FeatureReading[] =>
  compileFeatureCodec(fields).decode(stored(fields, json));

export const nothing: EncodedFeatures = {
  numbers: [],
  integers: [],
  texts: [],
  statuses: null,
  observedAt: [],
  undeclared: null,
};
