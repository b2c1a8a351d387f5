import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import {
  assertNoIssues,
  InvalidInputError,
  NotFoundError,
  UserError,
  UserErrorInterface,
} from '../platform/errors.ts';
import { formatInstant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { needs } from '../platform/needs.ts';
import { inTransaction, recordingTimeAfter, type Transaction } from '../platform/transaction.ts';
import { checkTransition, type LifecycleStage, stageAt, TRANSITIONS } from './lifecycle.ts';
import { appendFact, historyIn } from './lifecycle-history.ts';
import {
  LifecycleStageEnum,
  type LifecycleTransition,
  LifecycleTransitionRef,
} from './lifecycle-type.ts';
import {
  findModelVersion,
  type ModelVersion,
  ModelVersionReferenceInput,
} from './model-version.ts';

/** How far in the future a fact may take effect, in microseconds: clocks differ by minutes, plans are not facts. */
export const FUTURE_TOLERANCE = 300_000_000;

/** The version's stage does not allow the change. */
export class TransitionNotAllowedError extends UserError {
  override readonly name = 'TransitionNotAllowedError';
  readonly currentStage: LifecycleStage;
  constructor(message: string, currentStage: LifecycleStage) {
    super(message, ['input', 'to']);
    this.currentStage = currentStage;
  }
}

builder.objectType(TransitionNotAllowedError, {
  name: 'TransitionNotAllowedError',
  description: "The model version's stage does not allow the change. Nothing was written.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    currentStage: t.field({
      type: LifecycleStageEnum,
      description: 'Stage the version is in at that instant.',
      resolve: ({ currentStage }) => currentStage,
    }),
    allowedTransitions: t.field({
      type: [LifecycleStageEnum],
      description: 'Stages it may move to from there.',
      resolve: ({ currentStage }) => [...TRANSITIONS[currentStage]],
    }),
  }),
});

const TransitionModelVersionInput = builder.inputType('TransitionModelVersionInput', {
  description: 'A lifecycle change to make.',
  fields: (t) => ({
    modelVersion: t.field({
      type: ModelVersionReferenceInput,
      required: true,
      description: 'Version to move.',
    }),
    to: t.field({ type: LifecycleStageEnum, required: true, description: 'Stage to move to.' }),
    reason: t.string({
      required: true,
      description: 'Why; kept in the audit trail. 1 to 2000 characters.',
    }),
    expectedFrom: t.field({
      type: LifecycleStageEnum,
      description: 'Stage the caller believes the version is in; the change fails when it is not.',
    }),
    occurredAt: t.field({
      type: 'DateTime',
      description:
        'When the change took effect, to the millisecond, if it is recorded late; now when omitted. At most 5 minutes ahead.',
    }),
    corrects: t.int({
      description:
        'Sequence of an earlier transition that was recorded wrongly; this one takes its place from now on.',
    }),
  }),
});

type TransitionSource = typeof TransitionModelVersionInput.$inferInput;

/** Serialises the changes of one version, so that its chain stays linear. */
export const lockVersion = async (
  transaction: Transaction,
  modelVersionId: number,
): Promise<void> => {
  await transaction.$queryRaw`SELECT id FROM model_version WHERE id = ${modelVersionId} FOR UPDATE`;
};

const transitionModelVersion = async (
  { database, actor }: Context,
  input: TransitionSource,
): Promise<LifecycleTransition> => {
  const issues = collectIssues();
  issues.text(['input', 'reason'], input.reason);
  if (input.reason.trim() === '') issues.add(['input', 'reason'], 'reason is empty; say why.');
  assertNoIssues(issues.list);
  const modelVersion = await findModelVersion(database, input.modelVersion);
  if (modelVersion === null) {
    throw new NotFoundError('No such model version is on record; register it first.', [
      'input',
      'modelVersion',
    ]);
  }
  const fact = await inTransaction(database, (transaction) =>
    appendTransition(transaction, modelVersion, input, actor.name),
  );
  return { ...fact, modelVersion };
};

const appendTransition = async (
  transaction: Transaction,
  modelVersion: ModelVersion,
  { to, reason, expectedFrom, occurredAt, corrects }: TransitionSource,
  actor: string,
) => {
  await lockVersion(transaction, modelVersion.id);
  const history = await historyIn(transaction, modelVersion.id);
  const now = await recordingTimeAfter(
    transaction,
    history.map(({ recordedAt }) => recordedAt),
  );
  const issues = collectIssues();
  if (occurredAt != null && occurredAt > now + FUTURE_TOLERANCE) {
    issues.add(
      ['input', 'occurredAt'],
      `occurredAt is ${formatInstant(occurredAt)}, more than 5 minutes ahead; record a change when it has happened.`,
    );
  }
  if (corrects != null && !history.some(({ sequence }) => sequence === corrects)) {
    issues.add(
      ['input', 'corrects'],
      `The version has no transition ${corrects}; its history goes from 1 to ${history.length}.`,
    );
  }
  if (corrects != null && history.some(({ correctsSequence }) => correctsSequence === corrects)) {
    issues.add(
      ['input', 'corrects'],
      `Transition ${corrects} was corrected before; correct the later one.`,
    );
  }
  assertNoIssues(issues.list);
  const at = occurredAt ?? now;
  const stage = stageAt(history, at);
  if (expectedFrom != null && stage !== expectedFrom) {
    throw new TransitionNotAllowedError(
      `The version is in ${stage ?? 'no stage yet'}, not in the expected ${expectedFrom}. Look at its history, and decide again.`,
      stage ?? 'REGISTERED',
    );
  }
  const correctsSequence = corrects ?? null;
  const from = checkTransition(history, { to, occurredAt: at, correctsSequence });
  if (from !== null && typeof from === 'object') {
    throw new TransitionNotAllowedError(from.message, from.currentStage);
  }
  return appendFact(transaction, modelVersion, history, {
    from,
    to,
    reason,
    actor,
    occurredAt: at,
    correctsSequence,
  });
};

const TransitionModelVersionPayload = builder
  .objectRef<{ readonly transition: LifecycleTransition }>('TransitionModelVersionPayload')
  .implement({
    description: 'A recorded lifecycle change.',
    fields: (t) => ({
      transition: t.field({
        type: LifecycleTransitionRef,
        description: 'The transition.',
        resolve: ({ transition }) => transition,
      }),
    }),
  });

builder.mutationField('transitionModelVersion', (t) =>
  t.field({
    extensions: needs('registry:write'),
    type: TransitionModelVersionPayload,
    nullable: true,
    description:
      'Moves a model version to another lifecycle stage, perhaps late, perhaps in the place of a transition that was recorded wrongly.',
    errors: { types: [InvalidInputError, NotFoundError, TransitionNotAllowedError] },
    args: {
      input: t.arg({
        type: TransitionModelVersionInput,
        required: true,
        description: 'The change.',
      }),
    },
    resolve: async (_, { input }, context) => ({
      transition: await transitionModelVersion(context, input),
    }),
  }),
);
