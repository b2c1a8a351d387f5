import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { type PredictionLog, selectPredictions } from '../prediction/prediction-log.ts';

/** A schema that an endpoint's pipeline built features with, as the log shows. */
export interface SentSchema {
  readonly schema: FeatureSchema;
  /** Of the predictions looked at. */
  readonly count: number;
  readonly lastAt: Instant;
}

interface Row {
  readonly feature_schema_id: number;
  readonly count: bigint;
  readonly last_at: Instant;
}

// The versions that answered are in the rollup; the last rows of each come from its index.
const RECENT = `SELECT l.* FROM (
    SELECT DISTINCT model_version_id FROM prediction_rollup WHERE endpoint_id = $1 AND first_at < $2) answering
  CROSS JOIN LATERAL newest_predictions(answering.model_version_id, $1, NULL, '-infinity', $2, $3) l
  ORDER BY l.occurred_at DESC, l.request_id, l.item LIMIT $3`;

const SENT = `SELECT feature_schema_id, count(*) AS count, max(occurred_at) AS last_at
  FROM (${RECENT}) recent GROUP BY 1 ORDER BY 3 DESC`;

/** The last predictions of an endpoint before an instant, newest first. One statement. */
export const lastPredictions = (
  database: Database,
  endpointId: number,
  before: Instant,
  last: number,
): Promise<readonly PredictionLog[]> =>
  selectPredictions(
    database,
    'last_predictions',
    `JOIN (SELECT request_id, occurred_at, endpoint_id, item FROM (${RECENT}) r) recent
       USING (request_id, occurred_at, endpoint_id, item)
     ORDER BY occurred_at DESC, request_id, item`,
    [endpointId, formatInstant(before), last],
  );

/** Schemas of the last predictions of an endpoint before an instant, the most recent first. One statement. */
export const sentFeatures = async (
  database: Database,
  endpointId: number,
  before: Instant,
  last: number,
): Promise<readonly SentSchema[]> => {
  const rows = await database.query<Row>({
    name: 'sent_features',
    text: SENT,
    values: [endpointId, formatInstant(before), last],
  });
  return Promise.all(
    rows.map(async (row) => ({
      schema: referenced(await featureSchemaById(database).load(row.feature_schema_id)),
      count: Number(row.count),
      lastAt: row.last_at,
    })),
  );
};
