import semver from 'semver';
import { notAPackageName, parsePackageName } from '../evidence/runtime-environment.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { dateOf } from '../platform/instant.ts';
import {
  type Page,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOfList,
} from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { type LifecycleStage, stageAt } from './lifecycle.ts';
import { lifecycleOf } from './lifecycle-history.ts';
import { LifecycleStageEnum } from './lifecycle-type.ts';
import { ModelRef } from './model.ts';
import type { ModelVersion } from './model-version.ts';
import {
  ModelVersionConnection,
  type ModelVersionWhere,
  modelVersionPage,
  modelVersionsOf,
} from './model-versions.ts';

/** Most versions of one model that are put in the order of their semantic versions. */
const MAX_SORTED = 10_000;

/** A page in the order of semantic versions, which the database cannot compare. */
const semverPage = async (
  database: Database,
  where: ModelVersionWhere,
  args: PageArguments,
  isAscending: boolean,
): Promise<Page<ModelVersion>> => {
  const rows = await database.prisma.modelVersion.findMany({
    where,
    select: { id: true },
    take: MAX_SORTED + 1,
  });
  if (rows.length > MAX_SORTED) {
    const message = `More than ${MAX_SORTED} versions match; order them by RECORDED_AT, or filter.`;
    throw argumentError({ path: ['orderBy'], message });
  }
  const sign = isAscending ? 1 : -1;
  const sorted = [...(await modelVersionsOf(database, rows))].sort(
    (a, b) => sign * (semver.compareBuild(a.semver, b.semver) || a.id - b.id),
  );
  return pageOfList(args, sorted, ({ id }) => [String(id)]);
};

const OrderEnum = builder.enumType('ModelVersionOrder', {
  description: 'Order of model versions.',
  values: {
    RECORDED_AT_DESC: { description: 'Newest registration first.' },
    RECORDED_AT_ASC: { description: 'Oldest registration first.' },
    SEMVER_DESC: { description: 'Highest semantic version first, by precedence.' },
    SEMVER_ASC: { description: 'Lowest semantic version first, by precedence.' },
  } as const,
});

const ModelVersionFilter = builder.inputType('ModelVersionFilter', {
  description: 'Which model versions to return. All given conditions must hold.',
  fields: (t) => ({
    stages: t.field({
      type: [LifecycleStageEnum],
      description: `Current stage is one of these. Looks at up to ${MAX_SORTED} versions.`,
    }),
    recordedAt: t.field({ type: TimeWindowInput, description: 'Registered in this window.' }),
    recordedBy: t.string({ description: 'Registered by exactly this actor.' }),
    recipeDigest: t.field({ type: 'Digest', description: 'Made from this recipe.' }),
  }),
});

type Filter = typeof ModelVersionFilter.$inferInput;

/** Rows of the versions that are in one of the stages now. */
const inStages = async (
  context: Context,
  where: ModelVersionWhere,
  stages: readonly LifecycleStage[],
): Promise<readonly number[]> => {
  const rows = await context.database.prisma.modelVersion.findMany({
    where,
    select: { id: true },
    take: MAX_SORTED + 1,
  });
  if (rows.length > MAX_SORTED) {
    const message = `More than ${MAX_SORTED} versions match; narrow the window of registration.`;
    throw argumentError({ path: ['filter', 'stages'], message });
  }
  const now = Date.now() * 1000;
  const current = await Promise.all(
    rows.map(async ({ id }) => ({ id, stage: stageAt(await lifecycleOf(context).load(id), now) })),
  );
  return current.flatMap(({ id, stage }) => (stage !== null && stages.includes(stage) ? [id] : []));
};

const whereOf = async (
  context: Context,
  modelId: number,
  filter: Filter,
): Promise<ModelVersionWhere> => {
  const { stages, recordedAt, recordedBy, recipeDigest } = filter;
  const where: ModelVersionWhere = {
    modelId,
    ...(recordedAt == null
      ? {}
      : {
          recordedAt: {
            ...(recordedAt.from == null ? {} : { gte: dateOf(recordedAt.from) }),
            ...(recordedAt.to == null ? {} : { lt: dateOf(recordedAt.to) }),
          },
        }),
    ...(recordedBy == null ? {} : { recordedBy: comparableText(recordedBy) }),
    ...(recipeDigest == null ? {} : { recipeDigest }),
  };
  if (stages == null) return where;
  return { id: { in: [...(await inStages(context, where, stages))] } };
};

builder.objectField(ModelRef, 'versions', (t) =>
  t.field({
    type: ModelVersionConnection,
    description: `Versions of this model, newest registration first by default. In the order of semantic versions, at most ${MAX_SORTED} may match.`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({ type: ModelVersionFilter, description: 'Which versions.' }),
      orderBy: t.arg({
        type: OrderEnum,
        defaultValue: 'RECORDED_AT_DESC',
        description: 'Order of the list.',
      }),
    },
    resolve: async ({ id }, { filter, orderBy, ...args }, context) => {
      const where = await whereOf(context, id, filter ?? {});
      const isAscending = orderBy === 'RECORDED_AT_ASC' || orderBy === 'SEMVER_ASC';
      const inOrder = orderBy?.startsWith('SEMVER') === true ? semverPage : modelVersionPage;
      return inOrder(context.database, where, args, isAscending);
    },
  }),
);

/** Most versions of a package that a caller may name. */
const MAX_PACKAGE_VERSIONS = 100;

builder.queryField('usesPackage', (t) =>
  t.field({
    type: ModelVersionConnection,
    nullable: true,
    description: `Model versions whose environment has a package installed, newest registration first.`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      name: t.arg.string({
        required: true,
        description: 'Package URL without version, such as `pkg:pypi/numpy`.',
      }),
      versions: t.arg.stringList({
        description: `Exact versions, 1 to ${MAX_PACKAGE_VERSIONS}; any when omitted.`,
      }),
    },
    resolve: (_, { name, versions, ...args }, { database }) => {
      const canonical = parsePackageName(name);
      if (canonical === null) {
        throw argumentError({ path: ['name'], message: notAPackageName(name) });
      }
      if (versions != null && (versions.length < 1 || versions.length > MAX_PACKAGE_VERSIONS)) {
        const message = `Give 1 to ${MAX_PACKAGE_VERSIONS} versions; ${versions.length} were given.`;
        throw argumentError({ path: ['versions'], message });
      }
      const wanted = versions == null ? {} : { version: { in: versions.map(comparableText) } };
      const packages = { some: { name: canonical, ...wanted } };
      return modelVersionPage(database, { runtimeEnvironment: { packages } }, args);
    },
  }),
);
