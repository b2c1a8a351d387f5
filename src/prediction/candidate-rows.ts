import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import {
  encodedOf,
  type PredictionIdentity,
  type PredictionLog,
  type PredictionRow,
} from './prediction-log.ts';
import { type Condition, parameterList } from './sql-condition.ts';

/** As much of a prediction as is needed to compare its features. */
export type CandidateRow = PredictionIdentity & Pick<PredictionLog, 'featureSchemaId' | 'features'>;

/** A chunk of the rows `l` that a condition matches, newest first, after a row of it. One statement. */
export const candidatesAfter = async (
  database: Database,
  condition: Condition,
  after: PredictionIdentity | null,
  limit: number,
): Promise<readonly CandidateRow[]> => {
  const { values, parameter } = parameterList();
  const key = '(l.occurred_at, l.request_id, l.endpoint_id, l.item)';
  const beyond = (place: PredictionIdentity): string => {
    const at = parameter(formatInstant(place.occurredAt), 'timestamptz');
    const rest = [
      parameter(place.requestId, 'text'),
      parameter(place.endpointId, 'int'),
      parameter(place.item, 'int'),
    ];
    return `l.occurred_at <= ${at} AND ${key} < (${[at, ...rest].join(', ')})`;
  };
  const where = [condition(parameter), ...(after === null ? [] : [beyond(after)])];
  const rows = await database.query<PredictionRow>({
    text: `SELECT l.request_id, l.occurred_at, l.endpoint_id, l.item, l.feature_schema_id, l.numbers, l.integers,
        l.texts, l.statuses, l.feature_observed_at, l.undeclared
      FROM prediction_log l WHERE ${where.map((one) => `(${one})`).join(' AND ')}
      ORDER BY l.occurred_at DESC, l.request_id DESC, l.endpoint_id DESC, l.item DESC LIMIT ${limit}`,
    values,
  });
  return rows.map((row) => ({
    requestId: row.request_id,
    occurredAt: row.occurred_at,
    endpointId: row.endpoint_id,
    item: row.item,
    featureSchemaId: row.feature_schema_id,
    features: encodedOf(row),
  }));
};
