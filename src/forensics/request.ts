import { GraphQLError } from 'graphql';
import { maySeeSensitive, noteSensitiveRead } from '../access/sensitive-read.ts';
import { builder, MAX_PAGE_SIZE } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { needs } from '../platform/needs.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { type ArchivedAnswer, findArchived } from '../prediction/archive-search.ts';
import { hasKey } from '../prediction/hashed-key.ts';
import {
  LOGGED_OF_REQUEST,
  type PredictionLog,
  PredictionLogRef,
  readPredictions,
  selectPredictions,
} from '../prediction/prediction-log.ts';
import { rejectedOfRequests } from '../prediction/rejected-record-query.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { type DeploymentRole, deploymentsAt } from '../serving/timeline.ts';
import type { EvidenceGap } from './finding.ts';
import { EvidenceGapRef } from './finding-type.ts';
import { RequestEventRef } from './request-event-type.ts';
import { type RequestSought, requestGaps } from './request-gaps.ts';
import { type RequestEvent, type RoleOf, requestTimeline } from './request-timeline.ts';

/** Everything that answered one request. */
export interface RequestReport {
  /** In order of time. */
  readonly predictions: readonly PredictionLog[];
  /** In order of time. */
  readonly events: readonly RequestEvent[];
  readonly gaps: readonly EvidenceGap[];
  readonly isTruncated: boolean;
}

const EntityWindowInput = builder.inputType('EntityWindowInput', {
  description: 'An entity and when to look.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'Entity key, such as an order.' }),
    during: t.field({ type: TimeWindowInput, required: true, description: 'Window to search.' }),
  }),
});

const RequestReferenceInput = builder.inputType('RequestReference', {
  description: 'A way to name a request.',
  isOneOf: true,
  fields: (t) => ({
    requestId: t.string({ description: "The caller's request ID, on any endpoint." }),
    traceId: t.string({ description: 'W3C trace ID.' }),
    entity: t.field({
      type: EntityWindowInput,
      description: 'An entity key and a window. Needs the scope `features:sensitive`.',
    }),
  }),
});

type RequestReference = typeof RequestReferenceInput.$inferInput;

const ORDER = `ORDER BY l.occurred_at, l.endpoint_id, l.item, l.request_id LIMIT ${MAX_PAGE_SIZE + 1}`;

const predictionsOf = (
  database: Database,
  { requestId, traceId, entity }: RequestReference,
): Promise<PredictionLog[]> => {
  if ([requestId, traceId, entity?.key].some((text) => text?.includes('\0'))) {
    throw new GraphQLError('No identifier holds U+0000; take it out.', {
      extensions: { code: 'BAD_USER_INPUT' },
    });
  }
  if (requestId != null) {
    const found = `SELECT ${LOGGED_OF_REQUEST} FROM prediction_log l WHERE l.request_id = $1 ${ORDER}`;
    return readPredictions(database, 'request_by_id', found, [requestId]);
  }
  if (traceId != null) {
    return selectPredictions(
      database,
      'request_by_trace',
      `WHERE ${hasKey('trace_id', '$1')} ${ORDER}`,
      [traceId],
    );
  }
  const { from, to } = entity?.during ?? {};
  return selectPredictions(
    database,
    'request_by_entity',
    `WHERE ${hasKey('entity_key', '$1')} AND l.occurred_at >= $2 AND l.occurred_at < $3 ${ORDER}`,
    [
      entity?.key,
      from == null ? '-infinity' : formatInstant(from),
      to == null ? 'infinity' : formatInstant(to),
    ],
  );
};

/** The same in the archives, where what was asked for may have been moved since. */
const archivedOf = (
  context: Context,
  { requestId, traceId, entity }: RequestReference,
): Promise<ArchivedAnswer> =>
  findArchived(
    context,
    {
      ...(requestId == null ? {} : { requestId }),
      ...(traceId == null ? {} : { traceId }),
      ...(entity == null ? {} : { entityKey: entity.key }),
      from: entity?.during.from ?? null,
      to: entity?.during.to ?? null,
    },
    MAX_PAGE_SIZE + 1,
  );

const inTime = (one: PredictionLog, other: PredictionLog): number =>
  one.occurredAt - other.occurredAt || one.endpointId - other.endpointId || one.item - other.item;

/** Roles believed of the versions that answered: of several at once, the one whose answers reach most callers. */
const rolesOf = async (
  context: Context,
  predictions: readonly PredictionLog[],
): Promise<RoleOf> => {
  const roles = new Map<PredictionLog, DeploymentRole>();
  for (const prediction of predictions) {
    const { endpointId, occurredAt, modelVersionId } = prediction;
    const serving = deploymentsAt(await deploymentsOf(context).load(endpointId), occurredAt);
    const own = serving.find(({ deployment }) => deployment.modelVersionId === modelVersionId);
    if (own !== undefined) roles.set(prediction, own.role);
  }
  return (prediction) => roles.get(prediction) ?? null;
};

const soughtBy = ({ requestId, traceId, entity }: RequestReference): RequestSought => ({
  keys: {
    ...(requestId != null && { REQUEST_ID: requestId }),
    ...(traceId != null && { TRACE_ID: traceId }),
    ...(entity != null && { ENTITY_KEY: entity.key }),
  },
  from: entity?.during.from ?? null,
  to: entity?.during.to ?? null,
});

const reportRequest = async (
  context: Context,
  reference: RequestReference,
): Promise<RequestReport> => {
  const { database } = context;
  if (reference.entity != null && !maySeeSensitive(context)) {
    throw new GraphQLError(
      'To look for an entity needs the scope `features:sensitive`, which this caller lacks.',
      { extensions: { code: 'FORBIDDEN', scopes: ['features:sensitive'] } },
    );
  }
  const inLog = await predictionsOf(database, reference);
  if (inLog.length === 0 && database.primary !== undefined) {
    return reportRequest({ ...context, database: database.primary }, reference);
  }
  const archived = await archivedOf(context, reference);
  const found = [...inLog, ...archived.predictions].sort(inTime);
  const predictions = found.slice(0, MAX_PAGE_SIZE);
  if (reference.entity != null) {
    noteSensitiveRead(context, 'FILTER', 'entityKeys');
    for (const { requestId } of predictions) noteSensitiveRead(context, 'ENTITY_KEY', requestId);
  }
  const asked = reference.requestId == null ? [] : [reference.requestId];
  const requestIds = [...new Set([...asked, ...predictions.map(({ requestId }) => requestId)])];
  const rejected = await rejectedOfRequests(database, requestIds, MAX_PAGE_SIZE + 1);
  const shown = rejected.slice(0, MAX_PAGE_SIZE);
  const waiting = shown.filter(
    ({ kind, resolvedAt }) => kind === 'PREDICTION' && resolvedAt === null,
  );
  return {
    predictions,
    events: requestTimeline(predictions, shown, await rolesOf(context, predictions)),
    gaps: await requestGaps(context, soughtBy(reference), requestIds, {
      predictions,
      waiting,
      unread: archived.unread,
    }),
    isTruncated: found.length > MAX_PAGE_SIZE || rejected.length > MAX_PAGE_SIZE,
  };
};

const RequestReportRef = builder.objectRef<RequestReport>('RequestReport').implement({
  extensions: needs('predictions:read'),
  description: 'Everything that answered one request.',
  fields: (t) => ({
    predictions: t.field({
      type: [PredictionLogRef],
      description: `Predictions of the request, by time; at most ${MAX_PAGE_SIZE}.`,
      complexity: { field: 5, multiplier: 10 },
      resolve: ({ predictions }) => [...predictions],
    }),
    events: t.field({
      type: [RequestEventRef],
      description:
        'Everything that happened to the request, in order of time: predictions with what they were to it, conflicts, outcomes and refused records.',
      complexity: { field: 5, multiplier: 10 },
      resolve: ({ events }) => [...events],
    }),
    gaps: t.field({
      type: [EvidenceGapRef],
      description:
        'Records, batch items and answers of shadows that should be there and are not, each with the reason when known.',
      resolve: ({ gaps }) => [...gaps],
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: `Whether more than ${MAX_PAGE_SIZE} predictions answered, or more than ${MAX_PAGE_SIZE} records were refused, and the later ones are left out; narrow the window, or search.`,
    }),
  }),
});

builder.queryField('request', (t) =>
  t.field({
    extensions: needs('predictions:read'),
    type: RequestReportRef,
    nullable: true,
    description:
      'Everything that answered one request: components, retries, shadows and batch items, and what is missing.',
    complexity: 10,
    args: {
      by: t.arg({ type: RequestReferenceInput, required: true, description: 'Which request.' }),
    },
    resolve: (_, { by }, context) => reportRequest(context, by),
  }),
);
