import type { FeatureSchema } from '../evidence/feature-schema.ts';
import type { Session } from '../platform/database.ts';
import type { FeatureScalar } from '../prediction/feature-decode.ts';
import type { FeatureSlots } from '../prediction/feature-layout.ts';
import { type PredictionLog, selectPredictions } from '../prediction/prediction-log.ts';
import { isReadable } from '../prediction/readable-row.ts';
import { codecOf } from '../prediction/schema-codec.ts';
import { type Condition, type Parameter, parameterList } from '../prediction/sql-condition.ts';
import { type ComparableFeature, elementCount } from './comparable-features.ts';
import { elementDistance } from './distance-sql.ts';
import { sameMeaning } from './feature-movement.ts';

/** A schema in whose rows every compared feature means the same. */
export interface ComparableSchema {
  readonly schema: FeatureSchema;
  /** Where each compared feature stands. */
  readonly slots: readonly (FeatureSlots & { readonly position: number })[];
}

/** The schema as one whose rows can be compared; null when it lacks a feature, or means something else by it. */
export const comparableSchema = (
  schema: FeatureSchema,
  features: readonly ComparableFeature[],
): ComparableSchema | null => {
  const { layout } = codecOf(schema);
  const slots = features.flatMap(({ field }) => {
    const position = layout.findIndex((other) => other.field.name === field.name);
    const found = layout[position];
    return found !== undefined && sameMeaning(found.field, field) ? [{ ...found, position }] : [];
  });
  return slots.length === features.length ? { schema, slots } : null;
};

/** Whether row `l` can be read, and every compared value of it is known. */
const isKnown = ({ schema, slots }: ComparableSchema): string =>
  isReadable(
    schema,
    slots.map(({ position }) => position),
  );

const bySchema = (
  schemas: readonly ComparableSchema[],
  expression: (schema: ComparableSchema) => string,
  otherwise: string,
): string => {
  const cases = schemas.map((one) => `WHEN ${one.schema.id} THEN ${expression(one)}`);
  return cases.length === 0
    ? otherwise
    : `CASE l.feature_schema_id ${cases.join(' ')} ELSE ${otherwise} END`;
};

/** Candidates of one schema, and those of them whose compared values are known. */
export interface CandidateCount {
  readonly featureSchemaId: number;
  readonly count: number;
  readonly knownCount: number;
}

/** Counts candidates. One statement. */
export const countCandidates = async (
  session: Session,
  condition: Condition,
  schemas: readonly ComparableSchema[],
): Promise<readonly CandidateCount[]> => {
  const { values, parameter } = parameterList();
  const rows = await session.query<{ id: number; count: bigint; known: bigint }>({
    text: `SELECT l.feature_schema_id AS id, count(*) AS count,
        count(*) FILTER (WHERE ${bySchema(schemas, isKnown, 'FALSE')}) AS known
      FROM prediction_log l WHERE ${condition(parameter)} GROUP BY 1 ORDER BY 1`,
    values,
  });
  return rows.map(({ id, count, known }) => ({
    featureSchemaId: id,
    count: Number(count),
    knownCount: Number(known),
  }));
};

type Elements = readonly (FeatureScalar | null)[];

const isElements = (value: ComparableFeature['value']): value is Elements => Array.isArray(value);

/** Elements of a value, a scalar being one; as many nulls as the feature has when there is none. */
const elementsOf = ({ value, field }: ComparableFeature): Elements => {
  if (isElements(value)) return value;
  return Array.from({ length: elementCount(field) }, () => value);
};

/** The sum of the feature distances over the elements `v.e0`, `v.e1`, …, and where each is taken from. */
const distanceSql = (
  features: readonly ComparableFeature[],
  schemas: readonly ComparableSchema[],
  parameter: Parameter,
): { readonly elements: readonly string[]; readonly sum: string } => {
  const elements: string[] = [];
  const terms = features.map((feature, index) => {
    const given = elementsOf(feature);
    const parts = given.map((value, at) => {
      const name = `e${elements.length}`;
      const place = bySchema(
        schemas,
        ({ slots }) => {
          const slot = slots[index];
          return slot === undefined ? 'NULL' : `l.${slot.column}[${slot.offset + at + 1}]`;
        },
        'NULL',
      );
      elements.push(`${place} AS ${name}`);
      return elementDistance(
        `v.${name}`,
        value,
        { type: feature.field.type, range: feature.range },
        parameter,
      );
    });
    return feature.field.shape.length === 0
      ? parts.join('')
      : `(${parts.join(' + ')}) / ${given.length}`;
  });
  return { elements, sum: terms.join(' + ') };
};

/** The candidates nearest to the features, exactly: every one is measured. One statement. */
export const nearestPredictions = async (
  session: Session,
  condition: Condition,
  features: readonly ComparableFeature[],
  schemas: readonly ComparableSchema[],
  limit: number,
): Promise<readonly PredictionLog[]> => {
  if (schemas.length === 0) return [];
  const { values, parameter } = parameterList();
  const { elements, sum } = distanceSql(features, schemas, parameter);
  const known = bySchema(schemas, isKnown, 'FALSE');
  // OFFSET 0 takes each element out of its array once.
  return selectPredictions(
    session,
    null,
    `CROSS JOIN LATERAL (SELECT ${elements.join(', ')} OFFSET 0) v
      WHERE ${condition(parameter)} AND ${known}
      ORDER BY ${sum}, l.occurred_at, l.request_id, l.endpoint_id, l.item LIMIT ${limit}`,
    values,
  );
};
