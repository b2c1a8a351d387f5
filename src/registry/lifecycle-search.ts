import { refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { branded, referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { needs } from '../platform/needs.ts';
import {
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { comparableText, unstorableText } from '../platform/storable-text.ts';
import { checkWindow, TimeWindowInput } from '../platform/time-window.ts';
import { factOf, LIFECYCLE_COLUMNS, type LifecycleRow } from './lifecycle-history.ts';
import {
  LifecycleStageEnum,
  type LifecycleTransition,
  LifecycleTransitionConnection,
} from './lifecycle-type.ts';
import { ModelVersionReferenceInput, modelVersionById } from './model-version.ts';
import { modelIdOf, modelVersionIdOf } from './named-in-filter.ts';

/** Longest text that a reason is searched for. */
const MAX_REASON = 200;

const LifecycleTransitionFilter = builder.inputType('LifecycleTransitionFilter', {
  description: 'Which lifecycle transitions to return. All given conditions must hold.',
  fields: (t) => ({
    model: t.string({ description: 'Of versions of this model.' }),
    modelVersion: t.field({ type: ModelVersionReferenceInput, description: 'Of this version.' }),
    from: t.field({ type: [LifecycleStageEnum], description: 'Out of one of these stages.' }),
    to: t.field({ type: [LifecycleStageEnum], description: 'Into one of these stages.' }),
    actor: t.string({ description: 'Made by exactly this actor.' }),
    occurredAt: t.field({ type: TimeWindowInput, description: 'Took effect in this window.' }),
    recordedAt: t.field({ type: TimeWindowInput, description: 'Recorded in this window.' }),
    reasonContains: t.string({
      description: `The stated reason holds this text, ASCII letters in either case; 1 to ${MAX_REASON} characters.`,
    }),
    isCorrection: t.boolean({
      description: 'Whether it takes the place of an earlier transition.',
    }),
    isCorrected: t.boolean({
      description: 'Whether a later transition takes its place.',
    }),
  }),
});

type Filter = typeof LifecycleTransitionFilter.$inferInput;

const instant = (at: Instant | null | undefined): string | null =>
  at == null ? null : formatInstant(at);

const comparable = (text: string | null | undefined): string | null =>
  text == null ? null : comparableText(text);

// The collation "C" lowers ASCII letters only: on every engine, whatever its locale.
const WHERE = `($1::int IS NULL OR v.model_id = $1) AND ($2::int IS NULL OR t.model_version_id = $2)
  AND ($3::text[] IS NULL OR t.from_stage::text = ANY($3)) AND ($4::text[] IS NULL OR t.to_stage::text = ANY($4))
  AND ($5::text IS NULL OR t.actor = $5)
  AND ($6::timestamptz IS NULL OR t.occurred_at >= $6) AND ($7::timestamptz IS NULL OR t.occurred_at < $7)
  AND ($8::timestamptz IS NULL OR t.recorded_at >= $8) AND ($9::timestamptz IS NULL OR t.recorded_at < $9)
  AND ($10::boolean IS NULL OR (t.corrects_sequence IS NOT NULL) = $10)
  AND ($11::text IS NULL OR position(lower($11 COLLATE "C") IN lower(t.reason COLLATE "C")) > 0)
  AND ($12::boolean IS NULL OR EXISTS (SELECT FROM lifecycle_transition c
    WHERE c.model_version_id = t.model_version_id AND c.corrects_sequence = t.sequence) = $12)`;

const reasonProblem = (text: string | null): string | null => {
  if (text === null) return null;
  const unstorable = unstorableText(text);
  if (unstorable !== null) return `${unstorable}.`;
  return text.length >= 1 && text.length <= MAX_REASON
    ? null
    : `has ${text.length} characters; give 1 to ${MAX_REASON}, or leave it out.`;
};

/** The rows that a filter names; refuses it, naming everything that is wrong. */
const resolve = async (database: Database, filter: Filter) => {
  const issues = collectIssues();
  checkWindow(['filter', 'occurredAt'], filter.occurredAt, issues);
  checkWindow(['filter', 'recordedAt'], filter.recordedAt, issues);
  const problem = reasonProblem(filter.reasonContains ?? null);
  if (problem !== null) issues.add(['filter', 'reasonContains'], problem);
  const [modelId, versionId] = await Promise.all([
    modelIdOf(database, filter.model, ['filter', 'model'], issues),
    modelVersionIdOf(database, filter.modelVersion, ['filter', 'modelVersion'], issues),
  ]);
  refuseArguments(issues.list);
  return { modelId, versionId };
};

const sortKey = ({ recordedAt, modelVersion, sequence }: LifecycleTransition): readonly string[] =>
  [recordedAt, modelVersion.id, sequence].map(String);

const transitionPage = async (context: Context, filter: Filter, args: PageArguments) => {
  const { database } = context;
  const { modelId, versionId } = await resolve(database, filter);
  const request = pageRequest(args);
  const [recordedAt = 0, id = 0, sequence = 0] =
    numericKey(request, ['instant', 'integer', 'integer']) ?? [];
  const [operator, order] = request.isBackward ? ['>', 'ASC'] : ['<', 'DESC'];
  const rows = await database.query<LifecycleRow>({
    text: `SELECT ${LIFECYCLE_COLUMNS}
      FROM lifecycle_transition t JOIN model_version v ON v.id = t.model_version_id
      WHERE ${WHERE} AND (NOT $13::boolean
        OR (t.recorded_at, t.model_version_id, t.sequence) ${operator} ($14::timestamptz, $15::int, $16::int))
      ORDER BY t.recorded_at ${order}, t.model_version_id ${order}, t.sequence ${order} LIMIT ${request.limit + 1}`,
    values: [
      modelId,
      versionId,
      filter.from ?? null,
      filter.to ?? null,
      comparable(filter.actor),
      instant(filter.occurredAt?.from),
      instant(filter.occurredAt?.to),
      instant(filter.recordedAt?.from),
      instant(filter.recordedAt?.to),
      filter.isCorrection ?? null,
      filter.reasonContains ?? null,
      filter.isCorrected ?? null,
      request.from !== null,
      formatInstant(recordedAt),
      id,
      sequence,
    ],
  });
  const transitions = rows.map(async (row): Promise<LifecycleTransition> => {
    const modelVersion = referenced(await modelVersionById(database).load(row.model_version_id));
    return branded('LifecycleTransition', { ...factOf(row), modelVersion });
  });
  return pageOf(request, await Promise.all(transitions), sortKey);
};

builder.queryField('lifecycleTransitions', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: LifecycleTransitionConnection,
    nullable: true,
    description:
      'Searches the lifecycle histories of all versions, last recorded first. Corrected transitions are listed, too. One statement.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({ type: LifecycleTransitionFilter, description: 'Which transitions.' }),
    },
    resolve: (_, { filter, ...args }, context) => transitionPage(context, filter ?? {}, args),
  }),
);
