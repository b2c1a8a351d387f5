import { datasetSnapshotById } from '../evidence/dataset-snapshot.ts';
import type { FeatureStatistics } from '../evidence/feature-statistics.ts';
import type { DatasetRole } from '../generated/prisma/enums.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { ModelVersion } from './model-version.ts';

export type Baselines = ReadonlyMap<string, FeatureStatistics>;

// A snapshot kept for drift detection wins over the training data it stands for.
const BASELINE_ROLES: readonly DatasetRole[] = ['REFERENCE', 'TRAINING'];

const cache = new WeakMap<ModelVersion, Baselines>();

/** Frozen statistics by feature that values given to a version are held against. */
export const baselinesOf = async (
  database: Database,
  version: ModelVersion,
): Promise<Baselines> => {
  const existing = cache.get(version);
  if (existing !== undefined) return existing;
  const baselines = new Map<string, FeatureStatistics>();
  for (const role of BASELINE_ROLES) {
    const uses = version.datasets.filter((use) => use.role === role);
    const ids = uses.map(({ datasetSnapshotId }) => datasetSnapshotId);
    for (const snapshot of await Promise.all(
      ids.map((id) => datasetSnapshotById(database).load(id)),
    )) {
      for (const statistics of referenced(snapshot).statistics) {
        if (!baselines.has(statistics.feature)) baselines.set(statistics.feature, statistics);
      }
    }
  }
  cache.set(version, baselines);
  return baselines;
};
