import { builder } from '../platform/builder.ts';
import { InvalidInputError, NotFoundError } from '../platform/errors.ts';
import {
  connectionType,
  numericKey,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { EndpointRef, EndpointRouteInput, endpointById } from '../serving/endpoint.ts';
import { holdById, holdPage, type LegalHold, modelNameOf } from './legal-hold.ts';
import { placeHold, releaseHold } from './place-hold.ts';
import { MAX_REASON } from './retention-policy-type.ts';

const LegalHoldRef = builder.objectRef<LegalHold>('LegalHold').implement({
  description:
    'That some predictions must stay in the log, whatever their retention: those that fit everything it is on. It wins over every policy until it is released. What was archived before stays archived, and traceable.',
  fields: (t) => ({
    number: t.exposeInt('id', { description: 'Number by which it is released.' }),
    model: t.string({
      nullable: true,
      description: 'The model that it is on; null for any.',
      resolve: ({ modelId }, _, { database }) =>
        modelId === null ? null : modelNameOf(database, modelId),
    }),
    endpoint: t.field({
      type: EndpointRef,
      nullable: true,
      description: 'The endpoint that it is on; null for any.',
      resolve: ({ endpointId }, _, { database }) =>
        endpointId === null ? null : endpointById(database).load(endpointId),
    }),
    isOnEntity: t.exposeBoolean('isOnEntity', { description: 'Whether it is on one entity.' }),
    entityKey: t.string({
      nullable: true,
      description:
        'The entity that it is on; null for any, for callers without the scope `features:sensitive`, and once it was released: its key is then forgotten.',
      resolve: ({ entityKey }, _, { actor }) =>
        actor.scopes.has('features:sensitive') ? entityKey : null,
    }),
    from: t.expose('coversFrom', {
      type: 'DateTime',
      nullable: true,
      description: 'Predictions from then on; null for any time.',
    }),
    to: t.expose('coversTo', {
      type: 'DateTime',
      nullable: true,
      description: 'Predictions before then; null for any time.',
    }),
    reason: t.exposeString('reason', { description: 'Why it was placed.' }),
    actor: t.exposeString('actor', { description: 'Who placed it.' }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When.' }),
    releasedAt: t.expose('releasedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was released; null while it lasts.',
    }),
    releasedBy: t.exposeString('releasedBy', { nullable: true, description: 'Who released it.' }),
    releaseReason: t.exposeString('releaseReason', {
      nullable: true,
      description: 'Why it was released.',
    }),
  }),
});

const LegalHoldConnection = connectionType(LegalHoldRef, 'LegalHold', 'legal holds');

builder.queryField('legalHolds', (t) =>
  t.field({
    type: LegalHoldConnection,
    nullable: true,
    description: 'Every legal hold that was ever placed, the newest first.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      areReleased: t.arg.boolean({
        description: 'Only those that were released, or only those that were not.',
      }),
    },
    resolve: async (_, { areReleased, ...args }, { database }) => {
      const request = pageRequest(args);
      const [from = null] = numericKey(request, ['integer']) ?? [];
      const holds = await holdPage(database, request, from, areReleased ?? null);
      return pageOf(request, holds, ({ id }) => [String(id)]);
    },
  }),
);

const LegalHoldPayload = builder
  .objectRef<{ readonly holdId: number }>('LegalHoldPayload')
  .implement({
    description: 'A hold that was placed or released.',
    fields: (t) => ({
      hold: t.field({
        type: LegalHoldRef,
        description: 'The hold.',
        resolve: ({ holdId }, _, { database }) => holdById(database, holdId),
      }),
    }),
  });

export const PlaceLegalHoldInput = builder.inputType('PlaceLegalHoldInput', {
  description: 'What must stay in the log. Give at least one thing that it is on.',
  fields: (t) => ({
    model: t.string({ description: 'Name of a model.' }),
    endpoint: t.field({ type: EndpointRouteInput, description: 'An endpoint.' }),
    entityKey: t.string({
      description: 'Key of an entity, exactly as it was logged. Forgotten when it is released.',
    }),
    during: t.field({ type: TimeWindowInput, description: 'When the predictions were made.' }),
    reason: t.string({
      required: true,
      description: `Why, such as the number of a case: 1 to ${MAX_REASON} characters. Kept for ever, so it must not name the entity.`,
    }),
  }),
});

const ReleaseLegalHoldInput = builder.inputType('ReleaseLegalHoldInput', {
  description: 'A hold that is to end.',
  fields: (t) => ({
    number: t.int({ required: true, description: 'Number of the hold.' }),
    reason: t.string({
      required: true,
      description: `Why, in words: 1 to ${MAX_REASON} characters.`,
    }),
  }),
});

builder.mutationFields((t) => ({
  placeLegalHold: t.field({
    type: LegalHoldPayload,
    nullable: true,
    description:
      'Keeps predictions in the log whatever their retention, and from being erased, until it is released. Recorded for ever.',
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({ type: PlaceLegalHoldInput, required: true, description: 'The hold.' }),
    },
    resolve: async (_, { input }, context) => ({ holdId: await placeHold(context, input) }),
  }),
  releaseLegalHold: t.field({
    type: LegalHoldPayload,
    nullable: true,
    description: 'Ends a hold, for good: a new one must be placed to hold again.',
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: ReleaseLegalHoldInput, required: true, description: 'Which hold.' }),
    },
    resolve: async (_, { input }, context) => {
      await releaseHold(context, input);
      return { holdId: input.number };
    },
  }),
}));
