import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { branded, referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import {
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import type { LifecycleFact } from './lifecycle.ts';
import { factOf, LIFECYCLE_COLUMNS, type LifecycleRow } from './lifecycle-history.ts';
import {
  LifecycleStageEnum,
  type LifecycleTransition,
  LifecycleTransitionConnection,
} from './lifecycle-type.ts';
import { findModelVersion, ModelVersionReferenceInput, modelVersionById } from './model-version.ts';

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
    isCorrection: t.boolean({
      description: 'Whether it takes the place of an earlier transition.',
    }),
  }),
});

type Filter = typeof LifecycleTransitionFilter.$inferInput;

const instant = (at: Instant | null | undefined): string | null =>
  at == null ? null : formatInstant(at);

const comparable = (text: string | null | undefined): string | null =>
  text == null ? null : comparableText(text);

const WHERE = `($1::text IS NULL OR m.name = $1) AND ($2::int IS NULL OR t.model_version_id = $2)
  AND ($3::text[] IS NULL OR t.from_stage::text = ANY($3)) AND ($4::text[] IS NULL OR t.to_stage::text = ANY($4))
  AND ($5::text IS NULL OR t.actor = $5)
  AND ($6::timestamptz IS NULL OR t.occurred_at >= $6) AND ($7::timestamptz IS NULL OR t.occurred_at < $7)
  AND ($8::timestamptz IS NULL OR t.recorded_at >= $8) AND ($9::timestamptz IS NULL OR t.recorded_at < $9)
  AND ($10::boolean IS NULL OR (t.corrects_sequence IS NOT NULL) = $10)`;

const sortKey = ({ recordedAt, modelVersion, sequence }: LifecycleTransition): readonly string[] =>
  [recordedAt, modelVersion.id, sequence].map(String);

const transitionPage = async (context: Context, filter: Filter, args: PageArguments) => {
  const { database } = context;
  const version =
    filter.modelVersion == null ? null : await findModelVersion(database, filter.modelVersion);
  if (filter.modelVersion != null && version === null) {
    const message = 'There is no such model version.';
    throw argumentError({ path: ['filter', 'modelVersion'], message });
  }
  const request = pageRequest(args);
  const [recordedAt = 0, id = 0, sequence = 0] =
    numericKey(request, ['instant', 'integer', 'integer']) ?? [];
  const [operator, order] = request.isBackward ? ['>', 'ASC'] : ['<', 'DESC'];
  const rows = await database.query<LifecycleRow>({
    text: `SELECT ${LIFECYCLE_COLUMNS}
      FROM lifecycle_transition t JOIN model_version v ON v.id = t.model_version_id JOIN model m ON m.id = v.model_id
      WHERE ${WHERE} AND (NOT $11::boolean
        OR (t.recorded_at, t.model_version_id, t.sequence) ${operator} ($12::timestamptz, $13::int, $14::int))
      ORDER BY t.recorded_at ${order}, t.model_version_id ${order}, t.sequence ${order} LIMIT ${request.limit + 1}`,
    values: [
      comparable(filter.model),
      version?.id ?? null,
      filter.from ?? null,
      filter.to ?? null,
      comparable(filter.actor),
      instant(filter.occurredAt?.from),
      instant(filter.occurredAt?.to),
      instant(filter.recordedAt?.from),
      instant(filter.recordedAt?.to),
      filter.isCorrection ?? null,
      request.from !== null,
      formatInstant(recordedAt),
      id,
      sequence,
    ],
  });
  const transitions = rows.map(async (row): Promise<LifecycleTransition> => {
    const modelVersion = referenced(await modelVersionById(database).load(row.model_version_id));
    const fact: LifecycleFact = factOf(row);
    return branded('LifecycleTransition', { ...fact, modelVersion });
  });
  return pageOf(request, await Promise.all(transitions), sortKey);
};

builder.queryField('lifecycleTransitions', (t) =>
  t.field({
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
