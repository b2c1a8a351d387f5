import { GraphQLError } from 'graphql';
import { builder, MAX_PAGE_SIZE } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import type { RefusedRecord } from '../prediction/observations.ts';
import {
  type PredictionLog,
  PredictionLogRef,
  selectPredictions,
} from '../prediction/prediction-log.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';
import { type EvidenceGap, listed } from './finding.ts';
import { EvidenceGapRef } from './finding-type.ts';

/** Everything that answered one request. */
export interface RequestReport {
  /** In order of time. */
  readonly predictions: readonly PredictionLog[];
  readonly gaps: readonly EvidenceGap[];
  readonly isTruncated: boolean;
}

/** Positions below the highest recorded one that nothing fills. */
export const missingItems = (items: readonly number[]): readonly number[] => {
  const present = new Set(items);
  const highest = Math.max(-1, ...items);
  // A batch of a million items with one recorded is one gap to a reader, not a million.
  return Array.from({ length: Math.min(highest, 1000) }, (_, item) => item).filter(
    (item) => !present.has(item),
  );
};

const batchGaps = async (
  database: Database,
  predictions: readonly PredictionLog[],
): Promise<readonly EvidenceGap[]> => {
  const batches = new Map<string, PredictionLog[]>();
  for (const prediction of predictions) {
    const key = `${prediction.endpointId} ${prediction.requestId}`;
    batches.set(key, [...(batches.get(key) ?? []), prediction]);
  }
  const gaps = [...batches.values()].map(async (batch) => {
    const missing = missingItems(batch.map(({ item }) => item));
    const [first] = batch;
    if (missing.length === 0 || first === undefined) return [];
    const endpoint = await endpointById(database).load(first.endpointId);
    const route = endpoint === null ? 'its endpoint' : routeOf(endpoint);
    return [
      {
        subject: 'item',
        reason: 'NEVER_RECORDED',
        message: `Of request ${JSON.stringify(first.requestId)} on ${route}, item ${listed(missing.map(String))} ${missing.length === 1 ? 'was' : 'were'} never recorded.`,
      } as const,
    ];
  });
  return (await Promise.all(gaps)).flat();
};

const refusedGap = ({ code, message, receivedAt }: RefusedRecord): EvidenceGap => ({
  subject: 'prediction',
  reason: 'REJECTED',
  message: `A record received at ${formatInstant(receivedAt)} waits among the rejected ones (${code}): ${message}`,
});

const refusedOf = async (
  database: Database,
  requestIds: readonly string[],
): Promise<readonly RefusedRecord[]> => {
  const rows = await database.query<{ code: string; message: string; received_at: Instant }>({
    name: 'refused_of_requests',
    text: `SELECT code, message, received_at FROM rejected_record
           WHERE request_id = ANY($1) AND kind = 'PREDICTION' AND resolved_at IS NULL
           ORDER BY received_at, id LIMIT ${MAX_PAGE_SIZE}`,
    values: [requestIds],
  });
  return rows.map(({ code, message, received_at }) => ({ code, message, receivedAt: received_at }));
};

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
    entity: t.field({ type: EntityWindowInput, description: 'An entity key and a window.' }),
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
    return selectPredictions(database, 'request_by_id', `WHERE l.request_id = $1 ${ORDER}`, [
      requestId,
    ]);
  }
  if (traceId != null) {
    return selectPredictions(database, 'request_by_trace', `WHERE l.trace_id = $1 ${ORDER}`, [
      traceId,
    ]);
  }
  const { from, to } = entity?.during ?? {};
  return selectPredictions(
    database,
    'request_by_entity',
    `WHERE l.entity_key = $1 AND l.occurred_at >= $2 AND l.occurred_at < $3 ${ORDER}`,
    [
      entity?.key,
      from == null ? '-infinity' : formatInstant(from),
      to == null ? 'infinity' : formatInstant(to),
    ],
  );
};

/** Two statements: the predictions, and the records of the same requests that were refused. */
const reportRequest = async (
  database: Database,
  reference: RequestReference,
): Promise<RequestReport> => {
  const found = await predictionsOf(database, reference);
  const predictions = found.slice(0, MAX_PAGE_SIZE);
  const asked = reference.requestId == null ? [] : [reference.requestId];
  const requestIds = new Set([...asked, ...predictions.map(({ requestId }) => requestId)]);
  const refused = await refusedOf(database, [...requestIds]);
  const nothing: readonly EvidenceGap[] =
    predictions.length + refused.length > 0
      ? []
      : [
          {
            subject: 'prediction',
            reason: 'NEVER_RECORDED',
            message: 'Nothing of this request is on record: no prediction, and no rejected record.',
          },
        ];
  return {
    predictions,
    gaps: [...nothing, ...(await batchGaps(database, predictions)), ...refused.map(refusedGap)],
    isTruncated: found.length > MAX_PAGE_SIZE,
  };
};

const RequestReportRef = builder.objectRef<RequestReport>('RequestReport').implement({
  description: 'Everything that answered one request.',
  fields: (t) => ({
    predictions: t.field({
      type: [PredictionLogRef],
      description: `Predictions of the request, by time; at most ${MAX_PAGE_SIZE}.`,
      complexity: { field: 5, multiplier: 10 },
      resolve: ({ predictions }) => [...predictions],
    }),
    gaps: t.field({
      type: [EvidenceGapRef],
      description:
        'Records and batch items that should be there and are not, each with the reason when known.',
      resolve: ({ gaps }) => [...gaps],
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: `Whether more than ${MAX_PAGE_SIZE} predictions answered and the later ones are left out; narrow the window, or search.`,
    }),
  }),
});

builder.queryField('request', (t) =>
  t.field({
    type: RequestReportRef,
    nullable: true,
    description:
      'Everything that answered one request: components, retries, shadows and batch items, and what is missing.',
    complexity: 10,
    args: {
      by: t.arg({ type: RequestReferenceInput, required: true, description: 'Which request.' }),
    },
    resolve: (_, { by }, { database }) => reportRequest(database, by),
  }),
);
