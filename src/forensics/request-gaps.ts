import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { type UnreadArchive, unreadText } from '../prediction/archive-search.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { RejectedRecord } from '../prediction/rejected-record-query.ts';
import { modelVersionById, releaseOf } from '../registry/model-version.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';
import { deploymentsAt } from '../serving/timeline.ts';
import { type EvidenceGap, listed } from './finding.ts';

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
    const [{ requestId, endpointId }] = batch;
    if (missing.length === 0) return [];
    const message = `Of request ${JSON.stringify(requestId)} on ${await routeById(database, endpointId)}, item ${listed(missing.map(String))} ${missing.length === 1 ? 'was' : 'were'} never recorded.`;
    return [{ subject: 'item', reason: 'NEVER_RECORDED', message }];
  });
  return (await Promise.all(gaps)).flat();
};

/** A shadow that gets all traffic owes an answer to every request. */
const shadowGaps = async (
  context: Context,
  predictions: readonly PredictionLog[],
): Promise<readonly EvidenceGap[]> => {
  const gaps = byEndpoint(predictions).map(async (answers): Promise<readonly EvidenceGap[]> => {
    const [{ endpointId, requestId, occurredAt }] = answers;
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
        return { subject: 'shadow', reason: 'NEVER_RECORDED', message } as const;
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
  database: Database,
  requestIds: readonly string[],
  predictions: readonly PredictionLog[],
): Promise<readonly EvidenceGap[]> => {
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
  return Promise.all(
    orphans.map(async ({ request_id, endpoint_id, item }) => ({
      subject: 'prediction',
      reason: 'NEVER_RECORDED' as const,
      message: `An outcome is on record for item ${item} of request ${JSON.stringify(request_id)} on ${await routeById(database, endpoint_id)}, but no prediction.`,
    })),
  );
};

const refusedGap = ({ code, message, receivedAt }: RejectedRecord): EvidenceGap => ({
  subject: 'prediction',
  reason: 'REJECTED',
  message: `A record received at ${formatInstant(receivedAt)} waits among the rejected ones (${code}): ${message}`,
});

const nothingFound: EvidenceGap = {
  subject: 'prediction',
  reason: 'NEVER_RECORDED',
  message: 'Nothing of this request is on record: no prediction, and no rejected record.',
};

/** What should have answered these requests and did not, or is not to be seen. */
export const requestGaps = async (
  context: Context,
  requestIds: readonly string[],
  predictions: readonly PredictionLog[],
  waiting: readonly RejectedRecord[],
  unread: readonly UnreadArchive[],
): Promise<readonly EvidenceGap[]> => {
  const { database } = context;
  const expired = unread.map(
    (archive): EvidenceGap => ({
      subject: 'prediction',
      reason: 'EXPIRED',
      message: unreadText(archive),
    }),
  );
  const [items, shadows, outcomes] = await Promise.all([
    batchGaps(database, predictions),
    shadowGaps(context, predictions),
    // What was not read may have them.
    unread.length > 0 ? [] : outcomeGaps(database, requestIds, predictions),
  ]);
  const found = predictions.length + waiting.length + expired.length;
  const nothing = found === 0 ? [nothingFound] : [];
  return [...nothing, ...expired, ...items, ...shadows, ...outcomes, ...waiting.map(refusedGap)];
};
