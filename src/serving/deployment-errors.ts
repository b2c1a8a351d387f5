import { builder } from '../platform/builder.ts';
import { UserError, UserErrorInterface } from '../platform/errors.ts';
import { formatInstant } from '../platform/instant.ts';
import type { LifecycleStage } from '../registry/lifecycle.ts';
import { LifecycleStageEnum } from '../registry/lifecycle-type.ts';
import { DeploymentRef } from './deployment-type.ts';
import { type DeploymentRole, type ShareExcess, stagesThatMayServe } from './timeline.ts';

/** The version's stage does not allow serving in the role. */
export class StageNotServableError extends UserError {
  override readonly name = 'StageNotServableError';
  readonly currentStage: LifecycleStage | null;
  readonly role: DeploymentRole;
  constructor(
    release: string,
    currentStage: LifecycleStage | null,
    role: DeploymentRole,
    at: number,
  ) {
    const state = currentStage === null ? 'not registered yet' : `in stage ${currentStage}`;
    super(
      `${release} was ${state} at ${formatInstant(at)}; a ${role} needs ${stagesThatMayServe(role).join(' or ')}. Move the version there first.`,
      ['input', 'modelVersion'],
    );
    this.currentStage = currentStage;
    this.role = role;
  }
}

builder.objectType(StageNotServableError, {
  name: 'StageNotServableError',
  description: "The version's stage does not allow serving in the role. Nothing was written.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    currentStage: t.field({
      type: LifecycleStageEnum,
      nullable: true,
      description:
        'Stage of the version when the deployment starts; null before it was registered.',
      resolve: ({ currentStage }) => currentStage,
    }),
    requiredStages: t.field({
      type: [LifecycleStageEnum],
      description: 'Stages that allow serving in the role.',
      resolve: ({ role }) => [...stagesThatMayServe(role)],
    }),
  }),
});

/** A check is against the deployment. */
export class DeploymentBlockedError extends UserError {
  override readonly name = 'DeploymentBlockedError';
  readonly blockers: readonly string[];
  constructor(release: string, blockers: readonly string[]) {
    super(
      `${release} should not take over: ${blockers.join(' ')} Correct that, or give overrideReason to start it all the same.`,
      ['input', 'modelVersion'],
    );
    this.blockers = blockers;
  }
}

builder.objectType(DeploymentBlockedError, {
  name: 'DeploymentBlockedError',
  description:
    'A rollback check is against the deployment: see `Endpoint.rollbackCheck`. Nothing was written.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    blockers: t.stringList({
      description: 'What is against it, in English.',
      resolve: ({ blockers }) => [...blockers],
    }),
  }),
});

/** Callers would be served more than once. */
export class TrafficShareError extends UserError {
  override readonly name = 'TrafficShareError';
  readonly excess: ShareExcess;
  constructor(excess: ShareExcess) {
    super(
      `At ${formatInstant(excess.at)} PRIMARY and CANARY deployments would share ${Number(excess.total.toFixed(9))} of the traffic, more than the whole. Name the deployments that this one replaces, or give a smaller trafficShare.`,
      ['input', 'trafficShare'],
    );
    this.excess = excess;
  }
}

builder.objectType(TrafficShareError, {
  name: 'TrafficShareError',
  description:
    "PRIMARY and CANARY deployments would share more than the whole of an endpoint's traffic. Nothing was written.",
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    at: t.field({
      type: 'DateTime',
      description: 'First instant at which they would.',
      resolve: ({ excess }) => excess.at,
    }),
    total: t.float({
      description: 'Sum of their shares then.',
      resolve: ({ excess }) => excess.total,
    }),
    deployments: t.field({
      type: [DeploymentRef],
      description: 'Deployments in force then, the proposed one among them.',
      resolve: ({ excess }) => [...excess.deployments],
    }),
  }),
});
