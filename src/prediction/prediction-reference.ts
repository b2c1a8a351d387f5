import { GraphQLError } from 'graphql';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { formatInstant } from '../platform/instant.ts';
import { EndpointRouteInput, endpointByRoute, routeOf } from '../serving/endpoint.ts';
import { archivedOfRequest, archivedPrediction } from './archived-predictions.ts';
import {
  type PredictionIdentity,
  type PredictionLog,
  PredictionLogRef,
  parseIdentityKey,
  selectPredictions,
} from './prediction-log.ts';

const RecordedRequestInput = builder.inputType('RecordedRequestInput', {
  description: "A prediction by its request's ID in the serving system.",
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointRouteInput,
      required: true,
      description: 'Endpoint that answered.',
    }),
    requestId: t.string({ required: true, description: 'ID of the request.' }),
    item: t.int({ defaultValue: 0, description: 'Position within a batched request, from 0.' }),
    occurredAt: t.field({
      type: 'DateTime',
      description:
        'When the model answered; needed when the request was answered more than once. Also makes the look-up faster.',
    }),
  }),
});

export const PredictionLogReferenceInput = builder.inputType('PredictionLogReference', {
  description: 'A way to name one prediction.',
  isOneOf: true,
  fields: (t) => ({
    id: t.globalID({ for: PredictionLogRef, description: 'Global ID.' }),
    request: t.field({
      type: RecordedRequestInput,
      description: "The serving system's own ID.",
    }),
  }),
});

export type PredictionLogReference = typeof PredictionLogReferenceInput.$inferInput;

const BY_IDENTITY = `WHERE l.request_id = $1 AND l.occurred_at = $2 AND l.endpoint_id = $3 AND l.item = $4`;
const BY_REQUEST = `WHERE l.request_id = $1 AND l.endpoint_id = $2 AND l.item = $3
  ORDER BY l.occurred_at LIMIT 11`;

/** The identity that a reference gives in full; null when it does not. */
const identityOf = async (
  { database }: Context,
  { id, request }: PredictionLogReference,
): Promise<PredictionIdentity | null> => {
  if (id != null) return parseIdentityKey(id.id);
  if (request?.occurredAt == null || request.requestId.includes('\0')) return null;
  const endpoint = await endpointByRoute(database).load(routeOf(request.endpoint));
  if (endpoint === null) return null;
  const { requestId, occurredAt, item } = request;
  return { requestId, occurredAt, endpointId: endpoint.id, item: item ?? 0 };
};

/**
 * The prediction that a reference names; null when there is none. One statement, and more where it is not in the log:
 * then the archives are searched. A reference that names several is refused: the caller says which, or asks for the
 * request.
 */
export const findPrediction = async (
  context: Context,
  reference: PredictionLogReference,
): Promise<PredictionLog | null> => {
  const { database } = context;
  const identity = await identityOf(context, reference);
  if (identity !== null) {
    const { requestId, occurredAt, endpointId, item } = identity;
    const values = [requestId, formatInstant(occurredAt), endpointId, item];
    const [found] = await selectPredictions(database, 'prediction', BY_IDENTITY, values);
    return found ?? archivedPrediction(context, identity);
  }
  const { request } = reference;
  if (request == null || request.occurredAt != null || request.requestId.includes('\0'))
    return null;
  const endpoint = await endpointByRoute(database).load(routeOf(request.endpoint));
  if (endpoint === null) return null;
  const { requestId } = request;
  const item = request.item ?? 0;
  const values = [requestId, endpoint.id, item];
  const inLog = await selectPredictions(
    database,
    'predictions_of_request_item',
    BY_REQUEST,
    values,
  );
  const query = { requestId, endpointId: endpoint.id, item, from: null, to: null };
  const found = inLog.length > 0 ? inLog : await archivedOfRequest(context, query);
  if (found.length > 1) throw ambiguous(requestId, found);
  return found[0] ?? null;
};

const ambiguous = (requestId: string, found: readonly PredictionLog[]): GraphQLError => {
  const times = found.slice(0, 10).map(({ occurredAt }) => formatInstant(occurredAt));
  return new GraphQLError(
    `Request ${JSON.stringify(requestId)} was answered ${found.length > 10 ? 'more than 10 times' : `${found.length} times`}: ` +
      `${times.join(', ')}. Give \`occurredAt\`, or ask for all of them with \`request(by:)\`.`,
    { extensions: { code: 'AMBIGUOUS_REFERENCE' } },
  );
};

builder.queryField('predictionLog', (t) =>
  t.field({
    type: PredictionLogRef,
    nullable: true,
    description: 'One prediction.',
    args: {
      by: t.arg({ type: PredictionLogReferenceInput, required: true, description: 'Which one.' }),
    },
    resolve: (_, { by }, context) => findPrediction(context, by),
  }),
);
