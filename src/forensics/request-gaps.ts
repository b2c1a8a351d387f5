import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { type UnreadArchive, unreadText } from '../prediction/archive-search.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { RejectedRecord } from '../prediction/rejected-record-query.ts';
import { modelVersionById, releaseOf } from '../registry/model-version.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';
import type { KnownKeys } from '../serving/sampling.ts';
import { deploymentsAt } from '../serving/timeline.ts';
import { type EvidenceGap, listed } from './finding.ts';
import { gapBeside, gapUnlessSampledOut, samplingsOf } from './sampling-gaps.ts';

/** Positions below the highest recorded one that nothing fills. */
export const missingItems = (items: readonly number[]): readonly number[] => {
  const present = new Set(items);
  const highest = Math.max(-1, ...items);
  // A batch of a million items with one recorded is one gap to a reader, not a million.
  return Array.from({ length: Math.min(highest, 1000) }, (_, item) => item).filter(
    (item) => !present.has(item),
  );
};

const routeById = async (database: Database, endpointId: number): Promise<string> => {
  const endpoint = await endpointById(database).load(endpointId);
  return endpoint === null ? 'its endpoint' : routeOf(endpoint);
};

/** Predictions that answered one request on one endpoint. */
const byEndpoint = (
  predictions: readonly PredictionLog[],
): readonly (readonly [PredictionLog, ...PredictionLog[]])[] => {
  const groups = new Map<string, [PredictionLog, ...PredictionLog[]]>();
  for (const prediction of predictions) {
    const key = `${prediction.endpointId} ${prediction.requestId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [prediction]);
    else group.push(prediction);
  }
  return [...groups.values()];
};

const batchGaps = async (
  database: Database,
  predictions: readonly PredictionLog[],
): Promise<readonly EvidenceGap[]> => {
  const gaps = byEndpoint(predictions).map(async (batch): Promise<readonly EvidenceGap[]> => {
    const missing = missingItems(batch.map(({ item }) => item));
    const [sibling] = batch;
    const { requestId, endpointId } = sibling;
    if (missing.length === 0) return [];
    const message = `Of request ${JSON.stringify(requestId)} on ${await routeById(database, endpointId)}, item ${listed(missing.map(String))} ${missing.length === 1 ? 'was' : 'were'} never recorded.`;
    return [await gapBeside(database, 'item', message, sibling, ['REQUEST_ID', 'TRACE_ID'])];
  });
  return (await Promise.all(gaps)).flat();
};

/** A shadow answers the same request about the same entity. */
const ALL_KEYS = ['ENTITY_KEY', 'REQUEST_ID', 'TRACE_ID'] as const;

/** A shadow that gets all traffic owes an answer to every request. */
const shadowGaps = async (
  context: Context,
  predictions: readonly PredictionLog[],
): Promise<readonly EvidenceGap[]> => {
  const gaps = byEndpoint(predictions).map(async (answers): Promise<readonly EvidenceGap[]> => {
    const [sibling] = answers;
    const { endpointId, requestId, occurredAt } = sibling;
    const histories = await deploymentsOf(context).load(endpointId);
    const owed = deploymentsAt(histories, occurredAt).filter(
      ({ role, trafficShare, deployment }) =>
        role === 'SHADOW' &&
        trafficShare === 1 &&
        !answers.some(({ modelVersionId }) => modelVersionId === deployment.modelVersionId),
    );
    return Promise.all(
      owed.map(async ({ deployment }) => {
        const version = await modelVersionById(context.database).load(deployment.modelVersionId);
        const release = version === null ? 'A version' : releaseOf(version);
        const message = `${release} shadowed all requests of ${await routeById(context.database, endpointId)} at ${formatInstant(occurredAt)}, but its answer to ${JSON.stringify(requestId)} was never recorded.`;
        return gapBeside(context.database, 'shadow', message, sibling, ALL_KEYS);
      }),
    );
  });
  return (await Promise.all(gaps)).flat();
};

const ORPHANS = `SELECT DISTINCT o.request_id, o.endpoint_id, o.item FROM prediction_outcome o
  WHERE o.request_id = ANY($1) AND NOT EXISTS (SELECT FROM prediction_log l
    WHERE l.request_id = o.request_id AND l.endpoint_id = o.endpoint_id AND l.item = o.item)
  ORDER BY 1, 2, 3 LIMIT 20`;

/** Outcomes of predictions that are neither in the log nor among those found in archives. */
const outcomeGaps = async (
  context: Context,
  requestIds: readonly string[],
  predictions: readonly PredictionLog[],
): Promise<readonly EvidenceGap[]> => {
  const { database } = context;
  const rows = await database.query<{ request_id: string; endpoint_id: number; item: number }>({
    name: 'outcomes_without_prediction',
    text: ORPHANS,
    values: [requestIds],
  });
  const orphans = rows.filter(
    (row) =>
      !predictions.some(
        ({ requestId, endpointId, item }) =>
          requestId === row.request_id && endpointId === row.endpoint_id && item === row.item,
      ),
  );
  if (orphans.length === 0) return [];
  const endpointIds = [...new Set(orphans.map(({ endpoint_id }) => endpoint_id))];
  const samplings = await samplingsOf(context, endpointIds, null, null);
  return Promise.all(
    orphans.map(async ({ request_id, endpoint_id, item }) => {
      const message = `An outcome is on record for item ${item} of request ${JSON.stringify(request_id)} on ${await routeById(database, endpoint_id)}, but no prediction.`;
      const used = samplings.filter(({ endpointId }) => endpointId === endpoint_id);
      const keys = { REQUEST_ID: request_id };
      return gapUnlessSampledOut(database, 'prediction', message, used, keys);
    }),
  );
};

const refusedGap = ({ code, message, receivedAt }: RejectedRecord): EvidenceGap => ({
  subject: 'prediction',
  reason: 'REJECTED',
  message: `A record received at ${formatInstant(receivedAt)} waits among the rejected ones (${code}): ${message}`,
});

const NOTHING = 'Nothing of this request is on record: no prediction, and no rejected record.';

/** What is known of a request that is asked for. */
export interface RequestSought {
  readonly keys: KnownKeys;
  readonly from: Instant | null;
  readonly to: Instant | null;
}

/** What of it was found. */
export interface RequestFound {
  readonly predictions: readonly PredictionLog[];
  readonly waiting: readonly RejectedRecord[];
  /** Archives that may hold more of it. */
  readonly unread: readonly UnreadArchive[];
}

const expiredGap = (archive: UnreadArchive): EvidenceGap => ({
  subject: 'prediction',
  reason: 'EXPIRED',
  message: unreadText(archive),
});

const nothingFound = async (
  context: Context,
  { keys, from, to }: RequestSought,
): Promise<EvidenceGap> => {
  const samplings = await samplingsOf(context, null, from, to);
  return gapUnlessSampledOut(context.database, 'prediction', NOTHING, samplings, keys);
};

/** What should have answered these requests and did not, or is not to be seen. */
export const requestGaps = async (
  context: Context,
  sought: RequestSought,
  requestIds: readonly string[],
  { predictions, waiting, unread }: RequestFound,
): Promise<readonly EvidenceGap[]> => {
  const { database } = context;
  const isNothing = predictions.length + waiting.length + unread.length === 0;
  const [nothing, items, shadows, outcomes] = await Promise.all([
    isNothing ? nothingFound(context, sought).then((gap) => [gap]) : [],
    batchGaps(database, predictions),
    shadowGaps(context, predictions),
    // What was not read may have them.
    unread.length > 0 ? [] : outcomeGaps(context, requestIds, predictions),
  ]);
  const expired = unread.map(expiredGap);
  return [...nothing, ...expired, ...items, ...shadows, ...outcomes, ...waiting.map(refusedGap)];
};
