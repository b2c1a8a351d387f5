import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import { decodeFeatures, type FeatureReading } from './feature-decode.ts';
import { compileEncoder, type FeatureEncoder } from './feature-encode.ts';
import { type FieldPlan, planOf } from './feature-field-encode.ts';
import { type EncodedFeatures, type FeatureSlots, layoutOf } from './feature-layout.ts';

/** Turns the features of a record into typed arrays and back, for one feature schema. */
export interface FeatureCodec {
  /** Where each field stands in the arrays, in schema order. */
  readonly layout: readonly FeatureSlots[];
  /** What is known about each field before any row arrives, in schema order. */
  readonly plans: readonly FieldPlan[];
  /** Takes the parsed `features` object; an array in return holds what is wrong with it. */
  readonly encode: FeatureEncoder;
  /** Readings in schema order; throws a `FeatureLayoutError` for a row of another schema. */
  readonly decode: (encoded: EncodedFeatures) => FeatureReading[];
}

/** Compiles a codec once per schema; `fields` in schema order. */
export const compileFeatureCodec = (fields: readonly FeatureFieldDefinition[]): FeatureCodec => {
  const layout = layoutOf(fields);
  const plans = layout.map(planOf);
  return {
    layout,
    plans,
    encode: compileEncoder(plans),
    decode: (encoded) => decodeFeatures(layout, encoded),
  };
};
