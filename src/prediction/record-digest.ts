import type { FeatureSchema } from '../evidence/feature-schema.ts';
import type { ModelVersion } from '../registry/model-version.ts';
import { type Endpoint, routeOf } from '../serving/endpoint.ts';
import { predictionDigest } from './prediction-digest.ts';
import type { PredictionLog } from './prediction-log.ts';

/** What a stored prediction refers to. */
export interface PredictionReferences {
  readonly endpoint: Endpoint;
  readonly version: ModelVersion;
  /** The schema that its features were built with. */
  readonly featureSchema: FeatureSchema;
}

/** The digest of a stored prediction, computed again from its row, in hexadecimal. */
export const recordDigest = (
  prediction: PredictionLog,
  { endpoint, version, featureSchema }: PredictionReferences,
): string =>
  predictionDigest(prediction, {
    endpoint: routeOf(endpoint),
    modelVersion: version.digest,
    featureSchema: featureSchema.digest,
  });
