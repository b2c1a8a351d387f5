import { maySeeSensitive, noteSensitiveRead } from '../access/sensitive-read.ts';
import { findFeatureSchema } from '../evidence/feature-schema-reference.ts';
import { refuseArguments } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import type { InputIssue } from '../platform/errors.ts';
import { collectIssues, type Issues } from '../platform/issues.ts';
import { allowsModel, allowsModelSql } from '../platform/model-pattern.ts';
import { nearestName } from '../platform/nearest-name.ts';
import { findModelVersion, type ModelVersion } from '../registry/model-version.ts';
import { findEndpoint } from '../serving/endpoint.ts';
import { misfitReason } from './feature-condition.ts';
import {
  type FeatureOccurrence,
  featureOccurrences,
  knownFeatureNames,
} from './feature-occurrences.ts';
import { unboundedReason } from './filter-bound.ts';
import { filterIssues } from './filter-check.ts';
import { type FilterPart, type Path, partsOf } from './filter-parts.ts';
import {
  type FilterReference,
  type FilterReferences,
  predictionCondition,
} from './prediction-filter.ts';
import type { FeatureFilterShape, PredictionFilter } from './prediction-filter-input.ts';
import { allOf, type Condition } from './sql-condition.ts';

const NEEDS_SCOPE = 'needs the scope `features:sensitive`, which this caller lacks.';

/** Only predictions of versions of these models. */
const ofModels =
  (models: readonly string[]): Condition =>
  (parameter) =>
    `l.model_version_id IN (SELECT v.id FROM model_version v JOIN model m ON m.id = v.model_id
      WHERE ${allowsModelSql('m.name', parameter([...models], 'text[]'))})`;

/** Most feature names that an error lists. */
const MAX_NAMES = 20;

interface PlacedFeature {
  readonly feature: FeatureFilterShape;
  readonly path: Path;
}

const featuresOf = (parts: readonly FilterPart[]): readonly PlacedFeature[] =>
  parts.flatMap(({ filter, path }) =>
    (filter.features ?? []).map((feature, index) => ({
      feature,
      path: [...path, 'features', index],
    })),
  );

/** Every endpoint, version and schema that a filter names, with its row ID; null for one that does not exist. */
const resolveIds = async (
  { database, actor }: Context,
  parts: readonly FilterPart[],
  issues: Issues,
): Promise<ReadonlyMap<FilterReference, number>> => {
  const ids = new Map<FilterReference, number>();
  const isVisible = (found: object): boolean =>
    !('model' in found) || allowsModel(actor.models, (found as ModelVersion).model.name);
  const resolve = async <Reference extends FilterReference>(
    reference: Reference | null | undefined,
    path: Path,
    kind: string,
    find: (database: Database, reference: Reference) => Promise<{ readonly id: number } | null>,
  ): Promise<void> => {
    if (reference == null) return;
    const found = await find(database, reference);
    if (found === null || !isVisible(found)) issues.add(path, `There is no such ${kind}.`);
    else ids.set(reference, found.id);
  };
  await Promise.all(
    parts.flatMap(({ filter: { endpoint, modelVersion, featureSchema }, path }) => [
      resolve(endpoint, [...path, 'endpoint'], 'endpoint', findEndpoint),
      resolve(modelVersion, [...path, 'modelVersion'], 'model version', findModelVersion),
      resolve(featureSchema, [...path, 'featureSchema'], 'feature schema', findFeatureSchema),
    ]),
  );
  return ids;
};

const resolveFeatures = async (
  context: Context,
  parts: readonly FilterPart[],
  issues: Issues,
): Promise<ReadonlyMap<string, readonly FeatureOccurrence[]>> => {
  const placed = featuresOf(parts);
  const names = [...new Set(placed.map(({ feature }) => feature.name))];
  const loader = featureOccurrences(context);
  const found = await Promise.all(names.map((name) => loader.load(name)));
  const features = new Map(names.map((name, index) => [name, found[index] ?? []]));
  const isUnknown = found.some((occurrences) => occurrences.length === 0);
  const known = isUnknown ? await knownFeatureNames(context.database) : [];
  const maySee = maySeeSensitive(context);
  for (const { feature, path } of placed) {
    const occurrences = features.get(feature.name) ?? [];
    if (occurrences.length === 0) {
      issues.add([...path, 'name'], unknownFeature(feature.name, known));
      continue;
    }
    const isSensitive = occurrences.some((occurrence) => occurrence.isSensitive);
    if (isSensitive && maySee) noteSensitiveRead(context, 'FILTER', `feature:${feature.name}`);
    if (isSensitive && !maySee) {
      issues.add(
        path,
        `A condition on the sensitive feature ${JSON.stringify(feature.name)} ${NEEDS_SCOPE}`,
      );
    } else {
      const misfit = misfitReason(feature, occurrences);
      if (misfit !== null) issues.add([...path, 'is'], misfit);
    }
  }
  return features;
};

const unknownFeature = (name: string, known: readonly string[]): string => {
  const nearest = nearestName(name, known);
  const meant = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  const listed = known.slice(0, MAX_NAMES).map((other) => JSON.stringify(other));
  const more = known.length > MAX_NAMES ? ' and others' : '';
  const names = known.length === 0 ? 'there are none' : `${listed.join(', ')}${more}`;
  return `No feature schema declares ${JSON.stringify(name)}.${meant} Known features: ${names}.`;
};

/**
 * The condition that a filter stands for. Refuses, naming everything that is wrong, a filter that breaks a rule, names
 * what does not exist, or would tell the caller about values that it may not see. `argument` is what the caller calls it.
 */
export const resolveFilter = async (
  context: Context,
  filter: PredictionFilter,
  {
    mustBeBounded,
    argument = 'filter',
  }: { readonly mustBeBounded: boolean; readonly argument?: string },
): Promise<Condition> => {
  const refuse = (issues: readonly InputIssue[]): void =>
    refuseArguments(
      issues.map(({ path, message }) => ({ path: [argument, ...path.slice(1)], message })),
    );
  const unbounded = mustBeBounded ? unboundedReason(filter) : null;
  refuse([
    ...filterIssues(filter),
    ...(unbounded === null ? [] : [{ path: ['filter'], message: unbounded }]),
  ]);
  const parts = partsOf(filter);
  const issues = collectIssues();
  for (const { filter: part, path } of parts) {
    if (part.entityKeys == null) continue;
    if (maySeeSensitive(context)) noteSensitiveRead(context, 'FILTER', 'entityKeys');
    else issues.add([...path, 'entityKeys'], `A condition on entity keys ${NEEDS_SCOPE}`);
  }
  const [ids, features] = await Promise.all([
    resolveIds(context, parts, issues),
    resolveFeatures(context, parts, issues),
  ]);
  refuse(issues.list);
  const references: FilterReferences = { ids, features };
  const condition = predictionCondition(filter, references);
  const { models } = context.actor;
  return models === null ? condition : allOf([ofModels(models), condition]);
};
