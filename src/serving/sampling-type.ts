import { builder } from '../platform/builder.ts';
import { connectionType, pageArguments, pageCost } from '../platform/pagination.ts';
import { EndpointRef } from './endpoint.ts';
import { isKept } from './keyed-sampling.ts';
import type { SamplingFact } from './sampling.ts';
import { samplingAt, samplingPage } from './sampling-history.ts';

export const SamplingRuleEnum = builder.enumType('SamplingRule', {
  description: 'How a service chooses the predictions that it logs.',
  values: {
    ALL: { description: 'It logs every prediction.' },
    RANDOM: { description: 'Each is kept by chance, independently of all others.' },
    KEYED: {
      description:
        'What is kept follows from a key: all predictions with that key or none. Kept is a key of which the first 53 bits of the SHA-256 of its UTF-8, as a fraction from 0 to 1, are less than the rate; so what one rate keeps, every higher rate keeps too. A prediction without the key is always kept, at rate 1.',
    },
  } as const,
});

export const SamplingKeyEnum = builder.enumType('SamplingKey', {
  description: 'What keyed sampling looks at.',
  values: {
    ENTITY_KEY: { description: '`entityKey`: the history of an entity is complete or absent.' },
    REQUEST_ID: { description: '`requestId`: a batch is complete or absent.' },
    TRACE_ID: { description: '`traceId`: all that answered in a trace, or nothing of it.' },
  } as const,
});

export const SamplingFactRef = builder.objectRef<SamplingFact>('SamplingFact').implement({
  description:
    'What was declared of the part of its predictions that an endpoint logs. It holds from `validFrom` until the `validFrom` of another fact; of several with the same, the one recorded last holds.',
  fields: (t) => ({
    sequence: t.exposeInt('sequence', {
      description: 'Position in the order of recording, from 1.',
    }),
    rule: t.field({
      type: SamplingRuleEnum,
      description: 'How the predictions are chosen.',
      resolve: ({ rule }) => rule,
    }),
    key: t.field({
      type: SamplingKeyEnum,
      nullable: true,
      description: 'What a KEYED rule looks at; null for other rules.',
      resolve: ({ key }) => key,
    }),
    rate: t.exposeFloat('rate', {
      description: 'Share of predictions that are logged, more than 0 and at most 1.',
    }),
    validFrom: t.expose('validFrom', { type: 'DateTime', description: 'Since when it holds.' }),
    reason: t.exposeString('reason', { description: 'Why, as the actor stated it.' }),
    actor: t.exposeString('actor', { description: 'Who stated it.' }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Hindcast recorded it.',
    }),
    keeps: t.boolean({
      nullable: true,
      description: 'Whether a KEYED rule keeps a key; true for ALL, and null for RANDOM.',
      args: { key: t.arg.string({ required: true, description: 'The key, as records have it.' }) },
      resolve: ({ rule, rate }, { key }) =>
        rule === 'RANDOM' ? null : rule === 'ALL' || isKept(key, rate),
    }),
  }),
});

const SamplingFactConnection = connectionType(SamplingFactRef, 'SamplingFact', 'sampling facts');

builder.objectFields(EndpointRef, (t) => ({
  sampling: t.field({
    type: SamplingFactRef,
    nullable: true,
    description:
      'Which part of its predictions the endpoint logged at an instant, as it was known at another; null when nothing had been declared.',
    complexity: 5,
    args: {
      at: t.arg({ type: 'DateTime', description: 'When; now when omitted.' }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'Use only what had been recorded by then; now when omitted.',
      }),
    },
    resolve: ({ id }, { at, knownAt }, context) =>
      samplingAt(context).load({
        endpointId: id,
        at: at ?? Date.now() * 1000,
        knownAt: knownAt ?? null,
      }),
  }),
  samplingHistory: t.field({
    type: SamplingFactConnection,
    description:
      'Everything that was declared of its sampling, the one recorded last first, corrected ones included.',
    complexity: pageCost,
    args: pageArguments,
    resolve: ({ id }, args, context) => samplingPage(context, id, args),
  }),
}));
