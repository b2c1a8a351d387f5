import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { needs } from '../platform/needs.ts';
import {
  connectionType,
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import type { SensitiveKind } from './sensitive-read.ts';

export interface SensitiveRead {
  readonly id: bigint;
  readonly actor: string;
  readonly requestId: string;
  readonly operation: string | null;
  readonly kinds: readonly SensitiveKind[];
  readonly subjects: readonly string[];
  readonly reason: string | null;
  readonly recordedAt: Instant;
}

const KindEnum = builder.enumType('SensitiveReadKind', {
  description: 'What of a record was seen, or how it was looked for.',
  values: {
    ENTITY_KEY: { description: 'The key of an entity, or records found by one.' },
    FEATURES: { description: 'Values of sensitive or undeclared features.' },
    OUTPUT: { description: 'The whole output of a prediction.' },
    RECORD: { description: 'The text of a refused or contradicting record.' },
    FILTER: { description: 'A condition on entity keys or values of sensitive features.' },
    COMPARISON: { description: 'Cases or cohorts compared by sensitive features.' },
    REPLAY: { description: 'A model run again on sensitive values.' },
    DOSSIER: { description: 'A dossier, which holds everything of a prediction.' },
  } as const,
});

export const SensitiveReadRef = builder.objectRef<SensitiveRead>('SensitiveRead');

SensitiveReadRef.implement({
  extensions: needs('admin'),
  description:
    'That somebody with `features:sensitive` was shown sensitive values: one record an operation, written before its answer left.',
  fields: (t) => ({
    actor: t.exposeString('actor', { description: 'Who saw them.' }),
    operation: t.exposeString('operation', {
      nullable: true,
      description: 'Name of the GraphQL operation; null when it had none.',
    }),
    requestId: t.exposeString('requestId', {
      description: 'ID of the HTTP request, as in its `x-request-id` and in the log.',
    }),
    kinds: t.field({
      type: [KindEnum],
      description: 'What was seen.',
      resolve: ({ kinds }) => [...kinds],
    }),
    subjects: t.exposeStringList('subjects', {
      description:
        'Of what: request IDs of predictions, and `feature:NAME` or `entityKeys` where many were looked at. Never a key itself.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why, as said in the header `X-Reason`; null when it was not.',
    }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When.' }),
  }),
});

const SensitiveReadConnection = connectionType(
  SensitiveReadRef,
  'SensitiveRead',
  'sensitive reads',
);

const SensitiveReadFilter = builder.inputType('SensitiveReadFilter', {
  description: 'Which sensitive reads. All given conditions must hold.',
  fields: (t) => ({
    actor: t.string({ description: 'By exactly this actor.' }),
    subject: t.string({ description: 'Of this subject, such as the request ID of a prediction.' }),
    recordedAt: t.field({ type: TimeWindowInput, description: 'In this window.' }),
  }),
});

type Filter = typeof SensitiveReadFilter.$inferInput;

const searchReads = async (database: Database, filter: Filter, args: PageArguments) => {
  const request = pageRequest(args);
  const [from = null] = numericKey(request, ['integer']) ?? [];
  const [operator, order] = request.isBackward ? ['>', 'ASC'] : ['<', 'DESC'];
  const instant = (at: Instant | null | undefined) => (at == null ? null : formatInstant(at));
  const storable = (text: string | null | undefined) => text?.replaceAll('\0', '') ?? null;
  const rows = await database.query<SensitiveRead>({
    text: `SELECT id, actor, request_id AS "requestId", operation, kinds, subjects, reason, recorded_at AS "recordedAt"
      FROM sensitive_read
      WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR subjects @> ARRAY[$2])
        AND ($3::timestamptz IS NULL OR recorded_at >= $3) AND ($4::timestamptz IS NULL OR recorded_at < $4)
        AND ($5::bigint IS NULL OR id ${operator} $5)
      ORDER BY id ${order} LIMIT ${request.limit + 1}`,
    values: [
      storable(filter.actor),
      storable(filter.subject),
      instant(filter.recordedAt?.from),
      instant(filter.recordedAt?.to),
      from,
    ],
  });
  return pageOf(request, rows, ({ id }) => [String(id)]);
};

builder.queryField('sensitiveReads', (t) =>
  t.field({
    extensions: needs('admin'),
    type: SensitiveReadConnection,
    nullable: true,
    description:
      'Who saw sensitive values, of what, when and why, newest first. The log is append-only and part of the ledger.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({ type: SensitiveReadFilter, description: 'Which of them.' }),
    },
    resolve: (_, { filter, ...args }, { database }) => searchReads(database, filter ?? {}, args),
  }),
);
