import { DatasetSnapshotRef } from '../evidence/dataset-snapshot.ts';
import { builder } from '../platform/builder.ts';
import { ChangeKindEnum } from '../platform/value-change.ts';
import { DatasetRoleEnum, type DatasetUse } from './dataset-use.ts';
import { inNameOrder, type PairedChange, pairedChanges } from './paired-changes.ts';

export type DatasetChange = PairedChange<DatasetUse> & { readonly role: DatasetUse['role'] };

const inRole = ({ role, snapshot }: DatasetUse): string => JSON.stringify([role, snapshot.name]);

const sameEvents = (use: DatasetUse): string =>
  JSON.stringify([
    inRole(use),
    use.snapshot.eventTimeFrom?.getTime() ?? null,
    use.snapshot.eventTimeTo?.getTime() ?? null,
  ]);

/** Differences of the uses of datasets, by role and name. */
export const datasetChanges = (
  base: readonly DatasetUse[],
  head: readonly DatasetUse[],
): readonly DatasetChange[] => {
  const identity = ({ role, snapshot }: DatasetUse) => `${role} ${snapshot.digest}`;
  const changes = pairedChanges(base, head, identity, [sameEvents, inRole]);
  return inNameOrder(changes, (use) => `${inRole(use)} ${use.snapshot.digest}`).flatMap(
    (change) => {
      const use = change.before ?? change.after;
      return use === null ? [] : [{ ...change, role: use.role }];
    },
  );
};

export const DatasetChangeRef = builder.objectRef<DatasetChange>('DatasetChange').implement({
  description:
    'Difference of one dataset use. CHANGED when a snapshot took the place of one of the same dataset name in the same role; with several of that name, only where the events covered tell which replaced which.',
  fields: (t) => ({
    kind: t.field({
      type: ChangeKindEnum,
      description: 'Kind of difference.',
      resolve: ({ kind }) => kind,
    }),
    role: t.field({
      type: DatasetRoleEnum,
      description: 'Role of the snapshot.',
      resolve: ({ role }) => role,
    }),
    before: t.field({
      type: DatasetSnapshotRef,
      nullable: true,
      description: 'Snapshot in the base; null when added.',
      resolve: ({ before }) => before?.snapshot ?? null,
    }),
    after: t.field({
      type: DatasetSnapshotRef,
      nullable: true,
      description: 'Snapshot in the head; null when removed.',
      resolve: ({ after }) => after?.snapshot ?? null,
    }),
  }),
});
