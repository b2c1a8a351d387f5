import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { compileFeatureCodec, type FeatureCodec } from './feature-codec.ts';

const codecs = new WeakMap<FeatureSchema, FeatureCodec>();

/** The codec of a schema, compiled once: schemas are immutable and stay in memory. */
export const codecOf = (schema: FeatureSchema): FeatureCodec => {
  const existing = codecs.get(schema);
  if (existing !== undefined) return existing;
  const codec = compileFeatureCodec(schema.fields);
  codecs.set(schema, codec);
  return codec;
};
