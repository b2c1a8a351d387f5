import { GraphQLError } from 'graphql';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { formatInstant } from '../platform/instant.ts';
import { unstorableText } from '../platform/storable-text.ts';
import { EndpointRouteInput, endpointByRoute, routeOf } from '../serving/endpoint.ts';
import { archivedOfRequest, archivedPrediction } from './archived-predictions.ts';
import {
  PREDICTION_COLUMNS,
  type PredictionLog,
  PredictionLogRef,
  type PredictionRow,
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
 * The one row that a look-up found; null when there is none. A reference that names several is refused: the caller says
 * which, or asks for the request.
 */
export const onlyOne = <Row extends Pick<PredictionRow, 'request_id' | 'occurred_at'>>(
  found: readonly Row[],
): Row | null => {
  if (found.length > 1) throw ambiguous(found.map(identityOf));
  return found[0] ?? null;
};

const identityOf = (row: Pick<PredictionRow, 'request_id' | 'occurred_at'>) => ({
  requestId: row.request_id,
  occurredAt: row.occurred_at,
});

const lookUp = predictionLookUp('prediction', PREDICTION_COLUMNS);

/** The prediction that a reference names; null when there is none. One statement, and more where it is not in the log. */
export const findPrediction = async (
  context: Context,
  reference: PredictionLogReference,
): Promise<PredictionLog | null> => {
  const key = await keyOf(context, reference);
  if (key === null) return null;
  const row = onlyOne(await lookUp(context.database, key));
  return row === null ? findArchivedPrediction(context, key) : predictionOf(row);
};

/** The same, of those that are not in the log. */
export const findArchivedPrediction = async (
  context: Context,
  { occurredAt, ...key }: PredictionKey,
): Promise<PredictionLog | null> => {
  if (occurredAt !== null) return archivedPrediction(context, { ...key, occurredAt });
  const found = await archivedOfRequest(context, { ...key, from: null, to: null });
  if (found.length > 1) throw ambiguous(found);
  return found[0] ?? null;
};

const ambiguous = (
  found: readonly Pick<PredictionLog, 'requestId' | 'occurredAt'>[],
): GraphQLError => {
  const times = found.slice(0, 10).map(({ occurredAt }) => formatInstant(occurredAt));
  return new GraphQLError(
    `Request ${JSON.stringify(found[0]?.requestId)} was answered ${found.length > 10 ? 'more than 10 times' : `${found.length} times`}: ` +
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
