import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { remembered } from '../platform/remembered.ts';
import { compileFeatureCodec, type FeatureCodec } from './feature-codec.ts';
import { FeatureLayoutError, type FeatureReading } from './feature-decode.ts';
import type { EncodedFeatures } from './feature-layout.ts';

/** The codec of a schema, compiled once: schemas are immutable and stay in memory. */
export const codecOf = remembered(
  ({ fields }: FeatureSchema): FeatureCodec => compileFeatureCodec(fields),
);

/**
 * The features of a stored row, in schema order. A row that no longer fits its schema was altered: none of its values can
 * be told apart then, so there are none, and its digest shows that it was.
 */
export const storedReadings = (
  schema: FeatureSchema,
  features: EncodedFeatures,
): readonly FeatureReading[] => {
  try {
    return codecOf(schema).decode(features);
  } catch (error) {
    if (error instanceof FeatureLayoutError) return [];
    throw error;
  }
};
