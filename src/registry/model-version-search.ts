import semver from 'semver';
import { argumentError, refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { dateOf, formatInstant, type Instant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { needsWithinModels } from '../platform/needs.ts';
import {
  type Page,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOfList,
} from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { checkWindow, TimeWindowInput } from '../platform/time-window.ts';
import type { LifecycleStage } from './lifecycle.ts';
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
      description: `Current stage is one of these; refused when more than ${MAX_SORTED} versions are.`,
    }),
    recordedAt: t.field({ type: TimeWindowInput, description: 'Registered in this window.' }),
    recordedBy: t.string({ description: 'Registered by exactly this actor.' }),
    recipeDigest: t.field({ type: 'Digest', description: 'Made from this recipe.' }),
    commit: t.field({ type: 'Digest', description: 'Trained from the commit of this digest.' }),
    featureSchema: t.field({
      type: 'Digest',
      description: 'Expects the feature schema of this digest.',
    }),
    environment: t.field({
      type: 'Digest',
      description: 'Built for the environment of this digest.',
    }),
  }),
});

type Filter = typeof ModelVersionFilter.$inferInput;

/** Rows of the versions of a model that are in one of the stages now: of their last transition that was not corrected. */
const inStages = async (
  { database }: Context,
  modelId: number,
  stages: readonly LifecycleStage[],
): Promise<readonly number[]> => {
  const rows = await database.query<{ id: number }>({
    name: 'versions_in_stages',
    text: `SELECT v.id FROM model_version v
      CROSS JOIN LATERAL (SELECT t.to_stage FROM lifecycle_transition t
        WHERE t.model_version_id = v.id AND t.occurred_at <= greatest($3::timestamptz, clock_timestamp(), t.recorded_at) AND NOT EXISTS (
          SELECT FROM lifecycle_transition c
          WHERE c.model_version_id = v.id AND c.corrects_sequence = t.sequence)
        ORDER BY t.occurred_at DESC, t.sequence DESC LIMIT 1) current
      WHERE v.model_id = $1::int AND current.to_stage::text = ANY($2::text[])
      LIMIT ${MAX_SORTED + 1}`,
    values: [modelId, stages, formatInstant(Date.now() * 1000)],
  });
  if (rows.length <= MAX_SORTED) return rows.map(({ id }) => id);
  const message = `More than ${MAX_SORTED} versions are in these stages; leave the condition out.`;
  throw argumentError({ path: ['filter', 'stages'], message });
};

/** The first millisecond that is not before an instant: recording times have no finer digits. */
const millisecondFrom = (instant: Instant): Date => dateOf(instant + 999);

const whereOf = async (
  context: Context,
  modelId: number,
  filter: Filter,
): Promise<ModelVersionWhere> => {
  const issues = collectIssues();
  checkWindow(['filter', 'recordedAt'], filter.recordedAt, issues);
  refuseArguments(issues.list);
  const { stages, recordedAt, recordedBy, recipeDigest, commit, featureSchema, environment } =
    filter;
  const ids = stages == null ? null : await inStages(context, modelId, stages);
  return {
    modelId,
    ...(ids === null ? {} : { id: { in: [...ids] } }),
    recordedAt: {
      ...(recordedAt?.from == null ? {} : { gte: millisecondFrom(recordedAt.from) }),
      ...(recordedAt?.to == null ? {} : { lt: millisecondFrom(recordedAt.to) }),
    },
    ...(recordedBy == null ? {} : { recordedBy: comparableText(recordedBy) }),
    ...(recipeDigest == null ? {} : { recipeDigest }),
    ...(commit == null ? {} : { codeCommit: { digest: commit } }),
    ...(featureSchema == null ? {} : { featureSchema: { digest: featureSchema } }),
    ...(environment == null ? {} : { runtimeEnvironment: { digest: environment } }),
  };
};

builder.objectField(ModelRef, 'versions', (t) =>
  t.field({
    extensions: needsWithinModels('registry:read'),
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
