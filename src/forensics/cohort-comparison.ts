import { featureSchemaById } from '../evidence/feature-schema.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { inSnapshot } from '../platform/snapshot.ts';
import type { PredictionFilter } from '../prediction/prediction-filter-input.ts';
import { baselinesOf } from '../registry/baselines.ts';
import {
  type ModelVersion,
  type ModelVersionReference,
  releaseOf,
} from '../registry/model-version.ts';
import { countFeatures, type FeatureGroup } from './cohort-features.ts';
import { type CohortObservations, MAX_LABEL_PAIRS, observationsOf } from './cohort-observations.ts';
import { type CohortQuality, positiveLabelOf, qualityOf } from './cohort-quality.ts';
import { readObservations } from './cohort-rows.ts';
import {
  baselineVersion,
  type CohortScope,
  chosenNames,
  cohortScope,
  definitionsOf,
  type Side,
} from './cohort-scope.ts';
import { binningOf } from './feature-binning.ts';
import { featureCounts } from './feature-counts.ts';
import type { CountedFeature } from './feature-key-sql.ts';
import {
  type FeatureMovement,
  type FeatureSide,
  movementOf,
  rankMovements,
} from './feature-movement.ts';

export interface CohortArguments {
  readonly base: PredictionFilter;
  readonly head: PredictionFilter;
  readonly baseline?: ModelVersionReference | null | undefined;
  readonly features?: readonly string[] | null | undefined;
  readonly positiveLabel?: string | null | undefined;
}

/** One of the two sets of predictions. */
export interface Cohort extends CohortObservations {
  readonly quality: CohortQuality;
}

/** Two sets of predictions side by side. */
export interface CohortComparison {
  readonly base: Cohort;
  readonly head: Cohort;
  /** The version whose training statistics gave the bins; null when no prediction was found. */
  readonly baseline: ModelVersion | null;
  readonly features: readonly FeatureMovement[];
  /** What could not be said, and why. */
  readonly notes: readonly string[];
}

interface CohortRead {
  readonly observations: CohortObservations;
  readonly groups: readonly FeatureGroup[];
}

const readCohort = async (
  { database }: Context,
  { side, condition, schemas }: CohortScope,
  features: readonly CountedFeature[],
): Promise<CohortRead> => {
  const { observed, groups } = await inSnapshot(database, async (session) => ({
    observed: await readObservations(session, condition),
    groups: await countFeatures(session, condition, schemas, features),
  }));
  if (observed.length > MAX_LABEL_PAIRS) {
    const message = `has more than ${MAX_LABEL_PAIRS} pairs of predicted and observed labels, which cannot be tabulated; narrow it.`;
    throw argumentError({ path: [side], message });
  }
  return { observations: observationsOf(observed), groups };
};

/** The part of one cohort in the comparison of each feature. */
const sidesOf = (
  { schemas }: CohortScope,
  { observations, groups }: CohortRead,
  features: readonly CountedFeature[],
): readonly FeatureSide[] => {
  const binnings = features.map(({ binning }) => binning);
  return featureCounts(binnings, groups).map((counts, place) => ({
    counts,
    size: observations.size,
    definitions: definitionsOf(schemas, features[place]?.name ?? ''),
  }));
};

const MAX_NAMES = 20;

/** Says of a cohort that the baseline version answered which features it would have misread. */
const misreadNote = (
  side: Side,
  { modelVersions }: CohortObservations,
  baseline: ModelVersion | null,
  movements: readonly FeatureMovement[],
): readonly string[] => {
  if (baseline === null || !modelVersions.has(baseline.id)) return [];
  const names = movements
    .filter(({ compared }) => compared?.[side].isAsTrained === false)
    .map(({ name }) => name);
  if (names.length === 0) return [];
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  const listed = `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
  return [
    `In ${side}, features mean something else than ${releaseOf(baseline)} was trained on: ${listed}.`,
  ];
};

/** Says of a cohort that its figures lean towards the predictions that were kept at higher rates. */
const ratesNote = (side: Side, { rates }: CohortObservations): readonly string[] =>
  rates === null || rates.least === rates.greatest
    ? []
    : [
        `In ${side}, predictions were kept at rates from ${rates.least} to ${rates.greatest}. Figures weigh each recorded one alike, so those kept at higher rates count for more than their share; narrow it to one rate to avoid that.`,
      ];

/** Compares two sets of predictions. Refuses what it could only answer in part. */
export const compareCohorts = async (
  context: Context,
  args: CohortArguments,
): Promise<CohortComparison> => {
  const { database, actor } = context;
  const [base, head] = await Promise.all([
    cohortScope(context, 'base', args.base),
    cohortScope(context, 'head', args.head),
  ]);
  const baseline = await baselineVersion(context, args.baseline, base, head);
  const trained =
    baseline === null
      ? []
      : [referenced(await featureSchemaById(database).load(baseline.featureSchemaId))];
  const statistics = baseline === null ? null : await baselinesOf(database, baseline);
  const schemas = [...base.schemas, ...head.schemas, ...trained];
  const names = chosenNames(args.features, schemas);
  const isHidden = (name: string): boolean =>
    !actor.scopes.has('features:sensitive') &&
    definitionsOf(schemas, name).some(({ isSensitive }) => isSensitive);
  const source = baseline === null ? 'No version' : releaseOf(baseline);
  const features = names
    .filter((name) => !isHidden(name))
    .map((name) => ({
      name,
      binning: binningOf(definitionsOf(schemas, name), statistics?.get(name) ?? null, source),
    }));
  const [ofBase, ofHead] = await Promise.all([
    readCohort(context, base, features),
    readCohort(context, head, features),
  ]);
  const baseSides = sidesOf(base, ofBase, features);
  const headSides = sidesOf(head, ofHead, features);
  const movements = features.flatMap(({ name, binning }, place) => {
    const [one, other] = [baseSides[place], headSides[place]];
    if (one === undefined || other === undefined) return [];
    const [expected = null] = definitionsOf(trained, name);
    return [movementOf(name, binning, one, other, expected)];
  });
  const hidden = names.filter(isHidden).map((name) => ({ name, compared: null }));
  const positive = positiveLabelOf(args.positiveLabel ?? null, [
    ofBase.observations,
    ofHead.observations,
  ]);
  const cohort = ({ observations }: CohortRead): Cohort => ({
    ...observations,
    quality: qualityOf(observations, positive.label),
  });
  return {
    base: cohort(ofBase),
    head: cohort(ofHead),
    baseline,
    features: rankMovements([...movements, ...hidden]),
    notes: [
      ...misreadNote('base', ofBase.observations, baseline, movements),
      ...misreadNote('head', ofHead.observations, baseline, movements),
      ...ratesNote('base', ofBase.observations),
      ...ratesNote('head', ofHead.observations),
      ...(positive.why === null ? [] : [`No AUC: ${positive.why}. Give \`positiveLabel\`.`]),
    ],
  };
};
