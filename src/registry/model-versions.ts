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
  numericKey,
  type Page,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { DatasetRoleEnum } from './dataset-use.ts';
import { type ModelVersion, ModelVersionRef, modelVersionById } from './model-version.ts';

export const ModelVersionConnection = connectionType(
  ModelVersionRef,
  'ModelVersion',
  'model versions',
);

export type ModelVersionWhere = Prisma.ModelVersionWhereInput;

export const modelVersionsOf = (
  database: Database,
  rows: readonly { readonly id: number }[],
): Promise<readonly ModelVersion[]> =>
  Promise.all(rows.map(async ({ id }) => referenced(await modelVersionById(database).load(id))));

/** A page in the order of registration; newest first unless it ascends. */
export const modelVersionPage = async (
  database: Database,
  where: ModelVersionWhere,
  args: PageArguments,
  isAscending = false,
): Promise<Page<ModelVersion>> => {
  const request = pageRequest(args);
  const [from] = numericKey(request, ['integer']) ?? [];
  const goesUp = isAscending !== request.isBackward;
  const beyond = from === undefined ? {} : { id: goesUp ? { gt: from } : { lt: from } };
  const rows = await database.prisma.modelVersion.findMany({
    where: { AND: [where, beyond] },
    select: { id: true },
    orderBy: { id: goesUp ? 'asc' : 'desc' },
    take: request.limit + 1,
  });
  return pageOf(request, await modelVersionsOf(database, rows), ({ id }) => [String(id)]);
};

const newestFirst = 'newest registration first.';

builder.objectField(CodeCommitRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions trained from this commit, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) => modelVersionPage(database, { codeCommitId: id }, args),
  }),
);

builder.objectField(FeatureSchemaRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that expect this schema, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) =>
      modelVersionPage(database, { featureSchemaId: id }, args),
  }),
);

builder.objectField(RuntimeEnvironmentRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that use this environment, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) =>
      modelVersionPage(database, { runtimeEnvironmentId: id }, args),
  }),
);

builder.objectField(ArtifactRef, 'modelVersions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Model versions that contain this file, ${newestFirst}`,
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, { database }) =>
      modelVersionPage(database, { artifacts: { some: { artifactId: id } } }, args),
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
      modelVersionPage(
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
