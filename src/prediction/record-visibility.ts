import { maySeeSensitive } from '../access/sensitive-read.ts';
import { featureSchemaById } from '../evidence/feature-schema.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { PredictionLog } from './prediction-log.ts';

/** Whether a caller may see every feature of a record, and so what is computed from all of them. */
export const areFeaturesVisible = async (
  context: Context,
  { featureSchemaId, features }: PredictionLog,
): Promise<boolean> => {
  if (maySeeSensitive(context)) return true;
  const schema = referenced(await featureSchemaById(context.database).load(featureSchemaId));
  return features.undeclared === null && !schema.fields.some(({ isSensitive }) => isSensitive);
};

/** Whether a caller may see all of a record: with the digest of the rest, what is missing could be guessed. */
export const isRecordVisible = async (
  context: Context,
  prediction: PredictionLog,
): Promise<boolean> =>
  maySeeSensitive(context) ||
  (prediction.entityKey === null &&
    prediction.output === null &&
    (await areFeaturesVisible(context, prediction)));
