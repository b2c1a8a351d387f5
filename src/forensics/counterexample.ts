import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import { argumentError, refuseArguments } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { nearestName } from '../platform/nearest-name.ts';
import { inSnapshot } from '../platform/snapshot.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import type { TimeWindow } from '../prediction/prediction-filter-input.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { storedReadings } from '../prediction/schema-codec.ts';
import { allOf, type Condition } from '../prediction/sql-condition.ts';
import { baselinesOf } from '../registry/baselines.ts';
import {
  findModelVersion,
  type ModelVersion,
  type ModelVersionReference,
  modelVersionById,
} from '../registry/model-version.ts';
import { cohortExtent } from './cohort-rows.ts';
import {
  type ComparableFeature,
  type ComparableFeatures,
  comparableFeatures,
  elementCount,
  MAX_ELEMENTS,
} from './comparable-features.ts';
import {
  type ClosedWindow,
  checkFirst,
  ofVersionIn,
  otherWay,
  searchWindow,
} from './counterexample-arguments.ts';
import { featureDistance } from './gower.ts';
import {
  type CandidateCount,
  comparableSchema,
  countCandidates,
  nearestPredictions,
} from './nearest-predictions.ts';

/** Most candidates that one search measures. */
export const MAX_CANDIDATES = 200_000;

export interface CounterexampleArguments {
  readonly first: number;
  readonly modelVersion?: ModelVersionReference | null | undefined;
  readonly during?: TimeWindow | null | undefined;
  readonly margin?: number | null | undefined;
  readonly features?: readonly string[] | null | undefined;
}

/** How one feature differs between a prediction and another. */
export interface FeatureDifference {
  readonly one: FeatureReading;
  readonly other: FeatureReading;
  /** Its part of the distance. */
  readonly contribution: number;
}

/** A prediction that went the other way. */
export interface Counterexample {
  readonly prediction: PredictionLog;
  readonly distance: number;
  /** Features that differ, the most different first. */
  readonly differences: readonly FeatureDifference[];
}

/** Candidates that were not measured. */
export interface SkippedCandidates {
  readonly schema: FeatureSchema;
  readonly reason: 'OTHER_MEANING' | 'UNKNOWN_VALUES';
  readonly count: number;
}

export interface CounterexampleSearch extends ComparableFeatures {
  readonly modelVersion: ModelVersion;
  readonly during: ClosedWindow;
  readonly measuredCount: number;
  readonly skipped: readonly SkippedCandidates[];
  readonly nearest: readonly Counterexample[];
}

const chosenReadings = (
  readings: readonly FeatureReading[],
  names: readonly string[] | null | undefined,
): readonly FeatureReading[] => {
  if (names == null) return readings;
  const known = readings.map(({ field }) => field.name);
  refuseArguments(
    [...new Set(names)]
      .filter((name) => !known.includes(name))
      .slice(0, 20)
      .map((name) => {
        const nearest = nearestName(name, known);
        const meant = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
        const message = `The schema of the prediction does not declare ${JSON.stringify(name)}.${meant}`;
        return { path: ['features'], message };
      }),
  );
  return readings.filter(({ field }) => names.includes(field.name));
};

const refuseSize = ({ compared, excluded }: ComparableFeatures): void => {
  if (compared.length === 0) {
    const reasons = excluded.map(({ name, reason }) => `${name} (${reason})`).slice(0, 20);
    const why = reasons.length === 0 ? '' : ` Excluded: ${reasons.join(', ')}.`;
    throw argumentError({ path: ['features'], message: `There is none to compare by.${why}` });
  }
  const elements = compared.reduce((sum, { field }) => sum + elementCount(field), 0);
  if (elements > MAX_ELEMENTS) {
    const message = `They have ${elements} elements; name features with at most ${MAX_ELEMENTS} in total.`;
    throw argumentError({ path: ['features'], message });
  }
};

const asCounterexample = (
  prediction: PredictionLog,
  schema: FeatureSchema,
  readings: readonly FeatureReading[],
  compared: readonly ComparableFeature[],
): Counterexample => {
  const others = new Map(
    storedReadings(schema, prediction.features).map((one) => [one.field.name, one]),
  );
  const parts = compared.map((feature) => {
    const { name } = feature.field;
    const other = referenced(others.get(name) ?? null);
    const one = referenced(readings.find(({ field }) => field.name === name) ?? null);
    return { one, other, distance: featureDistance(feature.value, other.value, feature) };
  });
  const differences = parts
    .filter(({ distance }) => distance > 0)
    .map(({ one, other, distance }) => ({ one, other, contribution: distance / parts.length }))
    // Sorting is stable: of equal ones, the first in the schema comes first.
    .sort((a, b) => b.contribution - a.contribution);
  const sum = parts.reduce((total, { distance }) => total + distance, 0);
  return { prediction, distance: sum / parts.length, differences };
};

const candidateVersion = async (
  { database }: Context,
  own: ModelVersion,
  reference: ModelVersionReference | null | undefined,
): Promise<ModelVersion> => {
  if (reference == null) return own;
  const found = await findModelVersion(database, reference);
  if (found !== null) return found;
  throw argumentError({ path: ['modelVersion'], message: 'There is no such model version.' });
};

const skippedOf = (
  counts: readonly CandidateCount[],
  schemas: readonly FeatureSchema[],
  comparable: ReadonlySet<number>,
): readonly SkippedCandidates[] =>
  counts.flatMap(({ featureSchemaId, count, knownCount }) => {
    const schema = referenced(schemas.find(({ id }) => id === featureSchemaId) ?? null);
    const reason = comparable.has(featureSchemaId) ? 'UNKNOWN_VALUES' : 'OTHER_MEANING';
    return count === knownCount ? [] : [{ schema, reason, count: count - knownCount }];
  });

/** Finds the nearest predictions that went the other way, by measuring every one. Refuses when there are too many. */
export const counterexamples = async (
  context: Context,
  prediction: PredictionLog,
  args: CounterexampleArguments,
): Promise<CounterexampleSearch> => {
  const { database, actor } = context;
  checkFirst(args.first);
  const during = searchWindow(prediction, args.during);
  const differs = otherWay(prediction, args.margin);
  const own = referenced(await modelVersionById(database).load(prediction.modelVersionId));
  const modelVersion = await candidateVersion(context, own, args.modelVersion);
  const schema = referenced(await featureSchemaById(database).load(prediction.featureSchemaId));
  const readings = storedReadings(schema, prediction.features);
  const features = comparableFeatures(
    chosenReadings(readings, args.features),
    await baselinesOf(database, own),
    actor.scopes.has('features:sensitive'),
  );
  refuseSize(features);
  const candidates = allOf([ofVersionIn(modelVersion.id, during), differs]);
  const extent = await cohortExtent(database, candidates, MAX_CANDIDATES);
  if (extent.size > MAX_CANDIDATES) {
    const message = `holds more than ${MAX_CANDIDATES} candidates, each of which would be measured; give a shorter window.`;
    throw argumentError({ path: ['during'], message });
  }
  const schemas = await Promise.all(
    extent.featureSchemaIds.map(async (id) =>
      referenced(await featureSchemaById(database).load(id)),
    ),
  );
  const comparable = schemas.flatMap((one) => comparableSchema(one, features.compared) ?? []);
  // What came in with another schema since then came too late, so that both statements see the same schemas.
  const known: Condition = (parameter) =>
    `l.feature_schema_id = ANY(${parameter([...extent.featureSchemaIds], 'int[]')})`;
  const condition = allOf([candidates, known]);
  const { counts, nearest } = await inSnapshot(database, async (session) => ({
    counts: await countCandidates(session, condition, comparable),
    nearest: await nearestPredictions(
      session,
      condition,
      features.compared,
      comparable,
      args.first,
    ),
  }));
  const ids = new Set(comparable.map((one) => one.schema.id));
  return {
    ...features,
    modelVersion,
    during,
    measuredCount: counts.reduce((sum, { knownCount }) => sum + knownCount, 0),
    skipped: skippedOf(counts, schemas, ids),
    nearest: nearest.map((found) => {
      const builtWith = referenced(schemas.find(({ id }) => id === found.featureSchemaId) ?? null);
      return asCounterexample(found, builtWith, readings, features.compared);
    }),
  };
};
