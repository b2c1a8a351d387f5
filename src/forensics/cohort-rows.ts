import type { Database, Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { ESTIMATE_NUMBERS } from '../prediction/count-estimate.ts';
import { LATEST_OUTCOME } from '../prediction/prediction-filter.ts';
import { type Condition, parameterList } from '../prediction/sql-condition.ts';
import { MAX_LABEL_PAIRS, type ObservedGroup } from './cohort-observations.ts';

/** What the rows of a cohort were made with, counted up to a bound. */
export interface CohortExtent {
  readonly size: number;
  readonly modelVersionIds: readonly number[];
  readonly featureSchemaIds: readonly number[];
}

interface ExtentRow {
  readonly model_version_id: number;
  readonly feature_schema_id: number;
  readonly count: bigint;
}

/** Counts a cohort, but no further than one row beyond `limit`. One statement. */
export const cohortExtent = async (
  database: Database,
  condition: Condition,
  limit: number,
): Promise<CohortExtent> => {
  const { values, parameter } = parameterList();
  const rows = await database.query<ExtentRow>({
    text: `SELECT model_version_id, feature_schema_id, count(*) AS count
      FROM (SELECT l.model_version_id, l.feature_schema_id FROM prediction_log l
        WHERE ${condition(parameter)} LIMIT ${limit + 1}) cohort
      GROUP BY 1, 2 ORDER BY 1, 2`,
    values,
  });
  return {
    size: rows.reduce((sum, { count }) => sum + Number(count), 0),
    modelVersionIds: [...new Set(rows.map((row) => row.model_version_id))],
    featureSchemaIds: [...new Set(rows.map((row) => row.feature_schema_id))],
  };
};

interface Row {
  readonly model_version_id: number;
  readonly feature_schema_id: number;
  readonly label: string | null;
  readonly has_outcome: boolean;
  readonly outcome_label: string | null;
  readonly count: bigint;
  readonly estimated: number;
  readonly variance: number;
  readonly least_rate: number;
  readonly greatest_rate: number;
  readonly first_at: Instant;
  readonly last_at: Instant;
  readonly scores: Uint8Array | null;
  readonly latencies: Uint8Array | null;
  readonly errors: Uint8Array | null;
  readonly numeric_outcomes: bigint;
}

// Numbers travel as the eight bytes that they are: a tenth of the work of reading them as text.
const packed = (value: string, condition: string): string =>
  `string_agg(${value}, '') FILTER (WHERE ${condition})`;

const unpacked = (bytes: Uint8Array | null): Float64Array => {
  if (bytes === null) return new Float64Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength / 8 }, (_, at) => view.getFloat64(at * 8));
};

/** Answers and outcomes of a cohort, in groups: its numbers are read, none of its rows. One statement. */
export const readObservations = async (
  session: Session,
  condition: Condition,
): Promise<readonly ObservedGroup[]> => {
  const { values, parameter } = parameterList();
  const rows = await session.query<Row>({
    text: `SELECT model_version_id, feature_schema_id, label, has_outcome, outcome_label, count(*) AS count,
        min(occurred_at) AS first_at, max(occurred_at) AS last_at, ${ESTIMATE_NUMBERS},
        min(coalesce(sampling_rate, 1)) AS least_rate, max(coalesce(sampling_rate, 1)) AS greatest_rate,
        ${packed('float8send(score)', 'score IS NOT NULL')} AS scores,
        ${packed('float8send(latency_ms)', 'latency_ms IS NOT NULL')} AS latencies,
        ${packed('float8send(score) || float8send(outcome_value)', 'label IS NULL AND score IS NOT NULL AND outcome_value IS NOT NULL')} AS errors,
        count(outcome_value) FILTER (WHERE label IS NULL) AS numeric_outcomes
      FROM (SELECT l.model_version_id, l.feature_schema_id, l.occurred_at, l.score, l.label, l.latency_ms, l.sampling_rate,
          o.observed_at IS NOT NULL AS has_outcome, o.label AS outcome_label, o.value AS outcome_value
        FROM prediction_log l LEFT JOIN LATERAL (${LATEST_OUTCOME}) o ON TRUE
        WHERE ${condition(parameter)}) observed
      GROUP BY 1, 2, 3, 4, 5 LIMIT ${MAX_LABEL_PAIRS + 1}`,
    values,
  });
  return rows.map((row) => ({
    modelVersionId: row.model_version_id,
    featureSchemaId: row.feature_schema_id,
    label: row.label,
    hasOutcome: row.has_outcome,
    outcomeLabel: row.outcome_label,
    count: Number(row.count),
    estimated: row.estimated,
    variance: row.variance,
    leastRate: row.least_rate,
    greatestRate: row.greatest_rate,
    firstAt: row.first_at,
    lastAt: row.last_at,
    scores: unpacked(row.scores),
    latencies: unpacked(row.latencies),
    scoresAndOutcomes: unpacked(row.errors),
    numericOutcomes: Number(row.numeric_outcomes),
  }));
};
