import { ArtifactRef } from '../evidence/artifact.ts';
import { builder } from '../platform/builder.ts';
import { ChangeKindEnum } from '../platform/value-change.ts';
import { ArtifactRoleEnum, type ArtifactUse } from './artifact-use.ts';
import { inNameOrder, type PairedChange, pairedChanges } from './paired-changes.ts';

export type ArtifactChange = PairedChange<ArtifactUse> & { readonly role: ArtifactUse['role'] };

/** Differences of the files, by role. */
export const artifactChanges = (
  base: readonly ArtifactUse[],
  head: readonly ArtifactUse[],
): readonly ArtifactChange[] => {
  const identity = ({ role, artifact }: ArtifactUse) => `${role} ${artifact.digest}`;
  const changes = pairedChanges(base, head, identity, [
    ({ role, artifact }) => `${role} ${artifact.mediaType}`,
    ({ role }) => role,
  ]);
  return inNameOrder(changes, identity).flatMap((change) => {
    const use = change.before ?? change.after;
    return use === null ? [] : [{ ...change, role: use.role }];
  });
};

export const ArtifactChangeRef = builder.objectRef<ArtifactChange>('ArtifactChange').implement({
  description:
    'Difference of one file. CHANGED when a file took the place of one in the same role; with several in that role, only where the media type tells which replaced which.',
  fields: (t) => ({
    kind: t.field({
      type: ChangeKindEnum,
      description: 'Kind of difference.',
      resolve: ({ kind }) => kind,
    }),
    role: t.field({
      type: ArtifactRoleEnum,
      description: 'Role of the file.',
      resolve: ({ role }) => role,
    }),
    before: t.field({
      type: ArtifactRef,
      nullable: true,
      description: 'File in the base; null when added.',
      resolve: ({ before }) => before?.artifact ?? null,
    }),
    after: t.field({
      type: ArtifactRef,
      nullable: true,
      description: 'File in the head; null when removed.',
      resolve: ({ after }) => after?.artifact ?? null,
    }),
  }),
});
