import { maySeeSensitive, noteSensitiveRead } from '../access/sensitive-read.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError } from '../platform/errors.ts';
import { needs } from '../platform/needs.ts';
import { connectionType, pageArguments, pageCost, pageRequest } from '../platform/pagination.ts';
import {
  filterConditions,
  type RejectedRecord,
  rawText,
  rejectedRecordPage,
  rejectedRecordsById,
} from './rejected-record-query.ts';
import { RejectionCodeEnum, UndeclaredFeaturesEnum } from './rejection-code-type.ts';
import { type Resubmission, type ResubmissionReport, resubmit } from './release-waiting.ts';

/** Most records that a caller may name one by one. */
const MAX_IDS = 1000;

const KindEnum = builder.enumType('RejectedRecordKind', {
  description: 'What a refused record was meant to be.',
  values: {
    PREDICTION: { description: 'A prediction.' },
    OUTCOME: { description: 'An outcome.' },
  } as const,
});

const RawEncodingEnum = builder.enumType('RawEncoding', {
  description: 'How bytes are shown as text.',
  values: {
    UTF8: { description: 'The bytes are UTF-8, and this is their text.' },
    BASE64: { description: 'The bytes are not UTF-8, and this is Base64 of them.' },
  } as const,
});

/** Whether the caller sees the text of a refused record; notes it. */
const seesRecord = (context: Context, { id, requestId }: RejectedRecord): boolean => {
  if (!maySeeSensitive(context)) return false;
  noteSensitiveRead(context, 'RECORD', requestId ?? `rejected:${id}`);
  return true;
};

export const RejectedRecordRef = builder.objectRef<RejectedRecord>('RejectedRecord');

builder.node(RejectedRecordRef, {
  extensions: needs('predictions:read'),
  description:
    'A prediction or outcome that could not be stored, kept with its bytes as received. It can be resubmitted, and is by itself when what it waits for is recorded.',
  id: { resolve: ({ id }) => String(id) },
  loadMany: async (ids: string[], { database }) => {
    const found = await rejectedRecordsById(database, ids);
    return ids.map((id) => found.get(id) ?? null);
  },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'attemptedAt' in value,
  fields: (t) => ({
    kind: t.expose('kind', { type: KindEnum, description: 'What it was meant to be.' }),
    code: t.expose('code', {
      type: RejectionCodeEnum,
      description: 'Why it was refused at the last attempt.',
    }),
    path: t.exposeString('path', {
      nullable: true,
      description:
        'Member at fault, such as `features.distance`; null when it is the record as a whole.',
    }),
    message: t.string({
      nullable: true,
      description:
        'Everything that is wrong with it, and how to correct it, in English; null for a caller who lacks the scope `features:sensitive`, since it quotes values.',
      resolve: (record, _, context) => (seesRecord(context, record) ? record.message : null),
    }),
    raw: t.string({
      nullable: true,
      description:
        'The record as received; see `rawEncoding`. Only the beginning of one that was too long or broke off. Null for a caller who lacks the scope `features:sensitive`.',
      resolve: (record, _, context) =>
        seesRecord(context, record) ? rawText(record.raw).text : null,
    }),
    rawEncoding: t.field({
      type: RawEncodingEnum,
      description: 'How `raw` shows the bytes.',
      resolve: ({ raw }) => rawText(raw).encoding,
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'Its request ID, when that could be read.',
    }),
    waitsFor: t.exposeString('waitsFor', {
      nullable: true,
      description:
        'What releases it once recorded, such as `modelVersion:release:flight-delay@1.0.0`; null when only a correction helps.',
    }),
    attempts: t.exposeInt('attempts', { description: 'How often storing it was tried.' }),
    receivedAt: t.expose('receivedAt', {
      type: 'DateTime',
      description: 'When it arrived for the first time.',
    }),
    attemptedAt: t.expose('attemptedAt', {
      type: 'DateTime',
      description: 'When storing it was last tried.',
    }),
    resolvedAt: t.expose('resolvedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its content got into the log; null while it has not.',
    }),
  }),
});

const RejectedRecordFilterInput = builder.inputType('RejectedRecordFilter', {
  description: 'Which rejected records. All given conditions must hold.',
  fields: (t) => ({
    kind: t.field({ type: KindEnum, description: 'Meant to be one of these.' }),
    codes: t.field({ type: [RejectionCodeEnum], description: 'Refused for one of these reasons.' }),
    requestId: t.string({ description: 'Has exactly this request ID.' }),
    isResolved: t.boolean({ description: 'Has got into the log since, or has not.' }),
  }),
});

const RejectedRecordConnection = connectionType(
  RejectedRecordRef,
  'RejectedRecord',
  'rejected records',
);

builder.queryField('rejectedRecords', (t) =>
  t.field({
    extensions: needs('predictions:read'),
    type: RejectedRecordConnection,
    nullable: true,
    description: 'Records that could not be stored, newest first.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({ type: RejectedRecordFilterInput, description: 'Which of them.' }),
    },
    resolve: (_, { filter, ...args }, { database }) =>
      rejectedRecordPage(database, filter ?? {}, pageRequest(args)),
  }),
);

const SelectionInput = builder.inputType('RejectedRecordSelection', {
  description: 'A way to choose rejected records.',
  isOneOf: true,
  fields: (t) => ({
    ids: t.globalIDList({
      for: RejectedRecordRef,
      description: `Global IDs, at most ${MAX_IDS}.`,
    }),
    filter: t.field({
      type: RejectedRecordFilterInput,
      description: 'All that match; an empty filter matches every one.',
    }),
  }),
});

const ResubmitInput = builder.inputType('ResubmitRejectedRecordsInput', {
  description: 'Rejected records to try again.',
  fields: (t) => ({
    records: t.field({ type: SelectionInput, required: true, description: 'Which ones.' }),
    undeclaredFeatures: t.field({
      type: UndeclaredFeaturesEnum,
      description: 'What to do with undeclared features; what the sender asked for when omitted.',
    }),
  }),
});

const ResubmitPayload = builder
  .objectRef<ResubmissionReport>('ResubmitRejectedRecordsPayload')
  .implement({
    description: 'What became of rejected records that were tried again.',
    fields: (t) => ({
      triedCount: t.exposeInt('tried', {
        description:
          'Records tried. Resolved ones, and those of which only the beginning was kept, are passed over.',
      }),
      resolvedCount: t.exposeInt('resolved', {
        description: 'Records that are in the log now, those kept as conflicts included.',
      }),
      conflictCount: t.exposeInt('conflicts', {
        description: 'Records that contradict a stored prediction, and are kept as its conflicts.',
      }),
      rejectedCount: t.exposeInt('rejected', { description: 'Records refused again.' }),
    }),
  });

type Selection = typeof SelectionInput.$inferInput;

const conditionsOf = ({ ids, filter }: Selection): Resubmission => {
  if (ids == null) return filterConditions({ ...filter }, 3);
  if (ids.length > MAX_IDS) {
    const message = `${ids.length} IDs were given; give at most ${MAX_IDS}, or a filter.`;
    assertNoIssues([{ path: ['input', 'records', 'ids'], message }]);
  }
  const numbers = ids.map(({ id }) => id).filter((id) => /^\d{1,18}$/.test(id));
  return { conditions: ['r.id = ANY($3::text[]::bigint[])'], values: [numbers] };
};

builder.mutationField('resubmitRejectedRecords', (t) =>
  t.field({
    extensions: needs('predictions:write'),
    type: ResubmitPayload,
    nullable: true,
    description:
      'Tries to store rejected records again, oldest first. Those refused again stay, with the new reason.',
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({ type: ResubmitInput, required: true, description: 'Which ones.' }),
    },
    resolve: (_, { input }, { database }) =>
      resubmit(database, {
        ...conditionsOf(input.records),
        undeclaredFeatures: input.undeclaredFeatures ?? undefined,
      }),
  }),
);
