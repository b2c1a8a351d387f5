import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import type { Instant } from '../platform/instant.ts';
import { needs, needsWithinModels } from '../platform/needs.ts';
import {
  connectionType,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageOfList,
  pageRequest,
} from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { ModelVersionRef } from '../registry/model-version.ts';
import { deploymentsOf, deploymentsOfVersion } from './deployment-history.ts';
import { DeploymentRef, DeploymentRoleEnum } from './deployment-type.ts';
import {
  type Endpoint,
  EndpointRef,
  EndpointReferenceInput,
  endpointByRoute,
  findEndpoint,
  routeOf,
} from './endpoint.ts';
import {
  beliefAt,
  type DeploymentBelief,
  type DeploymentHistory,
  deploymentsAt,
  presentOf,
} from './timeline.ts';

const knownAtArgument = {
  type: 'DateTime',
  description: 'Use only what had been recorded by then; now when omitted.',
} as const;

const DeploymentFilter = builder.inputType('DeploymentFilter', {
  description: 'Which deployments to return. All given conditions must hold.',
  fields: (t) => ({
    roles: t.field({ type: [DeploymentRoleEnum], description: 'Role is one of these.' }),
    activeDuring: t.field({
      type: TimeWindowInput,
      description: 'Serving at some moment of this window.',
    }),
    isActive: t.boolean({ description: 'Serving now, or no longer.' }),
  }),
});

type Filter = typeof DeploymentFilter.$inferInput;

const matches = (
  { role, startedAt, endedAt }: DeploymentBelief,
  { roles, activeDuring, isActive }: Filter,
  now: Instant,
): boolean => {
  const serves = startedAt <= now && (endedAt === null || endedAt > now);
  return (
    (roles == null || roles.includes(role)) &&
    (activeDuring?.to == null || startedAt < activeDuring.to) &&
    (activeDuring?.from == null || endedAt === null || endedAt > activeDuring.from) &&
    (isActive == null || serves === isActive)
  );
};

/** A page of deployments that are in order. */
export const deploymentPageOf = (beliefs: readonly DeploymentBelief[], args: PageArguments) =>
  pageOfList(args, beliefs, ({ deployment }) => [deployment.publicId]);

/** A page of the deployments believed in now, newest start first. */
const deploymentPage = (
  histories: readonly DeploymentHistory[],
  filter: Filter | null | undefined,
  args: PageArguments,
) => {
  const now = presentOf(histories);
  const beliefs = histories
    .map((history) => beliefAt(history))
    .filter((belief) => belief !== null)
    .filter((belief) => matches(belief, filter ?? {}, now))
    .sort((a, b) => b.startedAt - a.startedAt || b.deployment.id - a.deployment.id);
  return deploymentPageOf(beliefs, args);
};

export const DeploymentConnection = connectionType(DeploymentRef, 'Deployment', 'deployments');

const filterArgument = { type: DeploymentFilter, description: 'Which deployments.' } as const;

builder.node(EndpointRef, {
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description:
    'A logical serving route, such as `flight-delay` in `production`. Clients call the endpoint; deployments decide which model version answers.',
  id: { resolve: routeOf, description: 'Opaque global ID.' },
  loadOne: (route: string, { database }) => endpointByRoute(database).load(route),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name, unique within the environment.' }),
    environment: t.exposeString('environment', {
      description: 'Deployment environment, such as `production`.',
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Hindcast first recorded the endpoint.',
    }),
    activeDeployments: t.field({
      type: [DeploymentRef],
      description: 'Deployments that serve traffic now.',
      complexity: 5,
      resolve: async ({ id }, _, context) => {
        const histories = await deploymentsOf(context).load(id);
        return [...deploymentsAt(histories, presentOf(histories))];
      },
    }),
    deploymentsAt: t.field({
      type: [DeploymentRef],
      description: 'Deployments that served traffic at an instant, as it was known at another.',
      complexity: 5,
      args: {
        at: t.arg({ type: 'DateTime', required: true, description: 'When.' }),
        knownAt: t.arg(knownAtArgument),
      },
      resolve: async ({ id }, { at, knownAt }, context) => [
        ...deploymentsAt(await deploymentsOf(context).load(id), at, knownAt ?? undefined),
      ],
    }),
    deployments: t.field({
      type: DeploymentConnection,
      description: 'Deployment history as believed now, newest start first.',
      complexity: pageCost,
      args: { ...pageArguments, filter: t.arg(filterArgument) },
      resolve: async ({ id }, { filter, ...args }, context) =>
        deploymentPage(await deploymentsOf(context).load(id), filter, args),
    }),
  }),
});

builder.objectField(ModelVersionRef, 'deployments', (t) =>
  t.field({
    extensions: needsWithinModels('registry:read'),
    type: DeploymentConnection,
    description: 'Deployments of this version as believed now, newest start first.',
    complexity: pageCost,
    args: { ...pageArguments, filter: t.arg(filterArgument) },
    resolve: async ({ id }, { filter, ...args }, context) =>
      deploymentPage(await deploymentsOfVersion(context).load(id), filter, args),
  }),
);

const EndpointConnection = connectionType(EndpointRef, 'Endpoint', 'endpoints');

const endpointsPage = async (
  { database }: Context,
  environment: string | null | undefined,
  args: PageArguments,
) => {
  const request = pageRequest(args);
  const [fromEnvironment = '', fromName = ''] = request.from ?? [];
  const beyond = request.isBackward ? ('lt' as const) : ('gt' as const);
  const order = request.isBackward ? ('desc' as const) : ('asc' as const);
  const rows = await database.prisma.endpoint.findMany({
    where: {
      ...(environment == null ? {} : { environment: comparableText(environment) }),
      ...(request.from === null
        ? {}
        : {
            OR: [
              { environment: { [beyond]: fromEnvironment } },
              { environment: fromEnvironment, name: { [beyond]: fromName } },
            ],
          }),
    },
    orderBy: [{ environment: order }, { name: order }],
    take: request.limit + 1,
  });
  return pageOf(request, rows, (endpoint) => [endpoint.environment, endpoint.name]);
};

/** What was believed to serve an endpoint. */
export interface ServingState {
  readonly endpoint: Endpoint;
  readonly at: Instant;
  readonly knownAt: Instant;
  /** Only what had been recorded by then counts; null when everything on record does. */
  readonly recordedBy: Instant | null;
  readonly histories: readonly DeploymentHistory[];
  /** Those in force at `at`. */
  readonly deployments: readonly DeploymentBelief[];
}

export const ServingStateRef = builder.objectRef<ServingState>('ServingState').implement({
  description: 'What served an endpoint at an instant, as it was known at another.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointRef,
      description: 'The endpoint.',
      resolve: ({ endpoint }) => endpoint,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'Valid time answered for.' }),
    knownAt: t.expose('knownAt', { type: 'DateTime', description: 'Record time answered for.' }),
    deployments: t.field({
      type: [DeploymentRef],
      description: 'Deployments in force, primary first.',
      resolve: ({ deployments }) => [...deployments],
    }),
  }),
});

builder.queryFields((t) => ({
  endpoint: t.field({
    extensions: needsWithinModels('registry:read'),
    type: EndpointRef,
    nullable: true,
    description: 'One endpoint.',
    complexity: 5,
    args: {
      by: t.arg({ type: EndpointReferenceInput, required: true, description: 'Which one.' }),
    },
    resolve: (_, { by }, { database }) => findEndpoint(database, by),
  }),
  endpoints: t.field({
    extensions: needs('registry:read'),
    type: EndpointConnection,
    nullable: true,
    description: 'All endpoints, by environment and name in byte order.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      environment: t.arg.string({ description: 'Only of this environment.' }),
    },
    resolve: (_, { environment, ...args }, context) => endpointsPage(context, environment, args),
  }),
  servedAt: t.field({
    extensions: needsWithinModels('registry:read'),
    type: ServingStateRef,
    nullable: true,
    description:
      'What served an endpoint at an instant, and what was known about it at another: traffic shares, versions, who put them there. Null when there is no such endpoint.',
    complexity: 5,
    args: {
      endpoint: t.arg({
        type: EndpointReferenceInput,
        required: true,
        description: 'Which endpoint.',
      }),
      at: t.arg({ type: 'DateTime', required: true, description: 'When.' }),
      knownAt: t.arg(knownAtArgument),
    },
    resolve: async (_, { endpoint, at, knownAt }, context) => {
      const found = await findEndpoint(context.database, endpoint);
      if (found === null) return null;
      const histories = await deploymentsOf(context).load(found.id);
      return {
        endpoint: found,
        at,
        knownAt: knownAt ?? Date.now() * 1000,
        recordedBy: knownAt ?? null,
        histories,
        deployments: deploymentsAt(histories, at, knownAt ?? undefined),
      };
    },
  }),
}));
