import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { formatInstant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { needs } from '../platform/needs.ts';
import { inTransaction, recordingTimeAfter, type Transaction } from '../platform/transaction.ts';
import { FUTURE_TOLERANCE } from '../registry/transition.ts';
import { TrafficShareError } from './deployment-errors.ts';
import {
  appendDeploymentFact,
  deploymentByPublicId,
  deploymentsIn,
  lockEndpoint,
  type StatedFact,
} from './deployment-history.ts';
import { DeploymentEndReasonEnum, DeploymentRef, newestBelief } from './deployment-type.ts';
import { type DeploymentBelief, shareExcess } from './timeline.ts';

const EndDeploymentInput = builder.inputType('EndDeploymentInput', {
  description: 'A deployment to end.',
  fields: (t) => ({
    deployment: t.globalID({
      for: DeploymentRef,
      required: true,
      description: 'Global ID of the deployment.',
    }),
    endReason: t.field({
      type: DeploymentEndReasonEnum,
      required: true,
      description: 'Why it ends.',
    }),
    endedAt: t.field({
      type: 'DateTime',
      description: 'When it ended, to the millisecond; now when omitted. At most 5 minutes ahead.',
    }),
    reason: t.string({
      required: true,
      defaultValue: '',
      description: 'Why, in words; kept in the audit trail. At most 2000 characters.',
    }),
  }),
});

const CorrectDeploymentInput = builder.inputType('CorrectDeploymentInput', {
  description: 'What is now believed of a deployment. What is left out stays as it was believed.',
  fields: (t) => ({
    deployment: t.globalID({
      for: DeploymentRef,
      required: true,
      description: 'Global ID of the deployment.',
    }),
    trafficShare: t.float({ description: "Share of the endpoint's requests, from 0 to 1." }),
    startedAt: t.field({ type: 'DateTime', description: 'When it really started.' }),
    endedAt: t.field({
      type: 'DateTime',
      description: 'When it really ended; explicitly null for one that is still active.',
    }),
    endReason: t.field({ type: DeploymentEndReasonEnum, description: 'Why it really ended.' }),
    isRetracted: t.boolean({
      description: 'True when it was recorded in error and never was; false takes that back.',
    }),
    reason: t.string({
      required: true,
      description: 'Why it is corrected; kept in the audit trail. 1 to 2000 characters.',
    }),
  }),
});

/** Records what is now believed of a deployment as its next fact. */
const restate = async (
  context: Context,
  publicId: string,
  reason: string,
  state: (belief: DeploymentBelief, now: number) => Partial<StatedFact>,
): Promise<DeploymentBelief> => {
  const issues = collectIssues();
  issues.text(['input', 'reason'], reason);
  assertNoIssues(issues.list);
  const [known] = await deploymentByPublicId(context).load(publicId);
  if (known === undefined) {
    throw new NotFoundError('No such deployment is on record; look at the endpoint for its ID.', [
      'input',
      'deployment',
    ]);
  }
  return inTransaction(context.database, async (transaction) => {
    await lockEndpoint(transaction, known.endpointId);
    const histories = await deploymentsIn(transaction, known.endpointId);
    const deployment = histories.find(({ id }) => id === known.id) ?? known;
    const belief = newestBelief(deployment);
    if (belief === null) throw new Error('A deployment has at least one fact.');
    const now = await recordingTimeAfter(transaction, [belief.recordedAt]);
    const { trafficShare, startedAt, endedAt, endReason, isRetracted } = belief;
    const stated = {
      trafficShare,
      startedAt,
      endedAt,
      endReason,
      isRetracted,
      ...state(belief, now),
      reason,
      actor: context.actor.name,
    };
    checkInterval(stated, now);
    return append(transaction, histories, deployment, stated);
  });
};

const checkInterval = (
  { trafficShare, startedAt, endedAt, endReason }: StatedFact,
  now: number,
): void => {
  const issues = collectIssues();
  if (!(trafficShare >= 0 && trafficShare <= 1)) {
    issues.add(
      ['input', 'trafficShare'],
      `trafficShare is ${trafficShare}; give a number from 0 to 1.`,
    );
  }
  if (endedAt !== null && endedAt < startedAt) {
    issues.add(
      ['input', 'endedAt'],
      `endedAt is ${formatInstant(endedAt)}, before the start at ${formatInstant(startedAt)}.`,
    );
  }
  if (Math.max(startedAt, endedAt ?? startedAt) > now + FUTURE_TOLERANCE) {
    issues.add(
      ['input', endedAt === null ? 'startedAt' : 'endedAt'],
      'A deployment is recorded when it has happened; give a time at most 5 minutes ahead.',
    );
  }
  if ((endedAt === null) !== (endReason === null)) {
    issues.add(
      ['input', 'endReason'],
      'A deployment that ended has an endReason, and one that is active has none; give both or neither.',
    );
  }
  assertNoIssues(issues.list);
};

const append = async (
  transaction: Transaction,
  histories: Awaited<ReturnType<typeof deploymentsIn>>,
  deployment: (typeof histories)[number],
  stated: StatedFact,
): Promise<DeploymentBelief> => {
  const restated = await appendDeploymentFact(transaction, deployment, stated);
  const excess = shareExcess(
    histories.map((history) => (history.id === restated.id ? restated : history)),
  );
  if (excess !== null) throw new TrafficShareError(excess);
  const belief = newestBelief(restated);
  if (belief === null) throw new Error('A deployment has at least one fact.');
  return belief;
};

const payload = (name: string, description: string) =>
  builder.objectRef<{ readonly deployment: DeploymentBelief }>(name).implement({
    description,
    fields: (t) => ({
      deployment: t.field({
        type: DeploymentRef,
        description: 'The deployment as believed now.',
        resolve: ({ deployment }) => deployment,
      }),
    }),
  });

builder.mutationFields((t) => ({
  endDeployment: t.field({
    extensions: needs('deployments:write'),
    type: payload('EndDeploymentPayload', 'An ended deployment.'),
    nullable: true,
    description: 'Stops a deployment.',
    errors: { types: [InvalidInputError, NotFoundError, TrafficShareError] },
    args: {
      input: t.arg({ type: EndDeploymentInput, required: true, description: 'Which, and why.' }),
    },
    resolve: async (_, { input }, context) => ({
      deployment: await restate(context, input.deployment.id, input.reason, (belief, now) => {
        if (belief.endedAt !== null) {
          assertNoIssues([
            {
              path: ['input', 'deployment'],
              message: `The deployment ended at ${formatInstant(belief.endedAt)} already; use correctDeployment if that is wrong.`,
            },
          ]);
        }
        return { endedAt: input.endedAt ?? now, endReason: input.endReason };
      }),
    }),
  }),
  correctDeployment: t.field({
    extensions: needs('deployments:write'),
    type: payload('CorrectDeploymentPayload', 'A corrected deployment.'),
    nullable: true,
    description:
      'Records a later fact about a deployment that was recorded wrongly or late. What was believed before stays on record and is answered for an earlier `knownAt`.',
    errors: { types: [InvalidInputError, NotFoundError, TrafficShareError] },
    args: {
      input: t.arg({
        type: CorrectDeploymentInput,
        required: true,
        description: 'Which, and what is now believed.',
      }),
    },
    resolve: async (_, { input }, context) => {
      const { trafficShare, startedAt, endedAt, endReason, isRetracted } = input;
      const deployment = await restate(context, input.deployment.id, input.reason, () => ({
        ...(trafficShare == null ? {} : { trafficShare }),
        ...(startedAt == null ? {} : { startedAt }),
        // An explicit null says that it has not ended.
        ...(endedAt === undefined ? {} : { endedAt }),
        ...(endedAt === null ? { endReason: null } : endReason == null ? {} : { endReason }),
        ...(isRetracted == null ? {} : { isRetracted }),
      }));
      return { deployment };
    },
  }),
}));
