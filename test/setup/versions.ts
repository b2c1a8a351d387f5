import { createHash, randomUUID } from 'node:crypto';
import type { FeatureFieldDefinition } from '../../src/evidence/feature-field.ts';
import type { Database } from '../../src/platform/database.ts';
import { unique } from './database.ts';

/** A digest that nothing else has. */
export const someDigest = (): string =>
  `sha256:${createHash('sha256').update(randomUUID()).digest('hex')}`;

export interface SchemaRow {
  readonly id: number;
  readonly digest: string;
  readonly name: string;
  readonly semver: string;
}

export interface VersionRow {
  readonly id: number;
  readonly digest: string;
  readonly model: string;
  readonly semver: string;
  readonly schema: SchemaRow;
}

export interface EndpointRow {
  readonly id: number;
  readonly name: string;
  readonly environment: string;
}

/** Writes a feature schema straight into the database. */
export const insertSchema = async (
  { prisma }: Database,
  fields: readonly FeatureFieldDefinition[],
  name: string = unique('schema'),
  semver = '1.0.0',
): Promise<SchemaRow> =>
  prisma.featureSchema.create({
    data: {
      digest: someDigest(),
      name,
      semver,
      fields: {
        create: fields.map(({ transformations: _, categories, shape, ...field }, position) => ({
          ...field,
          position,
          shape: [...shape],
          hasCategories: categories !== null,
          categories: [...(categories ?? [])],
        })),
      },
    },
  });

/** Writes a model version straight into the database, with its schema and the evidence it needs. */
export const insertVersion = async (
  database: Database,
  schema: SchemaRow,
  modelName: string = unique('model'),
  semver = '1.0.0',
): Promise<VersionRow> => {
  const { prisma } = database;
  const commit = await prisma.codeCommit.create({
    data: {
      digest: someDigest(),
      repository: 'https://example.org/repository',
      oid: createHash('sha1').update(randomUUID()).digest('hex'),
      isDirty: false,
    },
  });
  const runtime = await prisma.runtimeEnvironment.create({
    data: { digest: someDigest(), runtime: 'CPython 3.12.4', platform: 'linux/amd64' },
  });
  const version = await prisma.modelVersion.create({
    data: {
      digest: someDigest(),
      recipeDigest: someDigest(),
      semver,
      manifest: '{}',
      hyperparameters: '{}',
      recordedBy: 'tester',
      codeCommit: { connect: { id: commit.id } },
      featureSchema: { connect: { id: schema.id } },
      runtimeEnvironment: { connect: { id: runtime.id } },
      model: { connectOrCreate: { where: { name: modelName }, create: { name: modelName } } },
    },
  });
  return { id: version.id, digest: version.digest, model: modelName, semver, schema };
};

/** Writes an endpoint straight into the database. */
export const insertEndpoint = async (
  { prisma }: Database,
  name: string = unique('endpoint'),
  environment = 'production',
): Promise<EndpointRow> => prisma.endpoint.create({ data: { name, environment } });
