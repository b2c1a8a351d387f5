import type { PredictionLog } from './prediction-log.ts';

/** Placeholder until the append path lands. */
export const recordDigest = (prediction: PredictionLog, _references: unknown): string =>
  Buffer.from(prediction.digest).toString('hex');
