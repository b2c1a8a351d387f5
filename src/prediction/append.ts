import type { Database } from '../platform/database.ts';
import type { AppendOptions, AppendReport } from './append-report.ts';
import { commitBatch } from './commit-batch.ts';
import { preparePredictions } from './prepare-predictions.ts';
import type { RawLine } from './raw-line.ts';
import { predictionStore } from './store-predictions.ts';

/**
 * Appends predictions in one transaction and a constant number of statements: each is stored, or reported as duplicate,
 * conflict or rejected, and nothing of it is lost.
 */
export const appendPredictions = async (
  database: Database,
  lines: readonly RawLine[],
  options: AppendOptions = {},
): Promise<AppendReport> =>
  commitBatch(database, await preparePredictions(database, lines, options), predictionStore);
