import type { Instant } from '../platform/instant.ts';
import { type CountEstimate, totalOf } from '../prediction/count-estimate.ts';
import { type RegressionError, regressionErrors } from './regression-error.ts';
import type { LabelScores } from './roc-auc.ts';
import { collectSample, type Sample, type SampleSummary } from './sample.ts';

/** Most different combinations of version, schema, predicted and observed label in one cohort. */
export const MAX_LABEL_PAIRS = 10_000;

/** Predictions of one version and schema that have one predicted and one observed label. */
export interface ObservedGroup extends CountEstimate {
  readonly modelVersionId: number;
  readonly featureSchemaId: number;
  readonly label: string | null;
  readonly hasOutcome: boolean;
  readonly outcomeLabel: string | null;
  /** The rates at which its records were kept. */
  readonly leastRate: number;
  readonly greatestRate: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Without those that are null. */
  readonly scores: Float64Array;
  readonly latencies: Float64Array;
  /** Without a label: score and numeric outcome in turn, of each prediction that has both. */
  readonly scoresAndOutcomes: Float64Array;
  /** Without a label: numeric outcomes, be there a score or not. */
  readonly numericOutcomes: number;
}

/** The answers of one cohort, gathered. */
export interface CohortObservations {
  readonly size: number;
  readonly estimate: CountEstimate;
  /** The rates at which its records were kept; null when there are none. */
  readonly rates: { readonly least: number; readonly greatest: number } | null;
  readonly firstAt: Instant | null;
  readonly lastAt: Instant | null;
  /** Predictions by row ID. */
  readonly modelVersions: ReadonlyMap<number, number>;
  readonly featureSchemas: ReadonlyMap<number, number>;
  readonly score: SampleSummary;
  readonly latencyMs: SampleSummary;
  readonly labels: ReadonlyMap<string, number>;
  readonly unlabelledCount: number;
  readonly outcomeCount: number;
  /** Counts by predicted, then by observed label. */
  readonly confusion: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly scoresByOutcome: ReadonlyMap<string, SampleSummary>;
  readonly labelScores: readonly LabelScores[];
  /** Of predictions without a label whose outcome is a number. */
  readonly error: RegressionError | null;
  /** Such predictions of which the score or the outcome is not finite, or there is no score. */
  readonly incomparableCount: number;
}

const increase = <Key>(counts: Map<Key, number>, key: Key, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

const memberOf = <Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value => {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const made = make();
  map.set(key, made);
  return made;
};

const countsBy = <Key>(
  groups: readonly ObservedGroup[],
  key: (group: ObservedGroup) => Key | null,
): ReadonlyMap<Key, number> => {
  const counts = new Map<Key, number>();
  for (const group of groups) {
    const found = key(group);
    if (found !== null) increase(counts, found, group.count);
  }
  return counts;
};

const sum = (groups: readonly ObservedGroup[], count: (group: ObservedGroup) => number): number =>
  groups.reduce((total, group) => total + count(group), 0);

const sampleOf = (
  groups: readonly ObservedGroup[],
  values: (group: ObservedGroup) => Float64Array,
): SampleSummary => {
  const sample = collectSample();
  for (const group of groups) {
    const present = values(group);
    sample.add(present, group.count - present.length);
  }
  return sample.summary();
};

const confusionOf = (groups: readonly ObservedGroup[]): CohortObservations['confusion'] => {
  const confusion = new Map<string, Map<string, number>>();
  for (const { label, outcomeLabel, count } of groups) {
    if (label === null || outcomeLabel === null) continue;
    increase(
      memberOf(confusion, label, () => new Map<string, number>()),
      outcomeLabel,
      count,
    );
  }
  return confusion;
};

const scoresByOutcome = (
  groups: readonly ObservedGroup[],
): CohortObservations['scoresByOutcome'] => {
  const samples = new Map<string, Sample>();
  for (const { outcomeLabel, scores, count } of groups) {
    if (outcomeLabel === null) continue;
    memberOf(samples, outcomeLabel, collectSample).add(scores, count - scores.length);
  }
  return new Map([...samples].map(([label, sample]) => [label, sample.summary()]));
};

/** The range of scores that each version gave with each label; of those that were scored at all. */
const labelScoresOf = (groups: readonly ObservedGroup[]): readonly LabelScores[] => {
  const ranges = new Map<string, LabelScores>();
  for (const { modelVersionId, label, scores } of groups) {
    if (label === null) continue;
    const key = `${modelVersionId} ${label}`;
    let { min, max } = ranges.get(key) ?? { min: Infinity, max: -Infinity };
    for (const score of scores) {
      if (score < min) min = score;
      if (score > max) max = score;
    }
    if (min <= max) ranges.set(key, { modelVersionId, label, min, max });
  }
  return [...ranges.values()];
};

const errorOf = (
  groups: readonly ObservedGroup[],
): Pick<CohortObservations, 'error' | 'incomparableCount'> => {
  const errors = regressionErrors();
  for (const { scoresAndOutcomes } of groups) {
    for (let at = 0; at < scoresAndOutcomes.length; at += 2) {
      const [score = Number.NaN, outcome = Number.NaN] = scoresAndOutcomes.subarray(at, at + 2);
      if (Number.isFinite(score) && Number.isFinite(outcome)) errors.add(score, outcome);
    }
  }
  const error = errors.result();
  const all = sum(groups, ({ numericOutcomes }) => numericOutcomes);
  return { error, incomparableCount: all - (error?.count ?? 0) };
};

/** Puts the groups of a cohort together. */
export const observationsOf = (groups: readonly ObservedGroup[]): CohortObservations => ({
  size: sum(groups, ({ count }) => count),
  estimate: totalOf(groups),
  rates:
    groups.length === 0
      ? null
      : {
          least: Math.min(...groups.map(({ leastRate }) => leastRate)),
          greatest: Math.max(...groups.map(({ greatestRate }) => greatestRate)),
        },
  firstAt: groups.length === 0 ? null : Math.min(...groups.map(({ firstAt }) => firstAt)),
  lastAt: groups.length === 0 ? null : Math.max(...groups.map(({ lastAt }) => lastAt)),
  modelVersions: countsBy(groups, ({ modelVersionId }) => modelVersionId),
  featureSchemas: countsBy(groups, ({ featureSchemaId }) => featureSchemaId),
  score: sampleOf(groups, ({ scores }) => scores),
  latencyMs: sampleOf(groups, ({ latencies }) => latencies),
  labels: countsBy(groups, ({ label }) => label),
  unlabelledCount: sum(groups, ({ label, count }) => (label === null ? count : 0)),
  outcomeCount: sum(groups, ({ hasOutcome, count }) => (hasOutcome ? count : 0)),
  confusion: confusionOf(groups),
  scoresByOutcome: scoresByOutcome(groups),
  labelScores: labelScoresOf(groups),
  ...errorOf(groups),
});
