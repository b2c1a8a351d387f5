import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { announceRecorded } from '../platform/events.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { needs } from '../platform/needs.ts';
import {
  inTransaction,
  recordedAtIn,
  recordingTimeAfter,
  type Transaction,
} from '../platform/transaction.ts';
import { stageAt } from '../registry/lifecycle.ts';
import { historyIn } from '../registry/lifecycle-history.ts';
import { findModelVersion, type ModelVersion, releaseOf } from '../registry/model-version.ts';
import { lockVersion } from '../registry/transition.ts';
import {
  DeploymentBlockedError,
  StageNotServableError,
  TrafficShareError,
} from './deployment-errors.ts';
import { blockersOf } from './deployment-guard.ts';
import {
  appendDeploymentFact,
  deploymentsIn,
  insertDeployment,
  lockEndpoint,
} from './deployment-history.ts';
import { DeploymentRef } from './deployment-type.ts';
import { endpointByRoute, routeOf } from './endpoint.ts';
import { checkStart, StartDeploymentInput, type StartSource } from './start-deployment-input.ts';
import {
  beliefAt,
  type DeploymentBelief,
  type DeploymentHistory,
  shareExcess,
  stagesThatMayServe,
} from './timeline.ts';

/** Refuses what a check is against, unless the caller says why it starts all the same. */
const overrideOf = async (
  context: Context,
  { endpoint, startedAt, overrideReason }: StartSource,
  version: ModelVersion,
): Promise<string | null> => {
  const known = await endpointByRoute(context.database).load(routeOf(endpoint));
  if (known === null) return null;
  const blockers = await blockersOf(context, { endpoint: known, version, at: startedAt ?? null });
  if (blockers.length === 0) return null;
  if (overrideReason == null) throw new DeploymentBlockedError(releaseOf(version), blockers);
  return overrideReason;
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
  overrideReason: string | null,
): Promise<DeploymentBelief> => {
  const { role, trafficShare, endReason, reason } = input;
  await lockEndpoint(transaction, endpointId);
  await lockVersion(transaction, version.id);
  const histories = await deploymentsIn(transaction, endpointId);
  const stages = await historyIn(transaction, version.id);
  const recorded = [stages, ...histories.map(({ facts }) => facts)].flat();
  const now = await recordingTimeAfter(
    transaction,
    recorded.map(({ recordedAt }) => recordedAt),
  );
  const at = input.startedAt ?? now;
  const stage = stageAt(stages, at);
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
      overrideReason,
    },
    now,
  );
  const after = [...histories.map((history) => ended.get(history.id) ?? history), started];
  const excess = shareExcess(after);
  if (excess !== null) throw new TrafficShareError(excess);
  const belief = beliefAt(started);
  if (belief === null) throw new Error('A deployment just started is in force.');
  return belief;
};

const startDeployment = async (context: Context, input: StartSource): Promise<DeploymentBelief> => {
  checkStart(input);
  const { database, actor } = context;
  const version = await findModelVersion(database, input.modelVersion);
  if (version === null) {
    throw new NotFoundError('No such model version is on record; register it first.', [
      'input',
      'modelVersion',
    ]);
  }
  const override = await overrideOf(context, input, version);
  const { belief, isNew } = await inTransaction(database, async (transaction) => {
    const endpoint = await recordEndpoint(transaction, input.endpoint);
    const started = await start(transaction, input, version, endpoint.id, actor.name, override);
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
    extensions: needs('deployments:write'),
    type: StartDeploymentPayload,
    nullable: true,
    description:
      'Starts serving a model version on an endpoint. Promoting it and retiring what it replaces is one atomic step.',
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        StageNotServableError,
        TrafficShareError,
        DeploymentBlockedError,
      ],
    },
    args: {
      input: t.arg({ type: StartDeploymentInput, required: true, description: 'The deployment.' }),
    },
    resolve: async (_, { input }, context) => ({
      deployment: await startDeployment(context, input),
    }),
  }),
);
