import { builder } from '../platform/builder.ts';
import type { AppendReport, RecordResult } from './append-report.ts';
import { RejectionCodeEnum } from './rejection-code-type.ts';

const RecordStatusEnum = builder.enumType('RecordStatus', {
  description: 'What became of a record that was not simply stored.',
  values: {
    DUPLICATE: {
      description: 'It was stored already, with the same content. Nothing was changed.',
    },
    CONFLICT: {
      description:
        'Its identity is taken by other content. That stands, and this record is kept as its conflict.',
    },
    REJECTED: {
      description: 'It cannot be stored, and is kept among the rejected records.',
    },
  } as const,
});

const RecordResultRef = builder.objectRef<RecordResult>('RecordResult').implement({
  description: 'What became of one record that was not simply stored.',
  fields: (t) => ({
    index: t.exposeInt('line', { description: 'Position in the input, from 0.' }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'Its request ID; null when that cannot be stored.',
    }),
    status: t.expose('status', { type: RecordStatusEnum, description: 'What became of it.' }),
    code: t.expose('code', {
      type: RejectionCodeEnum,
      nullable: true,
      description: 'Why it was rejected; null when it was not.',
    }),
    path: t.exposeString('path', {
      nullable: true,
      description: 'Member at fault, such as `features.distance`.',
    }),
    value: t.exposeString('value', {
      nullable: true,
      description: 'The value at fault as JSON, cut to 100 characters.',
    }),
    message: t.exposeString('message', {
      description: 'Everything that is wrong with it, and how to correct it, in English.',
    }),
  }),
});

/** Defines the payload of a mutation that appends; `plural` names the records in descriptions. */
export const appendPayload = (name: string, plural: string) =>
  builder.objectRef<AppendReport>(name).implement({
    description: `What became of appended ${plural}. Each one is in exactly one of the four counts.`,
    fields: (t) => ({
      receivedCount: t.exposeInt('received', { description: 'Records in the input.' }),
      storedCount: t.exposeInt('stored', { description: 'Records stored by this call.' }),
      duplicateCount: t.exposeInt('duplicates', {
        description: 'Records that were stored already, with the same content.',
      }),
      conflictCount: t.exposeInt('conflicts', {
        description: 'Records whose identity is taken by other content; kept as conflicts.',
      }),
      rejectedCount: t.exposeInt('rejected', {
        description: 'Records that cannot be stored; kept among the rejected records.',
      }),
      results: t.field({
        type: [RecordResultRef],
        description: 'Each record that was not simply stored, in the order of the input.',
        resolve: ({ results }) => [...results],
      }),
    }),
  });
