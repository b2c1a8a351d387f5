import {
  type DatasetSnapshot,
  DatasetSnapshotRef,
  datasetSnapshotById,
} from '../evidence/dataset-snapshot.ts';
import type { DatasetRole } from '../generated/prisma/enums.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { needsWithinModels } from '../platform/needs.ts';

export const DatasetRoleEnum = builder.enumType('DatasetRole', {
  description: 'What a dataset snapshot was used for.',
  values: {
    TRAINING: { description: 'Fitting parameters.' },
    VALIDATION: { description: 'Choosing hyperparameters or stopping early.' },
    TEST: { description: 'Reporting final metrics.' },
    REFERENCE: { description: 'Baseline for drift detection.' },
  } as const,
});

/** A dataset snapshot in the role a model version used it in. */
export interface DatasetUse {
  readonly role: DatasetRole;
  readonly snapshot: DatasetSnapshot;
}

export const datasetUsesOf = (
  database: Database,
  uses: readonly { readonly role: DatasetRole; readonly datasetSnapshotId: number }[],
): Promise<DatasetUse[]> =>
  Promise.all(
    uses.map(async ({ role, datasetSnapshotId }) => ({
      role,
      snapshot: referenced(await datasetSnapshotById(database).load(datasetSnapshotId)),
    })),
  );

export const DatasetUseRef = builder.objectRef<DatasetUse>('DatasetUse').implement({
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'A dataset snapshot in the role a model version used it in.',
  fields: (t) => ({
    role: t.field({
      type: DatasetRoleEnum,
      description: 'What the snapshot was used for.',
      resolve: ({ role }) => role,
    }),
    snapshot: t.field({
      type: DatasetSnapshotRef,
      description: 'The snapshot.',
      resolve: ({ snapshot }) => snapshot,
    }),
  }),
});
