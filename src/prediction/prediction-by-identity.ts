import DataLoader from 'dataloader';
import { type Context, perRequest } from '../platform/context.ts';
import { formatInstant } from '../platform/instant.ts';
import { archivedPrediction } from './archived-predictions.ts';
import {
  identityKey,
  type PredictionIdentity,
  type PredictionLog,
  selectPredictions,
} from './prediction-log.ts';

/** Predictions by identity, batched: one statement a tick, and more for those that are not in the log. */
export const predictionByIdentity = perRequest(
  (context: Context) =>
    new DataLoader<PredictionIdentity, PredictionLog | null, string>(
      async (identities) => {
        const rows = await selectPredictions(
          context.database,
          'predictions_by_identity',
          `JOIN unnest($1::text[], $2::timestamptz[], $3::int[], $4::int[])
             AS wanted (request_id, occurred_at, endpoint_id, item)
             USING (request_id, occurred_at, endpoint_id, item)`,
          [
            identities.map(({ requestId }) => requestId),
            identities.map(({ occurredAt }) => formatInstant(occurredAt)),
            identities.map(({ endpointId }) => endpointId),
            identities.map(({ item }) => item),
          ],
        );
        const byKey = new Map(rows.map((row) => [identityKey(row), row]));
        return Promise.all(
          identities.map(
            (identity) => byKey.get(identityKey(identity)) ?? archivedPrediction(context, identity),
          ),
        );
      },
      { cacheKeyFn: identityKey },
    ),
);
