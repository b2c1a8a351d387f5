import { featureSchemaById } from '../evidence/feature-schema.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { predictionDigest } from '../prediction/prediction-digest.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { modelVersionById } from '../registry/model-version.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';

/** Whether the row of a prediction still gives the digest it was stored with; null when its content was erased. */
export const storedDigestHolds = async (
  { database }: Context,
  prediction: PredictionLog,
): Promise<boolean | null> => {
  if (prediction.digest === null) return null;
  const [endpoint, version, schema] = await Promise.all([
    endpointById(database).load(prediction.endpointId).then(referenced),
    modelVersionById(database).load(prediction.modelVersionId).then(referenced),
    featureSchemaById(database).load(prediction.featureSchemaId).then(referenced),
  ]);
  const computed = predictionDigest(prediction, {
    endpoint: routeOf(endpoint),
    modelVersion: version.digest,
    featureSchema: schema.digest,
  });
  return computed === Buffer.from(prediction.digest).toString('hex');
};
