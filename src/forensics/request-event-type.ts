import { builder } from '../platform/builder.ts';
import { needs } from '../platform/needs.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import { PredictionConflictRef, PredictionOutcomeRef } from '../prediction/prediction-log-type.ts';
import { RejectedRecordRef } from '../prediction/rejected-record-type.ts';
import type { RequestEvent } from './request-timeline.ts';

const EventKindEnum = builder.enumType('RequestEventKind', {
  description: 'What happened to a request.',
  values: {
    PREDICTION: { description: 'A model answered.' },
    CONFLICT: {
      description: 'A record with the identity of a stored prediction and other content arrived.',
    },
    OUTCOME: { description: 'The truth was observed.' },
    REJECTED: { description: 'A record was refused; it may have been stored since.' },
  } as const,
});

const AnswerKindEnum = builder.enumType('AnswerKind', {
  description: 'What an answer was to its request, beside an answer by a PRIMARY deployment.',
  values: {
    RETRY: { description: 'The same item was answered before on this endpoint, in the same role.' },
    COMPONENT: { description: 'Another endpoint answered, too.' },
    BATCH_ITEM: { description: 'The request held several items.' },
    SHADOW: { description: 'Recorded, but not returned to the caller.' },
    CANARY: { description: 'Given by a version that answers a small share of callers.' },
  } as const,
});

export const RequestEventRef = builder.objectRef<RequestEvent>('RequestEvent').implement({
  extensions: needs('predictions:read'),
  description: 'Something that happened to a request.',
  fields: (t) => ({
    kind: t.field({
      type: EventKindEnum,
      description: 'What happened.',
      resolve: ({ kind }) => kind,
    }),
    at: t.expose('at', {
      type: 'DateTime',
      description:
        'When: a prediction, when the model answered; an outcome, when it was observed; the others, when they arrived.',
    }),
    prediction: t.field({
      type: PredictionLogRef,
      nullable: true,
      description: 'The prediction, or the one that a conflict or outcome belongs to.',
      resolve: ({ prediction }) => prediction,
    }),
    answerKinds: t.field({
      type: [AnswerKindEnum],
      description: 'What a prediction was to the request; empty for a plain answer.',
      resolve: ({ answerKinds }) => [...answerKinds],
    }),
    attempt: t.exposeInt('attempt', {
      nullable: true,
      description:
        'Which answer to the same item on the same endpoint in the same role, from 1; of predictions.',
    }),
    conflict: t.field({
      type: PredictionConflictRef,
      nullable: true,
      description: 'The record that contradicts.',
      resolve: ({ conflict }) => conflict,
    }),
    outcome: t.field({
      type: PredictionOutcomeRef,
      nullable: true,
      description: 'The outcome.',
      resolve: ({ outcome }) => outcome,
    }),
    rejected: t.field({
      type: RejectedRecordRef,
      nullable: true,
      description: 'The refused record.',
      resolve: ({ rejected }) => rejected,
    }),
  }),
});
