import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import { argumentError, refuseArguments } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { nearestName } from '../platform/nearest-name.ts';
import type { PredictionFilter } from '../prediction/prediction-filter-input.ts';
import { resolveFilter } from '../prediction/resolve-filter.ts';
import { allOf, type Condition } from '../prediction/sql-condition.ts';
import {
  findModelVersion,
  type ModelVersion,
  type ModelVersionReference,
  modelVersionById,
} from '../registry/model-version.ts';
import { type CohortExtent, cohortExtent } from './cohort-rows.ts';

/** Most predictions of one cohort, and features of one comparison. */
export const MAX_COHORT = 1_000_000;
export const MAX_COMPARED_FEATURES = 200;

/** The argument that says which predictions a cohort holds. */
export type Side = 'base' | 'head';

/** One cohort before it is read. */
export interface CohortScope {
  readonly side: Side;
  readonly condition: Condition;
  readonly extent: CohortExtent;
  readonly schemas: readonly FeatureSchema[];
}

/** Finds out what a cohort holds. Refuses one that is too large to be compared as a whole. */
export const cohortScope = async (
  context: Context,
  side: Side,
  filter: PredictionFilter,
): Promise<CohortScope> => {
  const { database } = context;
  const matches = await resolveFilter(context, filter, { mustBeBounded: true, argument: side });
  const extent = await cohortExtent(database, matches, MAX_COHORT);
  if (extent.size > MAX_COHORT) {
    const message = `holds more than ${MAX_COHORT} predictions; narrow it, with a shorter window say.`;
    throw argumentError({ path: [side], message });
  }
  const found = await featureSchemaById(database).loadMany(extent.featureSchemaIds);
  const schemas = found.map((schema) => referenced(schema instanceof Error ? null : schema));
  // What came in with another schema since then came too late, so that every statement sees the same schemas.
  const known: Condition = (parameter) =>
    `l.feature_schema_id = ANY(${parameter([...extent.featureSchemaIds], 'int[]')})`;
  return { side, condition: allOf([matches, known]), extent, schemas };
};

/** The version whose training statistics the bins come from: the given one, or the only one of the head, or else of the base. */
export const baselineVersion = async (
  { database }: Context,
  reference: ModelVersionReference | null | undefined,
  base: CohortScope,
  head: CohortScope,
): Promise<ModelVersion | null> => {
  if (reference != null) {
    const found = await findModelVersion(database, reference);
    if (found !== null) return found;
    throw argumentError({ path: ['baseline'], message: 'There is no such model version.' });
  }
  const { extent } = head.extent.size > 0 ? head : base;
  const [first, ...others] = extent.modelVersionIds;
  if (first === undefined) return null;
  if (others.length === 0) return referenced(await modelVersionById(database).load(first));
  const message = `is needed: the predictions are of ${others.length + 1} model versions. Name the one whose training data give the bins.`;
  throw argumentError({ path: ['baseline'], message });
};

/** Every definition that schemas give a feature. */
export const definitionsOf = (
  schemas: readonly FeatureSchema[],
  name: string,
): readonly FeatureFieldDefinition[] =>
  schemas.flatMap(({ fields }) => fields.filter((field) => field.name === name));

/** The features to compare: those asked for, or all that are declared. */
export const chosenNames = (
  asked: readonly string[] | null | undefined,
  schemas: readonly FeatureSchema[],
): readonly string[] => {
  const known = [...new Set(schemas.flatMap(({ fields }) => fields.map(({ name }) => name)))];
  const names = asked == null ? known : [...new Set(asked)];
  const unknown = names.filter((name) => !known.includes(name));
  refuseArguments(
    unknown.slice(0, 20).map((name) => {
      const nearest = nearestName(name, known);
      const meant = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
      const message = `No schema of these predictions, nor the baseline's, declares ${JSON.stringify(name)}.${meant}`;
      return { path: ['features'], message };
    }),
  );
  if (names.length > MAX_COMPARED_FEATURES) {
    const message = `There are ${names.length}; name at most ${MAX_COMPARED_FEATURES} of them.`;
    throw argumentError({ path: ['features'], message });
  }
  return names;
};
