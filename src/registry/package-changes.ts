import type { RuntimePackage } from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import { ChangeKindEnum } from '../platform/value-change.ts';
import { inNameOrder, type PairedChange, pairedChanges } from './paired-changes.ts';

export type PackageChange = PairedChange<RuntimePackage> & { readonly name: string };

/** Differences of the installed packages, by package URL without version. */
export const packageChanges = (
  base: readonly RuntimePackage[],
  head: readonly RuntimePackage[],
): readonly PackageChange[] => {
  const changes = pairedChanges(base, head, ({ purl }) => purl, [({ name }) => name]);
  return inNameOrder(changes, ({ name, purl }) => `${name} ${purl}`).map((change) => ({
    ...change,
    name: (change.before ?? change.after)?.name ?? '',
  }));
};

export const PackageChangeRef = builder.objectRef<PackageChange>('PackageChange').implement({
  description:
    'Difference of one package. CHANGED when another version, or another build of the same version, took the place of the only one that differs; with several of one name, they are ADDED and REMOVED.',
  fields: (t) => ({
    kind: t.field({
      type: ChangeKindEnum,
      description: 'Kind of difference.',
      resolve: ({ kind }) => kind,
    }),
    name: t.exposeString('name', {
      description: 'Package URL without version, such as `pkg:pypi/numpy`.',
    }),
    before: t.string({
      nullable: true,
      description: 'Version in the base; null when added.',
      resolve: ({ before }) => before?.version ?? null,
    }),
    after: t.string({
      nullable: true,
      description: 'Version in the head; null when removed.',
      resolve: ({ after }) => after?.version ?? null,
    }),
    beforePurl: t.string({
      nullable: true,
      description:
        'Canonical package URL in the base, with qualifiers such as a platform; null when added.',
      resolve: ({ before }) => before?.purl ?? null,
    }),
    afterPurl: t.string({
      nullable: true,
      description:
        'Canonical package URL in the head, with qualifiers such as a platform; null when removed.',
      resolve: ({ after }) => after?.purl ?? null,
    }),
  }),
});
