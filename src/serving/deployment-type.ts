import { LineageNodeRef } from '../evidence/lineage-node.ts';
import { builder } from '../platform/builder.ts';
import { branded, referenced } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { formatInstant } from '../platform/instant.ts';
import { needsModel } from '../platform/needs.ts';
import { ModelVersionRef, modelVersionById, releaseOf } from '../registry/model-version.ts';
import { deploymentById, deploymentByPublicId } from './deployment-history.ts';
import { EndpointRef, endpointById, routeOf } from './endpoint.ts';
import {
  beliefAt,
  type DeploymentBelief,
  type DeploymentFact,
  type DeploymentHistory,
} from './timeline.ts';

export const DeploymentRoleEnum = builder.enumType('DeploymentRole', {
  description: "How a deployment's answers are used.",
  values: {
    PRIMARY: { description: 'Answers are returned to callers.' },
    CANARY: { description: 'Answers are returned to a small share of callers.' },
    SHADOW: { description: 'Answers are recorded but not returned.' },
  } as const,
});

export const DeploymentEndReasonEnum = builder.enumType('DeploymentEndReason', {
  description: 'Why a deployment ended.',
  values: {
    SUPERSEDED: { description: 'Another deployment took over.' },
    ROLLED_BACK: { description: 'Rolled back to an earlier version.' },
    REVOKED: { description: 'The model version was revoked.' },
    RETIRED: { description: 'The endpoint was shut down.' },
  } as const,
});

const DeploymentFactRef = builder.objectRef<DeploymentFact>('DeploymentFact').implement({
  description:
    'What was believed of a deployment from `recordedAt` until the next fact. Facts form a hash chain per deployment.',
  fields: (t) => ({
    sequence: t.exposeInt('sequence', {
      description: 'Position in the order of recording, from 1.',
    }),
    trafficShare: t.exposeFloat('trafficShare', {
      description: "Share of the endpoint's requests, from 0 to 1.",
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'Start of the interval, inclusive.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'End of the interval, exclusive; null while active.',
    }),
    endReason: t.field({
      type: DeploymentEndReasonEnum,
      nullable: true,
      description: 'Why it ended; null while active.',
      resolve: ({ endReason }) => endReason,
    }),
    isRetracted: t.exposeBoolean('isRetracted', {
      description: 'Whether the deployment is now believed never to have been.',
    }),
    reason: t.exposeString('reason', { description: 'Why, as the actor stated it.' }),
    actor: t.exposeString('actor', { description: 'Who stated it.' }),
    overrideReason: t.exposeString('overrideReason', {
      nullable: true,
      description: 'Why it was started although a check was against it; null when none was.',
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Hindcast recorded it.',
    }),
    digest: t.expose('digest', {
      type: 'Digest',
      description: 'SHA-256 over this fact and `previousDigest`.',
    }),
    previousDigest: t.expose('previousDigest', {
      type: 'Digest',
      nullable: true,
      description: 'Digest of the preceding fact; null for the first.',
    }),
  }),
});

export const DeploymentRef = builder.objectRef<DeploymentBelief>('Deployment');

/** The newest belief, also of a deployment that was retracted since. */
export const newestBelief = (deployment: DeploymentHistory): DeploymentBelief | null => {
  const fact = deployment.facts.at(-1);
  return fact === undefined
    ? null
    : branded('Deployment', { ...fact, deployment, role: deployment.role });
};

builder.node(DeploymentRef, {
  extensions: {
    ...needsModel(
      async ({ deployment }: DeploymentBelief, { database }) =>
        referenced(await modelVersionById(database).load(deployment.modelVersionId)).model.name,
      'registry:read',
    ),
    ...IMMUTABLE,
  },
  description:
    "An interval in which one model version served a share of an endpoint's traffic, as believed at one record time. Changing the share ends one deployment and starts another, so history is never rewritten.",
  interfaces: [LineageNodeRef],
  id: { resolve: ({ deployment }) => deployment.publicId, description: 'Opaque global ID.' },
  loadOne: async (publicId: string, context) => {
    const [deployment] = await deploymentByPublicId(context).load(publicId);
    return deployment === undefined ? null : newestBelief(deployment);
  },
  fields: (t) => ({
    displayName: t.string({
      description: 'Model version, endpoint and start.',
      resolve: async ({ deployment, startedAt }, _, { database }) => {
        const version = referenced(
          await modelVersionById(database).load(deployment.modelVersionId),
        );
        const endpoint = referenced(await endpointById(database).load(deployment.endpointId));
        return `${releaseOf(version)} on ${routeOf(endpoint)} from ${formatInstant(startedAt)}`;
      },
    }),
    endpoint: t.field({
      type: EndpointRef,
      description: 'The endpoint served.',
      resolve: async ({ deployment }, _, { database }) =>
        referenced(await endpointById(database).load(deployment.endpointId)),
    }),
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The model version serving.',
      resolve: async ({ deployment }, _, { database }) =>
        referenced(await modelVersionById(database).load(deployment.modelVersionId)),
    }),
    role: t.field({
      type: DeploymentRoleEnum,
      description: 'How its answers are used.',
      resolve: ({ role }) => role,
    }),
    trafficShare: t.exposeFloat('trafficShare', {
      description: "Share of the endpoint's requests, from 0 to 1.",
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'Start of the interval, inclusive.',
    }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'End of the interval, exclusive; null while active.',
    }),
    endReason: t.field({
      type: DeploymentEndReasonEnum,
      nullable: true,
      description: 'Why it ended; null while active.',
      resolve: ({ endReason }) => endReason,
    }),
    isRetracted: t.exposeBoolean('isRetracted', {
      description: 'Whether it was retracted: recorded in error, and never in force.',
    }),
    predecessor: t.field({
      type: DeploymentRef,
      nullable: true,
      description: 'The deployment it replaced, if any, as believed now.',
      complexity: 5,
      resolve: async ({ deployment }, _, context) => {
        if (deployment.predecessorId === null) return null;
        const [predecessor] = await deploymentById(context).load(deployment.predecessorId);
        return predecessor === undefined ? null : newestBelief(predecessor);
      },
    }),
    reason: t.string({
      description: 'Why it was started, as the actor stated it.',
      resolve: ({ deployment, reason }) => deployment.facts[0]?.reason ?? reason,
    }),
    actor: t.string({
      description: 'Who started it.',
      resolve: ({ deployment, actor }) => deployment.facts[0]?.actor ?? actor,
    }),
    recordedAt: t.field({
      type: 'DateTime',
      description: 'When Hindcast recorded the start.',
      resolve: ({ deployment }) => deployment.recordedAt,
    }),
    facts: t.field({
      type: [DeploymentFactRef],
      description: 'Everything recorded about it: its start, its end and corrections, in order.',
      resolve: ({ deployment }) => [...deployment.facts],
    }),
    knownAt: t.field({
      type: DeploymentRef,
      nullable: true,
      description:
        'The deployment as it was believed at a record time; null when it was not on record then, or retracted.',
      args: { at: t.arg({ type: 'DateTime', required: true, description: 'Record time.' }) },
      resolve: ({ deployment }, { at }) => beliefAt(deployment, at),
    }),
  }),
});
