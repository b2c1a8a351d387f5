import { builder } from '../platform/builder.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { ContentAddressed } from './content-addressed.ts';
import type { FeatureFieldDefinition } from './feature-field.ts';

/** An ordered, immutable list of feature definitions. */
export interface FeatureSchema extends ContentAddressed {
  readonly name: string;
  readonly semver: string;
  readonly fields: readonly FeatureFieldDefinition[];
}

const include = {
  fields: {
    orderBy: { position: 'asc' },
    include: {
      transformations: { orderBy: { position: 'asc' }, include: { codeCommit: true } },
    },
  },
} as const;

export const findFeatureSchemas = async (
  prisma: Pick<Transaction, 'featureSchema'>,
  where:
    | { id: { in: number[] } }
    | { digest: { in: string[] } }
    | { OR: { name: string; semver: string }[] },
): Promise<FeatureSchema[]> => {
  const rows = await prisma.featureSchema.findMany({ where, include });
  return rows.map(({ fields, ...schema }) => ({
    ...schema,
    fields: fields.map(
      ({ featureSchemaId: _, hasCategories, categories, transformations, ...field }) => ({
        ...field,
        categories: hasCategories ? categories : null,
        transformations: transformations.map((step) => ({
          function: step.function,
          version: step.version,
          inputs: step.inputs,
          parameters: step.parameters,
          codeCommit: step.codeCommit?.digest ?? null,
        })),
      }),
    ),
  }));
};

export const featureSchemaById = immutableLoader<number, FeatureSchema>(
  'FeatureSchema',
  async (database, ids) => {
    const schemas = await findFeatureSchemas(database.prisma, { id: { in: [...ids] } });
    return new Map(schemas.map((schema) => [schema.id, schema]));
  },
);

export const featureSchemaByDigest = immutableLoader<string, FeatureSchema>(
  'FeatureSchema',
  async (database, digests) => {
    const schemas = await findFeatureSchemas(database.prisma, { digest: { in: [...digests] } });
    return new Map(schemas.map((schema) => [schema.digest, schema]));
  },
);

/** Keys are `name@semver`. */
export const featureSchemaByRelease = immutableLoader<string, FeatureSchema>(
  'FeatureSchema',
  async (database, releases) => {
    const schemas = await findFeatureSchemas(database.prisma, { OR: releases.map(splitRelease) });
    return new Map(schemas.map((schema) => [`${schema.name}@${schema.semver}`, schema]));
  },
);

// A semantic version holds no "@", so the last one separates.
const splitRelease = (release: string): { name: string; semver: string } => {
  const at = release.lastIndexOf('@');
  return { name: release.slice(0, at), semver: release.slice(at + 1) };
};

export const FeatureSchemaRef = builder.objectRef<FeatureSchema>('FeatureSchema');
