import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import { sameTransformations } from '../evidence/schema-compatibility.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { givenAfter, placeAfter } from '../prediction/case-chunk.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { predictionByIdentity } from '../prediction/prediction-by-identity.ts';
import type { GivenFeatures, PredictionLog } from '../prediction/prediction-log.ts';
import { storedReadings } from '../prediction/schema-codec.ts';
import { countMatches } from '../prediction/search-page.ts';
import type { Condition } from '../prediction/sql-condition.ts';
import { baselinesOf } from '../registry/baselines.ts';
import { type ModelVersion, modelVersionById } from '../registry/model-version.ts';
import { type FeatureScale, featureDistance, gowerDistance, nearestOf } from './gower.ts';

/** Most cases that are compared; more are refused rather than sampled. */
export const MAX_CANDIDATES = 200_000;
const CHUNK = 2000;

export interface FeatureDifference {
  readonly name: string;
  readonly own: FeatureReading;
  readonly other: FeatureReading;
  /** From 0 to 1; the distance is the mean of these over all compared features. */
  readonly distance: number;
}

export interface Counterexample {
  readonly prediction: PredictionLog;
  readonly distance: number;
  /** Features that differ, the most different first. */
  readonly differences: readonly FeatureDifference[];
}

export interface CounterexampleReport {
  readonly nearest: readonly Counterexample[];
  readonly compared: number;
  /** Cases whose features mean something else, or were erased. */
  readonly skipped: number;
  readonly features: readonly string[];
  readonly excluded: readonly { readonly name: string; readonly reason: string }[];
}

export interface CounterexampleQuery {
  readonly version: ModelVersion;
  readonly from: Instant;
  readonly to: Instant;
  /** Cases with another label when null; otherwise with a score at least this far away. */
  readonly margin: number | null;
  readonly first: number;
}

/** Features that can be compared, and why the others cannot. */
const scalesOf = (
  schema: FeatureSchema,
  baselines: Awaited<ReturnType<typeof baselinesOf>>,
  maySeeSensitive: boolean,
): Pick<CounterexampleReport, 'excluded'> & { readonly scales: readonly FeatureScale[] } => {
  const scales: FeatureScale[] = [];
  const excluded: { name: string; reason: string }[] = [];
  for (const { name, type, shape, isSensitive } of schema.fields) {
    const numeric = baselines.get(name)?.numeric ?? null;
    const isNumber = type !== 'BOOL' && type !== 'STRING';
    const hasRange = numeric !== null && numeric.min !== null && numeric.max !== null;
    const reason =
      isSensitive && !maySeeSensitive
        ? 'It is sensitive, and this caller lacks the scope features:sensitive.'
        : shape.length > 0
          ? 'It has a shape.'
          : isNumber && !hasRange
            ? 'The training data has no range of it.'
            : null;
    if (reason !== null) excluded.push({ name, reason });
    else {
      const range = hasRange ? (numeric.max ?? 0) - (numeric.min ?? 0) : null;
      scales.push({ name, range: isNumber ? range : null });
    }
  }
  return { scales, excluded };
};

const conditionOf =
  (prediction: PredictionLog, { version, from, to, margin }: CounterexampleQuery): Condition =>
  (parameter) => {
    const score = prediction.score ?? Number.NaN;
    // Not the difference of the scores: that of two large ones is no 64-bit float, which the database refuses. Beside a
    // large score a small margin vanishes, and leaves the score itself.
    const other =
      margin === null
        ? `l.label <> ${parameter(prediction.label, 'text')}`
        : `(l.score <= ${parameter(score - margin, 'float8')} OR l.score >= ${parameter(score + margin, 'float8')})
          AND l.score NOT IN ('NaN', ${parameter(score, 'float8')})`;
    return `l.model_version_id = ${parameter(version.id, 'int')}
      AND l.occurred_at >= ${parameter(formatInstant(from), 'timestamptz')}
      AND l.occurred_at < ${parameter(formatInstant(to), 'timestamptz')} AND ${other}`;
  };

type Readings = ReadonlyMap<string, FeatureReading>;

const readingsOf = (schema: FeatureSchema, row: Pick<PredictionLog, 'features'>): Readings =>
  new Map(storedReadings(schema, row.features).map((reading) => [reading.field.name, reading]));

/** Whether every compared feature is there and means the same. */
const isComparable = (own: Readings, other: Readings, scales: readonly FeatureScale[]): boolean =>
  scales.every(({ name }) => {
    const [one, another] = [own.get(name), other.get(name)];
    return (
      one !== undefined &&
      another !== undefined &&
      another.status !== 'ERASED' &&
      one.field.type === another.field.type &&
      (one.field === another.field || sameTransformations(one.field, another.field))
    );
  });

const refuseTooMany = async ({ database }: Context, condition: Condition): Promise<void> => {
  const count = await countMatches(database, condition, MAX_CANDIDATES + 1);
  if (count <= MAX_CANDIDATES) return;
  const message = `More than ${MAX_CANDIDATES} cases would be compared; narrow the window.`;
  throw argumentError({ path: ['during'], message });
};

/** The nearest cases that went the other way: exact, by reading every one of them in chunks. */
export const counterexamples = async (
  context: Context,
  prediction: PredictionLog,
  query: CounterexampleQuery,
): Promise<CounterexampleReport> => {
  const { database, actor } = context;
  const schema = referenced(await featureSchemaById(database).load(prediction.featureSchemaId));
  const ownVersion = referenced(await modelVersionById(database).load(prediction.modelVersionId));
  const { scales, excluded } = scalesOf(
    schema,
    await baselinesOf(database, ownVersion),
    actor.scopes.has('features:sensitive'),
  );
  const condition = conditionOf(prediction, query);
  await refuseTooMany(context, condition);
  const own = readingsOf(schema, prediction);
  const nearest = nearestOf<{ readonly row: GivenFeatures; readonly readings: Readings }>(
    query.first,
  );
  let compared = 0;
  let skipped = 0;
  const search = { condition, versions: null };
  let last: GivenFeatures | null = null;
  do {
    const place = last === null ? null : placeAfter(last);
    const rows: readonly GivenFeatures[] = await givenAfter(database, search, place, CHUNK);
    for (const row of rows) {
      const built = referenced(await featureSchemaById(database).load(row.featureSchemaId));
      const readings = readingsOf(built, row);
      if (!isComparable(own, readings, scales)) {
        skipped += 1;
        continue;
      }
      compared += 1;
      const distances = scales.map((scale) =>
        featureDistance(own.get(scale.name)?.value, readings.get(scale.name)?.value, scale),
      );
      nearest.offer(gowerDistance(distances), { row, readings });
    }
    last = rows.length < CHUNK ? null : (rows.at(-1) ?? null);
  } while (last !== null);
  return {
    nearest: await Promise.all(
      nearest.kept().map(async ({ distance, item }) => ({
        prediction: referenced(await predictionByIdentity(context).load(item.row)),
        distance,
        differences: differencesOf(own, item.readings, scales),
      })),
    ),
    compared,
    skipped,
    features: scales.map(({ name }) => name),
    excluded,
  };
};

const differencesOf = (
  own: Readings,
  other: Readings,
  scales: readonly FeatureScale[],
): readonly FeatureDifference[] =>
  scales
    .flatMap((scale): FeatureDifference[] => {
      const [one, another] = [own.get(scale.name), other.get(scale.name)];
      if (one === undefined || another === undefined) return [];
      const distance = featureDistance(one.value, another.value, scale);
      return distance === 0 ? [] : [{ name: scale.name, own: one, other: another, distance }];
    })
    .sort((a, b) => b.distance - a.distance);
