import { builder } from '../platform/builder.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { collectIssues } from '../platform/issues.ts';
import {
  connectionType,
  numericKey,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import { ArchiveUnavailableError } from '../retention/archive-unavailable-error.ts';
import { LegalHoldError } from '../retention/legal-hold-error.ts';
import { eraseEntity } from './erase-entity.ts';
import { type Erasure, erasureById, erasurePage } from './erasure.ts';
import { RowProofRef } from './ledger-proof-type.ts';
import { proveRows } from './row-proof.ts';

const ErasureRef = builder.objectRef<Erasure>('Erasure').implement({
  description:
    'That what was recorded of one entity was erased. The entity is not named: that would keep what had to go. The leaves of the erased records remain in the ledger, and nobody can guess their content without the salts that went with it.',
  fields: (t) => ({
    legalBasis: t.exposeString('legalBasis', {
      description: 'Why it had to be erased, such as `GDPR Art. 17(1)(b)`.',
    }),
    reason: t.exposeString('reason', { description: 'What was asked, in words.' }),
    actor: t.exposeString('actor', { description: 'Who erased.' }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When.' }),
    predictionCount: t.exposeInt('predictions', {
      description:
        'Predictions whose entity, values, score, label and output were erased. They stay in the log, in counts and on timelines.',
    }),
    outcomeCount: t.exposeInt('outcomes', { description: 'Outcomes deleted.' }),
    conflictCount: t.exposeInt('conflicts', { description: 'Conflicting records deleted.' }),
    rejectedRecordCount: t.exposeInt('rejectedRecords', {
      description: 'Rejected records deleted.',
    }),
    proof: t.field({
      type: RowProofRef,
      nullable: true,
      description: 'Proof that the erasure was recorded.',
      complexity: 10,
      resolve: async ({ id }, _, { database }) =>
        (await proveRows(database, 'erasure', [[id]]))[0] ?? null,
    }),
  }),
});

const ErasureConnection = connectionType(ErasureRef, 'Erasure', 'erasures');

builder.queryField('erasures', (t) =>
  t.field({
    type: ErasureConnection,
    nullable: true,
    description: 'Everything that was erased, the newest first.',
    complexity: pageCost,
    args: pageArguments,
    resolve: async (_, args, { database }) => {
      const request = pageRequest(args);
      const [from = null] = numericKey(request, ['integer']) ?? [];
      return pageOf(request, await erasurePage(database, request, from), ({ id }) => [String(id)]);
    },
  }),
);

builder.objectField(PredictionLogRef, 'erasure', (t) =>
  t.field({
    type: ErasureRef,
    nullable: true,
    description: 'The erasure of its content; null when it was not erased.',
    complexity: 5,
    resolve: ({ observations: { erasure } }, _, { database }) =>
      erasure === null ? null : erasureById(database, erasure.id),
  }),
);

const MAX_KEY = 1024;
const MAX_BASIS = 500;
const MAX_REASON = 2000;

const EraseEntityInput = builder.inputType('EraseEntityInput', {
  description: 'An entity whose records are to be erased.',
  fields: (t) => ({
    entityKey: t.string({
      required: true,
      description: 'Key of the entity exactly as it was logged: 1 to 1024 bytes.',
    }),
    legalBasis: t.string({
      required: true,
      description: `Why it has to be erased, such as \`GDPR Art. 17(1)(b)\`: 1 to ${MAX_BASIS} characters. Kept for ever.`,
    }),
    reason: t.string({
      required: true,
      description: `What was asked, such as the number of the request: 1 to ${MAX_REASON} characters. Kept for ever, so it must not name the entity.`,
    }),
  }),
});

/** Refuses what is empty, too long or cannot be stored. */
const checkInput = (input: typeof EraseEntityInput.$inferInput): void => {
  const issues = collectIssues();
  const limits = { entityKey: MAX_KEY, legalBasis: MAX_BASIS, reason: MAX_REASON } as const;
  for (const name of ['entityKey', 'legalBasis', 'reason'] as const) {
    const path = ['input', name];
    if (input[name].trim() === '')
      issues.add(path, `${name} is empty; give 1 to ${limits[name]} characters.`);
    else issues.text(path, input[name], limits[name]);
  }
  assertNoIssues(issues.list);
};

const EraseEntityPayload = builder
  .objectRef<{ readonly erasure: Erasure }>('EraseEntityPayload')
  .implement({
    description: 'A completed erasure.',
    fields: (t) => ({
      erasure: t.field({
        type: ErasureRef,
        description: 'The erasure.',
        resolve: ({ erasure }) => erasure,
      }),
    }),
  });

builder.mutationField('eraseEntity', (t) =>
  t.field({
    type: EraseEntityPayload,
    nullable: true,
    description:
      'Erases what is recorded of an entity, for good: key, feature values, score, label, output, outcomes, conflicting and rejected copies. The erasure is itself recorded and proven; traces then say ERASED, and records sent again are not stored. Archives that hold something of it are written anew. Refused while a legal hold is on any of it. Backups and checkpoints kept elsewhere are not reached.',
    errors: {
      types: [InvalidInputError, NotFoundError, LegalHoldError, ArchiveUnavailableError],
    },
    args: {
      input: t.arg({ type: EraseEntityInput, required: true, description: 'The entity.' }),
    },
    resolve: async (_, { input }, context) => {
      checkInput(input);
      return { erasure: await eraseEntity(context, input) };
    },
  }),
);
