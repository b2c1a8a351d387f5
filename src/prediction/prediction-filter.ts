import type { FeatureSchemaReference } from '../evidence/feature-schema-reference.ts';
import { formatInstant } from '../platform/instant.ts';
import type { ModelVersionReference } from '../registry/model-version.ts';
import type { EndpointReference } from '../serving/endpoint.ts';
import { floatCondition, stringCondition } from './comparators.ts';
import { featureCondition } from './feature-condition.ts';
import type { FeatureOccurrence } from './feature-occurrences.ts';
import { hasKey } from './hashed-key.ts';
import type {
  OutcomeFilterShape,
  PredictionFilter,
  TimeWindow,
} from './prediction-filter-input.ts';
import { allOf, anyOf, type Condition, fixed, not, whereGiven } from './sql-condition.ts';

export type FilterReference = EndpointReference | ModelVersionReference | FeatureSchemaReference;

/** What a filter names, looked up before. */
export interface FilterReferences {
  /** Row IDs by the very object that names it. */
  readonly ids: ReadonlyMap<FilterReference, number>;
  readonly features: ReadonlyMap<string, readonly FeatureOccurrence[]>;
}

const equals =
  (column: string, type: string) =>
  (value: unknown): Condition =>
  (parameter) =>
    `${column} = ${parameter(value, type)}`;

const isOneOf =
  (column: string) =>
  (values: readonly string[]): Condition =>
  (parameter) =>
    `${column} = ANY(${parameter([...values], 'text[]')})`;

const isHashed =
  (column: 'entity_key' | 'trace_id') =>
  (keys: string | readonly string[]): Condition =>
  (parameter) =>
    hasKey(column, ...[keys].flat().map((key) => parameter(key, 'text')));

const isPresent = (column: string) => (wanted: boolean) =>
  fixed(`${column} IS ${wanted ? 'NOT NULL' : 'NULL'}`);

const exists = (wanted: boolean, condition: Condition): Condition =>
  wanted ? condition : not(condition);

const within =
  (column: string) =>
  ({ from, to }: TimeWindow): Condition =>
    allOf([
      ...whereGiven(
        from,
        (at) => (parameter) => `${column} >= ${parameter(formatInstant(at), 'timestamptz')}`,
      ),
      ...whereGiven(
        to,
        (at) => (parameter) => `${column} < ${parameter(formatInstant(at), 'timestamptz')}`,
      ),
    ]);

/** The outcome of row `l` that holds, in the order of `latestOutcome`. */
export const LATEST_OUTCOME = `SELECT o.label, o.value, o.observed_at FROM prediction_outcome o
  WHERE o.request_id = l.request_id AND o.endpoint_id = l.endpoint_id AND o.item = l.item
  ORDER BY o.observed_at DESC, o.recorded_at DESC, o.digest DESC LIMIT 1`;

const outcomeCondition = ({ label, value, isRecorded }: OutcomeFilterShape): Condition => {
  const holds = allOf([
    ...whereGiven(label, (comparison) => stringCondition('o.label', comparison)),
    ...whereGiven(value, (comparison) => floatCondition('o.value', comparison)),
  ]);
  const matches: Condition = (parameter) =>
    `EXISTS (SELECT FROM (${LATEST_OUTCOME}) o WHERE ${holds(parameter)})`;
  const recorded = fixed(`EXISTS (${LATEST_OUTCOME})`);
  return allOf([
    ...(label == null && value == null ? [] : [matches]),
    ...whereGiven(isRecorded, (wanted) => exists(wanted, recorded)),
  ]);
};

// Conflicts are few, and Citus sends them to the rows.
const CONFLICT = fixed(`(l.request_id, l.occurred_at, l.endpoint_id, l.item) IN (
  SELECT request_id, occurred_at, endpoint_id, item FROM prediction_conflict)`);

/** The condition on rows `l` of the log that a checked filter stands for. */
export const predictionCondition = (
  filter: PredictionFilter,
  references: FilterReferences,
): Condition => {
  const refersTo = (column: string) => (reference: FilterReference) =>
    equals(column, 'int')(references.ids.get(reference));
  const nested = (inner: PredictionFilter) => predictionCondition(inner, references);
  return allOf([
    ...whereGiven(filter.occurredAt, within('l.occurred_at')),
    ...whereGiven(filter.recordedAt, within('l.recorded_at')),
    ...whereGiven(filter.endpoint, refersTo('l.endpoint_id')),
    ...whereGiven(filter.modelVersion, refersTo('l.model_version_id')),
    ...whereGiven(filter.featureSchema, refersTo('l.feature_schema_id')),
    ...whereGiven(filter.requestIds, isOneOf('l.request_id')),
    ...whereGiven(filter.traceId, isHashed('trace_id')),
    ...whereGiven(filter.entityKeys, isHashed('entity_key')),
    ...whereGiven(filter.score, (comparison) => floatCondition('l.score', comparison)),
    ...whereGiven(filter.hasScore, isPresent('l.score')),
    ...whereGiven(filter.label, (comparison) => stringCondition('l.label', comparison)),
    ...whereGiven(filter.hasLabel, isPresent('l.label')),
    ...whereGiven(filter.latencyMs, (comparison) => floatCondition('l.latency_ms', comparison)),
    ...(filter.features ?? []).map((feature) =>
      featureCondition(feature, references.features.get(feature.name) ?? []),
    ),
    ...whereGiven(filter.outcome, outcomeCondition),
    ...whereGiven(filter.hasConflicts, (wanted) => exists(wanted, CONFLICT)),
    ...whereGiven(filter.and, (filters) => allOf(filters.map(nested))),
    ...whereGiven(filter.or, (filters) => anyOf(filters.map(nested))),
    ...whereGiven(filter.not, (inner) => not(nested(inner))),
  ]);
};
