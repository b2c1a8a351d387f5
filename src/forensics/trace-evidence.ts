import { maySeeSensitive } from '../access/sensitive-read.ts';
import { type Artifact, artifactById } from '../evidence/artifact.ts';
import { type CodeCommit, codeCommitById } from '../evidence/code-commit.ts';
import { type DatasetSnapshot, datasetSnapshotById } from '../evidence/dataset-snapshot.ts';
import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import {
  type RuntimeEnvironment,
  runtimeEnvironmentById,
} from '../evidence/runtime-environment.ts';
import type { ArtifactRole, DatasetRole } from '../generated/prisma/enums.ts';
import { digestOfBytes } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { asKnownAt } from '../prediction/observations.ts';
import { predictionDigest } from '../prediction/prediction-digest.ts';
import { identityKey, type PredictionLog } from '../prediction/prediction-log.ts';
import { isRecordVisible } from '../prediction/record-visibility.ts';
import { storedReadings } from '../prediction/schema-codec.ts';
import { type Baselines, baselinesOf } from '../registry/baselines.ts';
import { type LifecycleFact, type LifecycleStage, stageAt } from '../registry/lifecycle.ts';
import { type ModelVersion, modelVersionById, releaseOf } from '../registry/model-version.ts';
import { type Endpoint, endpointById, routeOf } from '../serving/endpoint.ts';
import type { SamplingFact } from '../serving/sampling.ts';
import { samplingAt } from '../serving/sampling-history.ts';
import {
  type DeploymentBelief,
  type DeploymentHistory,
  deploymentsAt,
} from '../serving/timeline.ts';
import { type AlteredHistories, alteredHistories } from './altered-histories.ts';
import type { ServingHistories } from './traced-prediction.ts';

/** What a version was made of. */
interface VersionLineage {
  readonly version: ModelVersion;
  /** `model@semver` of the version. */
  readonly release: string;
  /** Digest that its manifest gives now. */
  readonly manifestDigest: string;
  /** Schema that the version was trained on. */
  readonly expected: FeatureSchema;
  readonly commit: CodeCommit;
  readonly environment: RuntimeEnvironment;
  readonly datasets: readonly { readonly role: DatasetRole; readonly snapshot: DatasetSnapshot }[];
  readonly artifacts: readonly { readonly role: ArtifactRole; readonly artifact: Artifact }[];
  /** Statistics of the version's training snapshots by feature. */
  readonly baselines: Baselines;
}

/** Everything a trace is judged from, as known at one instant. */
export interface TraceEvidence extends VersionLineage {
  readonly prediction: PredictionLog;
  /** Key of the prediction in its global ID. */
  readonly predictionKey: string;
  readonly endpoint: Endpoint;
  /** Schema that the pipeline says it built the features with. */
  readonly builtWith: FeatureSchema;
  /** Features of the record by name, in the order of `builtWith`. */
  readonly readings: ReadonlyMap<string, FeatureReading>;
  readonly undeclaredNames: readonly string[];
  readonly transitions: readonly LifecycleFact[];
  /** Stage at the instant of the prediction; null before the first on record. */
  readonly stage: LifecycleStage | null;
  readonly deployments: readonly DeploymentHistory[];
  /** The deployment of this version on this endpoint at that instant. */
  readonly deployment: DeploymentBelief | null;
  /** The sampling declared for that endpoint and instant; null when there was none. */
  readonly sampling: SamplingFact | null;
  /** `model@semver` of every version deployed on the endpoint, by its internal ID. */
  readonly releases: ReadonlyMap<number, string>;
  readonly knownAt: Instant;
  /** Digest that the stored row gives now, in hex. */
  readonly recomputedDigest: string;
  readonly altered: AlteredHistories;
  readonly maySeeSensitive: boolean;
  /** Whether the caller may see all of the record. */
  readonly maySeeRecord: boolean;
}

/** Joins a prediction and its histories to what never changes, which is in memory on a warm process. */
export const gatherEvidence = async (
  context: Context,
  found: PredictionLog,
  histories: ServingHistories,
  knownAt: Instant,
): Promise<TraceEvidence> => {
  const { database } = context;
  const { transitions, deployments } = histories;
  const prediction = asKnownAt(found, knownAt);
  const {
    version,
    release,
    manifestDigest,
    expected,
    commit,
    environment,
    datasets,
    artifacts,
    baselines,
  } = await lineageOf(
    database,
    referenced(await modelVersionById(database).load(prediction.modelVersionId)),
  );
  const endpoint = referenced(await endpointById(database).load(prediction.endpointId));
  const builtWith = referenced(await featureSchemaById(database).load(prediction.featureSchemaId));
  const readings = storedReadings(builtWith, prediction.features);
  return {
    // One by one, which takes a tenth of the time of spreading them.
    version,
    release,
    manifestDigest,
    expected,
    commit,
    environment,
    datasets,
    artifacts,
    baselines,
    prediction,
    predictionKey: identityKey(prediction),
    endpoint,
    builtWith,
    readings: new Map(readings.map((reading) => [reading.field.name, reading])),
    undeclaredNames: Object.keys(JSON.parse(prediction.features.undeclared ?? '{}')),
    transitions: transitions.filter(({ recordedAt }) => recordedAt <= knownAt),
    stage: stageAt(transitions, prediction.occurredAt, knownAt),
    deployments,
    deployment: servingDeployment(deployments, prediction, knownAt),
    sampling: await samplingKnownAt(context, prediction, knownAt),
    releases: await releasesOf(database, deployments),
    knownAt,
    recomputedDigest: predictionDigest(prediction, {
      endpoint: routeOf(endpoint),
      modelVersion: version.digest,
      featureSchema: builtWith.digest,
    }),
    altered: alteredHistories(histories, version),
    maySeeSensitive: maySeeSensitive(context),
    maySeeRecord: await isRecordVisible(context, prediction),
  };
};

const lineages = new WeakMap<ModelVersion, VersionLineage>();

/** Put together once: none of it ever changes. */
const lineageOf = async (database: Database, version: ModelVersion): Promise<VersionLineage> => {
  const known = lineages.get(version);
  if (known !== undefined) return known;
  const [expected, commit, environment, datasets, artifacts, baselines] = await Promise.all([
    featureSchemaById(database).load(version.featureSchemaId).then(referenced),
    codeCommitById(database).load(version.codeCommitId).then(referenced),
    runtimeEnvironmentById(database).load(version.runtimeEnvironmentId).then(referenced),
    datasetsOf(database, version),
    artifactsOf(database, version),
    baselinesOf(database, version),
  ]);
  const lineage = {
    version,
    release: releaseOf(version),
    manifestDigest: digestOfBytes(version.manifest),
    expected,
    commit,
    environment,
    datasets,
    artifacts,
    baselines,
  };
  lineages.set(version, lineage);
  return lineage;
};

/** What is believed now of the sampling came with the prediction, and was so before when it had been recorded by then. */
const samplingKnownAt = (
  context: Context,
  { endpointId, occurredAt: at, observations: { sampling } }: PredictionLog,
  knownAt: Instant,
): Promise<SamplingFact | null> =>
  sampling === null || sampling.recordedAt <= knownAt
    ? Promise.resolve(sampling)
    : samplingAt(context).load({ endpointId, at, knownAt });

const datasetsOf = (database: Database, { datasets }: ModelVersion) =>
  Promise.all(
    datasets.map(async ({ role, datasetSnapshotId }) => ({
      role,
      snapshot: referenced(await datasetSnapshotById(database).load(datasetSnapshotId)),
    })),
  );

const artifactsOf = (database: Database, { artifacts }: ModelVersion) =>
  Promise.all(
    artifacts.map(async ({ role, artifactId }) => ({
      role,
      artifact: referenced(await artifactById(database).load(artifactId)),
    })),
  );

const ROLE_ORDER = ['PRIMARY', 'CANARY', 'SHADOW'] as const;

/** Where one version had several roles at once, the one whose answers reach most callers. */
const servingDeployment = (
  deployments: readonly DeploymentHistory[],
  { modelVersionId, occurredAt }: PredictionLog,
  knownAt: Instant,
): DeploymentBelief | null => {
  const serving = deploymentsAt(deployments, occurredAt, knownAt).filter(
    ({ deployment }) => deployment.modelVersionId === modelVersionId,
  );
  const byRole = ROLE_ORDER.map((role) => serving.find((belief) => belief.role === role));
  return byRole.find((belief) => belief !== undefined) ?? null;
};

const releases = new WeakMap<readonly DeploymentHistory[], ReadonlyMap<number, string>>();

/** Found once for deployments that are kept in memory. */
const releasesOf = async (
  database: Database,
  deployments: readonly DeploymentHistory[],
): Promise<ReadonlyMap<number, string>> => {
  const known = releases.get(deployments);
  if (known !== undefined) return known;
  const ids = [...new Set(deployments.map(({ modelVersionId }) => modelVersionId))];
  const versions = await Promise.all(ids.map((id) => modelVersionById(database).load(id)));
  const found = new Map(
    versions.flatMap((version) => (version === null ? [] : [[version.id, releaseOf(version)]])),
  );
  releases.set(deployments, found);
  return found;
};
