import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { LineageNodeRef } from '../evidence/lineage-node.ts';
import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { connectionType, pageArguments, pageCost, pageOfList } from '../platform/pagination.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { CountEstimateRef, totalOf } from '../prediction/count-estimate.ts';
import { MAX_WINDOW_DAYS, PredictionLogFilter } from '../prediction/prediction-filter-input.ts';
import type { AnsweredSpan } from '../prediction/rollups.ts';
import { orderByArgument, PredictionLogConnection } from '../prediction/search.ts';
import { ModelVersionRef, modelVersionById } from '../registry/model-version.ts';
import { ModelVersionConnection } from '../registry/model-versions.ts';
import { EndpointRef, endpointById } from '../serving/endpoint.ts';
import { DeploymentConnection, deploymentPageOf } from '../serving/endpoint-type.ts';
import { EvidenceGapRef } from './finding-type.ts';
import { type Impact, impactOf, LIMITS } from './impact.ts';
import { deploymentsDuring, type EndpointImpact, endpointImpacts } from './impact-endpoints.ts';
import { AffectedEntityConnection, entityPage, MAX_READ } from './impact-entities.ts';
import { affectedPredictions } from './impact-predictions.ts';
import { findRoots, ImpactRootInput } from './impact-root.ts';
import { impactSamplingGaps } from './impact-sampling.ts';
import { objectOf } from './lineage-object.ts';

const AffectedSpanRef = builder
  .objectRef<AnsweredSpan & { readonly impact: Impact }>('AffectedSpan')
  .implement({
    description: 'What one version answered on one endpoint from features of one schema.',
    fields: (t) => ({
      modelVersion: t.field({
        type: ModelVersionRef,
        description: 'Version that answered.',
        resolve: async ({ modelVersionId }, _, { database }) =>
          referenced(await modelVersionById(database).load(modelVersionId)),
      }),
      endpoint: t.field({
        type: EndpointRef,
        description: 'Endpoint that was called.',
        resolve: async ({ endpointId }, _, { database }) =>
          referenced(await endpointById(database).load(endpointId)),
      }),
      featureSchema: t.field({
        type: FeatureSchemaRef,
        description: 'Schema that the features were built with, as logged.',
        resolve: async ({ featureSchemaId }, _, { database }) =>
          referenced(await featureSchemaById(database).load(featureSchemaId)),
      }),
      isMadeFromRoot: t.boolean({
        description: 'Whether the version itself was made from the object asked about.',
        resolve: ({ modelVersionId, impact }) => impact.modelVersionIds.includes(modelVersionId),
      }),
      isFedByRoot: t.boolean({
        description:
          'Whether the features were built with an affected schema, whichever version they were given to.',
        resolve: ({ featureSchemaId, impact }) => impact.featureSchemaIds.includes(featureSchemaId),
      }),
      predictionCount: t.expose('count', {
        type: 'SafeInt',
        description:
          'Recorded predictions in the window: exact, from hourly counts and the rows at its ends.',
      }),
      predictionEstimate: t.field({
        type: CountEstimateRef,
        description: 'The same, and how many they stand for where services sample.',
        resolve: (span) => span,
      }),
      firstAt: t.expose('firstAt', { type: 'DateTime', description: 'When the first was made.' }),
      lastAt: t.expose('lastAt', { type: 'DateTime', description: 'When the last was made.' }),
    }),
  });

const AffectedSpanConnection = connectionType(AffectedSpanRef, 'AffectedSpan', 'affected spans');

const EndpointImpactRef = builder.objectRef<EndpointImpact>('EndpointImpact').implement({
  description: 'How one endpoint is affected.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointRef,
      description: 'The endpoint.',
      resolve: async ({ endpointId }, _, { database }) =>
        referenced(await endpointById(database).load(endpointId)),
    }),
    deployedFrom: t.expose('deployedFrom', {
      type: 'DateTime',
      nullable: true,
      description: 'Start of the first affected deployment; null when none is on record.',
    }),
    deployedTo: t.expose('deployedTo', {
      type: 'DateTime',
      nullable: true,
      description:
        'End of the last affected deployment; null while one is active, or none is on record.',
    }),
    answeredFrom: t.expose('answeredFrom', {
      type: 'DateTime',
      nullable: true,
      description: 'First affected prediction in the log; null when there is none.',
    }),
    answeredTo: t.expose('answeredTo', {
      type: 'DateTime',
      nullable: true,
      description: 'Last affected prediction in the log; null when there is none.',
    }),
    predictionCount: t.field({
      type: 'SafeInt',
      description: 'Affected predictions in the window that are recorded.',
      resolve: ({ predictions }) => predictions.count,
    }),
    predictionEstimate: t.field({
      type: CountEstimateRef,
      description: 'The same, and how many they stand for where services sample.',
      resolve: ({ predictions }) => predictions,
    }),
    activeTrafficShare: t.exposeFloat('activeTrafficShare', {
      description: 'Share of its requests that affected versions answer now, from 0 to 1.',
    }),
  }),
});

const EndpointImpactConnection = connectionType(
  EndpointImpactRef,
  'EndpointImpact',
  'affected endpoints',
);

const ImpactReportRef = builder.objectRef<Impact>('ImpactReport').implement({
  description:
    'What depends on some evidence: its blast radius. Affected are the predictions of versions that were made from it, however indirectly, and those whose features were built with a schema that depends on it.',
  fields: (t) => ({
    roots: t.field({
      type: [LineageNodeRef],
      description: 'The objects that the question begins at; none when nothing on record matches.',
      resolve: ({ roots }, _, context) =>
        Promise.all(roots.map((vertex) => objectOf(context, vertex))),
    }),
    from: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Start of the window answered for; null when open.',
      resolve: ({ window }) => window.from,
    }),
    to: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'End of the window answered for, exclusive; null when open.',
      resolve: ({ window }) => window.to,
    }),
    modelVersions: t.field({
      type: ModelVersionConnection,
      description: 'Model versions made from it, itself included, in the order of registration.',
      complexity: pageCost,
      args: pageArguments,
      resolve: async ({ modelVersionIds }, args, { database }) => {
        const ids = [...modelVersionIds].sort((a, b) => a - b);
        const versions = await Promise.all(ids.map((id) => modelVersionById(database).load(id)));
        return pageOfList(args, versions.map(referenced), ({ digest }) => [digest]);
      },
    }),
    deployments: t.field({
      type: DeploymentConnection,
      description: 'Deployments of these versions that overlap the window, newest start first.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (impact, args) => deploymentPageOf(deploymentsDuring(impact), args),
    }),
    endpoints: t.field({
      type: EndpointImpactConnection,
      description:
        'Affected endpoints: those that affected versions serve now first, then by estimated number of predictions.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (impact, args) =>
        pageOfList(args, endpointImpacts(impact, Date.now() * 1000), ({ endpointId }) => [
          String(endpointId),
        ]),
    }),
    spans: t.field({
      type: AffectedSpanConnection,
      description:
        'Where affected predictions were made: by version, endpoint and schema, most by estimate first.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (impact, args) =>
        pageOfList(
          args,
          impact.spans
            .map((span) => ({ ...span, impact }))
            .sort((a, b) => b.estimated - a.estimated),
          ({ modelVersionId, endpointId, featureSchemaId }) =>
            [modelVersionId, endpointId, featureSchemaId].map(String),
        ),
    }),
    predictionCount: t.field({
      type: 'SafeInt',
      description:
        'Number of affected predictions that are recorded: exact, and independent of how many there are in its cost.',
      resolve: ({ spans }) => totalOf(spans).count,
    }),
    predictionEstimate: t.field({
      type: CountEstimateRef,
      description: 'The same, and how many they stand for where services sample.',
      resolve: ({ spans }) => totalOf(spans),
    }),
    predictions: t.field({
      type: PredictionLogConnection,
      description: `Affected predictions. They must lie within ${MAX_WINDOW_DAYS} days; narrow \`during\` otherwise.`,
      complexity: pageCost,
      args: {
        ...pageArguments,
        filter: t.arg({ type: PredictionLogFilter, description: 'Which of them.' }),
        orderBy: t.arg(orderByArgument),
      },
      resolve: (impact, { filter, orderBy, ...args }, context) =>
        affectedPredictions(context, impact, filter ?? {}, orderBy, args),
    }),
    entities: t.field({
      type: AffectedEntityConnection,
      description: `What affected predictions were about, by key in byte order. Reads every affected prediction, so at most ${MAX_READ}. Needs the scope \`features:sensitive\`.`,
      complexity: (args) => ({ ...pageCost(args), field: 100 }),
      args: pageArguments,
      resolve: (impact, args, context) => entityPage(context, impact, args),
    }),
    isServing: t.boolean({
      description: 'Whether affected versions answer callers now.',
      resolve: (impact) =>
        endpointImpacts(impact, Date.now() * 1000).some(
          ({ activeTrafficShare }) => activeTrafficShare > 0,
        ),
    }),
    gaps: t.field({
      type: [EvidenceGapRef],
      description: 'What these answers cannot cover, and why.',
      resolve: async (impact, _, context) => [
        ...impact.gaps,
        ...(await impactSamplingGaps(context, impact)),
      ],
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: `Whether more than ${LIMITS.maxVertices} objects, or more than ${LIMITS.maxDepth} hops, lie downstream; what is beyond is in no count and no list.`,
    }),
  }),
});

builder.queryField('impact', (t) =>
  t.field({
    type: ImpactReportRef,
    nullable: true,
    description:
      'Who else is affected: what depends on a piece of evidence, on package versions, or on an interval of a dataset. Null when the ID names no object of the lineage graph.',
    complexity: 40,
    args: {
      of: t.arg({ type: ImpactRootInput, required: true, description: 'What went wrong.' }),
      during: t.arg({
        type: TimeWindowInput,
        description: 'Only predictions of this window; all when omitted.',
      }),
    },
    resolve: async (_, { of, during }, context) => {
      const roots = await findRoots(context, of);
      if (of.id != null && roots.vertices.length === 0) return null;
      return impactOf(context, roots, { from: during?.from ?? null, to: during?.to ?? null });
    },
  }),
);
