import semver from 'semver';
import { ArtifactRef } from '../evidence/artifact.ts';
import { CodeCommitRef } from '../evidence/code-commit.ts';
import { DatasetSnapshotRef } from '../evidence/dataset-snapshot.ts';
import { FeatureSchemaRef } from '../evidence/feature-schema.ts';
import { RuntimeEnvironmentRef } from '../evidence/runtime-environment.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import {
  connectionType,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOfList,
} from '../platform/pagination.ts';
import { DatasetRoleEnum } from './dataset-use.ts';
import { ModelRef } from './model.ts';
import { type ModelVersion, ModelVersionRef, modelVersionById } from './model-version.ts';

/** Most versions that one list holds; a model with more is paged by recording time through search. */
const MAX_VERSIONS = 10_000;

export const ModelVersionConnection = connectionType(
  ModelVersionRef,
  'ModelVersion',
  'model versions',
);

const versionsWhere = async (
  database: Database,
  where: Prisma.ModelVersionWhereInput,
): Promise<readonly ModelVersion[]> => {
  const rows = await database.prisma.modelVersion.findMany({
    where,
    select: { id: true },
    orderBy: { id: 'desc' },
    take: MAX_VERSIONS,
  });
  const versions = await modelVersionById(database).loadMany(rows.map(({ id }) => id));
  return versions.map((version) => {
    if (version instanceof Error) throw version;
    return referenced(version);
  });
};

const page = async (
  database: Database,
  where: Prisma.ModelVersionWhereInput,
  args: PageArguments,
) => pageOfList(args, await versionsWhere(database, where), ({ digest }) => [digest]);

const OrderEnum = builder.enumType('ModelVersionOrder', {
  description: 'Order of model versions.',
  values: {
    RECORDED_AT_DESC: { description: 'Newest registration first.' },
    RECORDED_AT_ASC: { description: 'Oldest registration first.' },
    SEMVER_DESC: { description: 'Highest semantic version first, by precedence.' },
    SEMVER_ASC: { description: 'Lowest semantic version first, by precedence.' },
  } as const,
});

const inOrder = (
  versions: readonly ModelVersion[],
  order: typeof OrderEnum.$inferType,
): readonly ModelVersion[] => {
  switch (order) {
    case 'RECORDED_AT_DESC':
      return versions;
    case 'RECORDED_AT_ASC':
      return [...versions].reverse();
    case 'SEMVER_DESC':
      return [...versions].sort((a, b) => semver.compareBuild(b.semver, a.semver));
    case 'SEMVER_ASC':
      return [...versions].sort((a, b) => semver.compareBuild(a.semver, b.semver));
  }
};

builder.objectField(ModelRef, 'versions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Versions of this model, newest first by default; of at most ${MAX_VERSIONS}.`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      orderBy: t.arg({
        type: OrderEnum,
        defaultValue: 'RECORDED_AT_DESC',
        description: 'Order of the list.',
      }),
    },
    resolve: async ({ id }, { orderBy, ...args }, { database }) =>
      pageOfList(
        args,
        inOrder(await versionsWhere(database, { modelId: id }), orderBy ?? 'RECORDED_AT_DESC'),
        ({ digest }) => [digest],
      ),
  }),
);

const newestFirst = 'newest registration first.';

builder.objectField(CodeCommitRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions trained from this commit, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) => page(database, { codeCommitId: id }, args),
  }),
);

builder.objectField(FeatureSchemaRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that expect this schema, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) => page(database, { featureSchemaId: id }, args),
  }),
);

builder.objectField(RuntimeEnvironmentRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that use this environment, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) => page(database, { runtimeEnvironmentId: id }, args),
  }),
);

builder.objectField(ArtifactRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that contain this file, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) =>
      page(database, { artifacts: { some: { artifactId: id } } }, args),
  }),
);

builder.objectField(DatasetSnapshotRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that used this snapshot, ${newestFirst}`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      roles: t.arg({
        type: [DatasetRoleEnum],
        description: 'Only in one of these roles; in any when omitted.',
      }),
    },
    resolve: ({ id }, { roles, ...args }, { database }) =>
      page(
        database,
        {
          datasets: {
            some: { datasetSnapshotId: id, ...(roles == null ? {} : { role: { in: roles } }) },
          },
        },
        args,
      ),
  }),
);
