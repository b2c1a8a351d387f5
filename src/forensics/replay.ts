import { artifactById } from '../evidence/artifact.ts';
import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import { fieldChanges } from '../evidence/schema-compatibility.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { storedReadings } from '../prediction/schema-codec.ts';
import { type ModelVersion, releaseOf } from '../registry/model-version.ts';
import { listed } from './finding.ts';
import { loadServed } from './inference-runner.ts';
import type {
  FeatureRecord,
  LoadedModel,
  ModelOutput,
  NotRunnable,
  RunnerIdentity,
} from './model-runner.ts';
import { loadOnnx } from './onnx-runner.ts';
import { changeText } from './schema-difference.ts';

/** Why a prediction cannot be run again. */
export type NotReplayableReason =
  | NotRunnable['reason']
  | 'ARTIFACT_UNRECORDED'
  | 'ARTIFACT_MISSING'
  | 'ARTIFACT_ALTERED'
  | 'SCHEMA_UNSATISFIED'
  | 'ERASED'
  | 'REDACTED'
  | 'NO_COMPARABLE_OUTPUT';

export interface NotReplayable {
  readonly reason: NotReplayableReason;
  readonly message: string;
}

/** What a model said again, and what has another meaning for it than for the pipeline that built it. */
export interface ReplayedAnswer {
  readonly outputs: readonly ModelOutput[];
  readonly otherMeanings: readonly string[];
  readonly runner: RunnerIdentity;
}

export interface ReplayOptions {
  /** Run a version also on features that mean something else to it, which is what a bad rollback does. */
  readonly acceptOtherMeanings: boolean;
  readonly runner: 'LOCAL' | 'INFERENCE_SERVER';
}

const ONNX = 'application/x-onnx';

/** The weights of a version, verified and loaded. */
const loadFile = async (
  { database, artifacts }: Context,
  version: ModelVersion,
): Promise<LoadedModel | NotReplayable> => {
  const uses = version.artifacts.filter(({ role }) => role === 'WEIGHTS');
  const files = await Promise.all(
    uses.map(async ({ artifactId }) => referenced(await artifactById(database).load(artifactId))),
  );
  const release = releaseOf(version);
  const [file] = files;
  if (file === undefined) {
    const message = `${release} was registered without a file of role WEIGHTS.`;
    return { reason: 'ARTIFACT_UNRECORDED', message };
  }
  if (files.length > 1 || file.mediaType !== ONNX) {
    const types = listed(files.map(({ mediaType }) => mediaType));
    const message = `${release} has weights of type ${types}; one file of type ${ONNX} can be run here.`;
    return { reason: 'UNSUPPORTED_FORMAT', message };
  }
  try {
    const bytes = await artifacts.read(file.digest);
    if (bytes !== null) return await loadOnnx(file.digest, bytes);
    const message = `${file.digest} is not in ${artifacts.location}; put it there with \`hindcast artifacts put FILE\`.`;
    return { reason: 'ARTIFACT_MISSING', message };
  } catch (error) {
    if (!(error instanceof AlteredArtifactError)) throw error;
    return { reason: 'ARTIFACT_ALTERED', message: error.message };
  }
};

const UNCONFIGURED: NotReplayable = {
  reason: 'RUNTIME_UNAVAILABLE',
  message:
    'No inference server is configured; set HINDCAST_INFERENCE_URL to the address of one that speaks the Open Inference Protocol V2.',
};

const loadModel = (
  context: Context,
  version: ModelVersion,
  { runner }: ReplayOptions,
): Promise<LoadedModel | NotReplayable> => {
  if (runner === 'LOCAL') return loadFile(context, version);
  const { inferenceUrl } = context;
  return inferenceUrl === null
    ? Promise.resolve(UNCONFIGURED)
    : loadServed(inferenceUrl, version.model.name, version.semver);
};

/** As much of a prediction as a replay reads. */
export type Replayable = Pick<PredictionLog, 'modelVersionId' | 'featureSchemaId' | 'features'>;

interface Fitted {
  readonly record: FeatureRecord;
  readonly otherMeanings: readonly string[];
}

/** What features built with a schema are to a version. */
interface Fit {
  readonly builtWith: FeatureSchema;
  readonly version: ModelVersion;
  readonly expected: FeatureSchema;
  /** Where each feature stands among the readings. */
  readonly places: ReadonlyMap<string, number>;
  /** Sensitive features that this caller may not see. */
  readonly hidden: readonly string[];
  readonly otherMeanings: readonly string[];
}

const fitOf = (
  builtWith: FeatureSchema,
  version: ModelVersion,
  expected: FeatureSchema,
  maySeeSensitive: boolean,
): Fit => ({
  builtWith,
  version,
  expected,
  places: new Map(builtWith.fields.map(({ name }, place) => [name, place])),
  hidden: maySeeSensitive
    ? []
    : builtWith.fields.filter(({ isSensitive }) => isSensitive).map(({ name }) => name),
  otherMeanings: fieldChanges(builtWith, expected)
    .filter(({ kind, severity }) => kind === 'CHANGED' && severity === 'ERROR')
    .map(changeText),
});

/** The values of a prediction as a version's schema takes them, by name. */
const fittedTo = (
  { builtWith, version, expected, places, hidden, otherMeanings }: Fit,
  prediction: Replayable,
  { acceptOtherMeanings }: ReplayOptions,
): Fitted | NotReplayable => {
  const readings = storedReadings(builtWith, prediction.features);
  if (readings.some(({ status }) => status === 'ERASED')) {
    return { reason: 'ERASED', message: 'Its values were erased by request.' };
  }
  if (readings.length > 0 && hidden.length > 0) {
    const message = `An answer tells about ${listed(hidden)}, which need the scope features:sensitive.`;
    return { reason: 'REDACTED', message };
  }
  const record: FeatureRecord = { get: (name) => readings[places.get(name) ?? -1] };
  const missing = expected.fields.filter(({ name }) => record.get(name) === undefined);
  // What the version did answer it is run on as it was, whatever it meant.
  const mayDiffer = acceptOtherMeanings || prediction.modelVersionId === version.id;
  if (missing.length > 0 || (otherMeanings.length > 0 && !mayDiffer)) {
    const lacks =
      missing.length === 0 ? '' : ` It was not given ${listed(missing.map(({ name }) => name))}.`;
    const differs =
      otherMeanings.length === 0 ? '' : ` These mean something else: ${listed(otherMeanings)}.`;
    const message = `${releaseOf(version)} expects ${expected.name} ${expected.semver}, the features were built with ${builtWith.name} ${builtWith.semver}.${lacks}${differs}`;
    return { reason: 'SCHEMA_UNSATISFIED', message };
  }
  return { record, otherMeanings };
};

/** Runs a version on predictions as they were logged, in their order; no statement on a warm process. */
export const replayThrough = async (
  context: Context,
  version: ModelVersion,
  predictions: readonly Replayable[],
  options: ReplayOptions,
): Promise<readonly (ReplayedAnswer | NotReplayable)[]> => {
  const { database, actor } = context;
  const model = await loadModel(context, version, options);
  if ('reason' in model) return predictions.map(() => model);
  const expected = referenced(await featureSchemaById(database).load(version.featureSchemaId));
  const maySeeSensitive = actor.scopes.has('features:sensitive');
  const fits = new Map<number, Fit>();
  for (const id of new Set(predictions.map(({ featureSchemaId }) => featureSchemaId))) {
    const builtWith = referenced(await featureSchemaById(database).load(id));
    fits.set(id, fitOf(builtWith, version, expected, maySeeSensitive));
  }
  const fitted = predictions.map((prediction) =>
    fittedTo(referenced(fits.get(prediction.featureSchemaId) ?? null), prediction, options),
  );
  const runnable = fitted.filter((one) => 'record' in one);
  const answers = await model.run(runnable.map(({ record }) => record));
  let next = 0;
  return fitted.map((one) => {
    if ('reason' in one) return one;
    const answer = answers[next] ?? [];
    next += 1;
    if ('reason' in answer) return answer;
    return { outputs: answer, otherMeanings: one.otherMeanings, runner: model.identity };
  });
};
