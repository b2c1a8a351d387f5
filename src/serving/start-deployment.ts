import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { announceRecorded } from '../platform/events.ts';
import { formatInstant, type Instant, instantOf } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import {
  inTransaction,
  recordedAtIn,
  recordingTime,
  type Transaction,
} from '../platform/transaction.ts';
import { stageAt } from '../registry/lifecycle.ts';
import { historyIn } from '../registry/lifecycle-history.ts';
import {
  findModelVersion,
  type ModelVersion,
  ModelVersionReferenceInput,
  releaseOf,
} from '../registry/model-version.ts';
import { FUTURE_TOLERANCE, lockVersion } from '../registry/transition.ts';
import { StageNotServableError, TrafficShareError } from './deployment-errors.ts';
import {
  appendDeploymentFact,
  deploymentsIn,
  insertDeployment,
  lockEndpoint,
} from './deployment-history.ts';
import { DeploymentEndReasonEnum, DeploymentRef, DeploymentRoleEnum } from './deployment-type.ts';
import { EndpointRouteInput, routeOf } from './endpoint.ts';
import {
  beliefAt,
  type DeploymentBelief,
  type DeploymentHistory,
  shareExcess,
  stagesThatMayServe,
} from './timeline.ts';

const StartDeploymentInput = builder.inputType('StartDeploymentInput', {
  description: 'A deployment to start.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointRouteInput,
      required: true,
      description: 'Endpoint; created when new.',
    }),
    modelVersion: t.field({
      type: ModelVersionReferenceInput,
      required: true,
      description: 'Version to serve.',
    }),
    role: t.field({
      type: DeploymentRoleEnum,
      required: true,
      defaultValue: 'PRIMARY',
      description:
        'How its answers are used. PRIMARY needs the stage PRODUCTION; CANARY and SHADOW need STAGING or PRODUCTION.',
    }),
    trafficShare: t.float({
      required: true,
      defaultValue: 1,
      description:
        "Share of the endpoint's requests, from 0 to 1. Those of PRIMARY and CANARY never exceed 1 together.",
    }),
    startedAt: t.field({
      type: 'DateTime',
      description:
        'When it started, to the millisecond, if it is recorded late; now when omitted. At most 5 minutes ahead.',
    }),
    replaces: t.globalIDList({
      for: DeploymentRef,
      description: 'Deployments of this endpoint that it takes over from: they end when it starts.',
    }),
    endReason: t.field({
      type: DeploymentEndReasonEnum,
      required: true,
      defaultValue: 'SUPERSEDED',
      description: 'Why the replaced deployments end.',
    }),
    reason: t.string({
      required: true,
      defaultValue: '',
      description: 'Why; kept in the audit trail. At most 2000 characters.',
    }),
  }),
});

type StartSource = typeof StartDeploymentInput.$inferInput;

const check = ({ endpoint, trafficShare, startedAt, reason }: StartSource): void => {
  const issues = collectIssues();
  issues.name(['input', 'endpoint', 'name'], endpoint.name);
  issues.name(['input', 'endpoint', 'environment'], endpoint.environment);
  if (endpoint.environment.includes('/')) {
    issues.add(
      ['input', 'endpoint', 'environment'],
      `environment is ${JSON.stringify(endpoint.environment)}; it may not hold a slash.`,
    );
  }
  if (!(trafficShare >= 0 && trafficShare <= 1)) {
    issues.add(
      ['input', 'trafficShare'],
      `trafficShare is ${trafficShare}; give a number from 0 to 1.`,
    );
  }
  if (startedAt != null && startedAt > Date.now() * 1000 + FUTURE_TOLERANCE) {
    issues.add(
      ['input', 'startedAt'],
      `startedAt is ${formatInstant(startedAt)}, more than 5 minutes ahead; record a deployment when it has started.`,
    );
  }
  issues.text(['input', 'reason'], reason);
  assertNoIssues(issues.list);
};

const recordEndpoint = async (
  transaction: Transaction,
  { name, environment }: StartSource['endpoint'],
): Promise<{ readonly id: number; readonly isNew: boolean }> => {
  const { count } = await transaction.endpoint.createMany({
    data: [{ name, environment, recordedAt: await recordedAtIn(transaction) }],
    skipDuplicates: true,
  });
  const { id } = await transaction.endpoint.findUniqueOrThrow({
    where: { environment_name: { environment, name } },
  });
  return { id, isNew: count === 1 };
};

/** The deployments to be replaced; each must be of this endpoint and in force when the new one starts. */
const replacedBy = (
  histories: readonly DeploymentHistory[],
  { replaces }: StartSource,
  at: Instant,
): readonly DeploymentBelief[] => {
  const issues = collectIssues();
  const beliefs = (replaces ?? []).flatMap(({ id }, index) => {
    const path = ['input', 'replaces', index];
    const history = histories.find(({ publicId }) => publicId === id);
    const belief = history === undefined ? null : beliefAt(history);
    if (belief === null) {
      issues.add(path, 'The endpoint has no such deployment; look at its active deployments.');
    } else if (belief.startedAt > at || (belief.endedAt !== null && belief.endedAt <= at)) {
      issues.add(
        path,
        `That deployment was not in force at ${formatInstant(at)}: it served from ${formatInstant(belief.startedAt)} to ${belief.endedAt === null ? 'now' : formatInstant(belief.endedAt)}.`,
      );
    } else {
      return [belief];
    }
    return [];
  });
  assertNoIssues(issues.list);
  return beliefs;
};

/** Ends the replaced deployments and starts the new one, all or nothing. */
const start = async (
  transaction: Transaction,
  input: StartSource,
  version: ModelVersion,
  endpointId: number,
  actor: string,
): Promise<DeploymentBelief> => {
  const { role, trafficShare, endReason, reason } = input;
  await lockEndpoint(transaction, endpointId);
  await lockVersion(transaction, version.id);
  const histories = await deploymentsIn(transaction, endpointId);
  const at = input.startedAt ?? instantOf(await recordingTime(transaction));
  const stage = stageAt(await historyIn(transaction, version.id), at);
  if (stage === null || !stagesThatMayServe(role).includes(stage)) {
    throw new StageNotServableError(releaseOf(version), stage, role, at);
  }
  const replaced = replacedBy(histories, input, at);
  const ended = new Map<number, DeploymentHistory>();
  for (const { deployment, trafficShare: share, startedAt, isRetracted } of replaced) {
    const fact = {
      trafficShare: share,
      startedAt,
      isRetracted,
      endedAt: at,
      endReason,
      reason,
      actor,
    };
    ended.set(deployment.id, await appendDeploymentFact(transaction, deployment, fact));
  }
  const started = await insertDeployment(
    transaction,
    {
      endpointId,
      modelVersionId: version.id,
      role,
      predecessorId: replaced[0]?.deployment.id ?? null,
    },
    {
      trafficShare,
      startedAt: at,
      endedAt: null,
      endReason: null,
      isRetracted: false,
      reason,
      actor,
    },
  );
  const after = [...histories.map((history) => ended.get(history.id) ?? history), started];
  const excess = shareExcess(after);
  if (excess !== null) throw new TrafficShareError(excess);
  const belief = beliefAt(started);
  if (belief === null) throw new Error('A deployment just started is in force.');
  return belief;
};

const startDeployment = async (context: Context, input: StartSource): Promise<DeploymentBelief> => {
  check(input);
  const { database, actor } = context;
  const version = await findModelVersion(database, input.modelVersion);
  if (version === null) {
    throw new NotFoundError('No such model version is on record; register it first.', [
      'input',
      'modelVersion',
    ]);
  }
  const { belief, isNew } = await inTransaction(database, async (transaction) => {
    const endpoint = await recordEndpoint(transaction, input.endpoint);
    const started = await start(transaction, input, version, endpoint.id, actor.name);
    return { belief: started, isNew: endpoint.isNew };
  });
  if (isNew) await announceRecorded(database, [`endpoint:route:${routeOf(input.endpoint)}`]);
  return belief;
};

const StartDeploymentPayload = builder
  .objectRef<{ readonly deployment: DeploymentBelief }>('StartDeploymentPayload')
  .implement({
    description: 'A started deployment.',
    fields: (t) => ({
      deployment: t.field({
        type: DeploymentRef,
        description: 'The deployment.',
        resolve: ({ deployment }) => deployment,
      }),
    }),
  });

builder.mutationField('startDeployment', (t) =>
  t.field({
    type: StartDeploymentPayload,
    nullable: true,
    description:
      'Starts serving a model version on an endpoint. Promoting it and retiring what it replaces is one atomic step.',
    errors: {
      types: [InvalidInputError, NotFoundError, StageNotServableError, TrafficShareError],
    },
    args: {
      input: t.arg({ type: StartDeploymentInput, required: true, description: 'The deployment.' }),
    },
    resolve: async (_, { input }, context) => ({
      deployment: await startDeployment(context, input),
    }),
  }),
);
