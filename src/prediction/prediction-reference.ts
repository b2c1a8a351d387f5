import { GraphQLError } from 'graphql';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { unstorableText } from '../platform/storable-text.ts';
import { EndpointRouteInput, endpointByRoute, routeOf } from '../serving/endpoint.ts';
import { archivedOfRequest } from './archived-predictions.ts';
import {
  PREDICTION_COLUMNS,
  type PredictionLog,
  PredictionLogRef,
  parseIdentityKey,
  predictionOf,
} from './prediction-log.ts';
import { type PredictionKey, predictionLookUp } from './prediction-look-up.ts';

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

/** What a reference says of the prediction it names; null when there can be none. No statement on a warm process. */
export const keyOf = async (
  { database }: Context,
  { id, request }: PredictionLogReference,
): Promise<PredictionKey | null> => {
  if (id != null) return parseIdentityKey(id.id);
  // What the database cannot hold names nothing, and would be an error for all that is looked up along with it.
  if (request == null || unstorableText(request.requestId) !== null) return null;
  const endpoint = await endpointByRoute(database).load(routeOf(request.endpoint));
  if (endpoint === null) return null;
  const { requestId, item, occurredAt } = request;
  return { requestId, endpointId: endpoint.id, item: item ?? 0, occurredAt: occurredAt ?? null };
};

/**
 * The only one of what was found; null when there is none. A reference that names several is refused: the caller says
 * which, or asks for the request.
 */
export const onlyOne = <Found>(
  { requestId }: PredictionKey,
  found: readonly Found[],
  timeOf: (one: Found) => Instant,
): Found | null => {
  if (found.length > 1) throw ambiguous(requestId, found.map(timeOf));
  return found[0] ?? null;
};

const lookUp = predictionLookUp('prediction', PREDICTION_COLUMNS);

/** The archived prediction of a key; null when there is none. */
export const archivedOf = async (
  context: Context,
  key: PredictionKey,
): Promise<PredictionLog | null> => {
  const { occurredAt, ...rest } = key;
  const to = occurredAt === null ? null : occurredAt + 1;
  const found = await archivedOfRequest(context, { ...rest, from: occurredAt, to });
  return onlyOne(key, found, (prediction) => prediction.occurredAt);
};

/**
 * The prediction that a reference names; null when there is none. One statement, and more where it is not in the log: then
 * the archives are searched.
 */
export const findPrediction = async (
  context: Context,
  reference: PredictionLogReference,
): Promise<PredictionLog | null> => {
  const key = await keyOf(context, reference);
  if (key === null) return null;
  const row = onlyOne(key, await lookUp(context.database, key), (one) => one.occurred_at);
  return row === null ? archivedOf(context, key) : predictionOf(row);
};

const ambiguous = (requestId: string, times: readonly Instant[]): GraphQLError => {
  const shown = times.slice(0, 10).map(formatInstant);
  return new GraphQLError(
    `Request ${JSON.stringify(requestId)} was answered ${times.length > 10 ? 'more than 10 times' : `${times.length} times`}: ` +
      `${shown.join(', ')}. Give \`occurredAt\`, or ask for all of them with \`request(by:)\`.`,
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
