import { type Artifact, artifactById } from '../evidence/artifact.ts';
import { type CodeCommit, codeCommitById } from '../evidence/code-commit.ts';
import { type DatasetSnapshot, datasetSnapshotById } from '../evidence/dataset-snapshot.ts';
import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import {
  type RuntimeEnvironment,
  runtimeEnvironmentById,
} from '../evidence/runtime-environment.ts';
import type { ArtifactRole, DatasetRole } from '../generated/prisma/enums.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import type { FeatureReading } from '../prediction/feature-decode.ts';
import { observationsKnownAt } from '../prediction/observations.ts';
import { predictionDigest } from '../prediction/prediction-digest.ts';
import { identityKey, type PredictionLog } from '../prediction/prediction-log.ts';
import { storedReadings } from '../prediction/schema-codec.ts';
import { type Baselines, baselinesOf } from '../registry/baselines.ts';
import { type LifecycleFact, type LifecycleStage, stageAt } from '../registry/lifecycle.ts';
import { lifecycleOf } from '../registry/lifecycle-history.ts';
import { type ModelVersion, modelVersionById, releaseOf } from '../registry/model-version.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import { type Endpoint, endpointById, routeOf } from '../serving/endpoint.ts';
import type { SamplingFact } from '../serving/sampling.ts';
import { samplingAt } from '../serving/sampling-history.ts';
import {
  type DeploymentBelief,
  type DeploymentHistory,
  deploymentsAt,
} from '../serving/timeline.ts';

/** Everything a trace is judged from, as known at one instant. */
export interface TraceEvidence {
  readonly prediction: PredictionLog;
  /** Key of the prediction in its global ID. */
  readonly predictionKey: string;
  readonly endpoint: Endpoint;
  readonly version: ModelVersion;
  /** `model@semver` of the version. */
  readonly release: string;
  /** Schema that the pipeline says it built the features with. */
  readonly builtWith: FeatureSchema;
  /** Schema that the version was trained on. */
  readonly expected: FeatureSchema;
  /** Features of the record by name, in the order of `builtWith`. */
  readonly readings: ReadonlyMap<string, FeatureReading>;
  readonly undeclaredNames: readonly string[];
  readonly commit: CodeCommit;
  readonly environment: RuntimeEnvironment;
  readonly datasets: readonly { readonly role: DatasetRole; readonly snapshot: DatasetSnapshot }[];
  readonly artifacts: readonly { readonly role: ArtifactRole; readonly artifact: Artifact }[];
  /** Statistics of the version's training snapshots by feature. */
  readonly baselines: Baselines;
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
  readonly maySeeSensitive: boolean;
}

/** Two statements on a warm process: the version's history and the endpoint's. All else is immutable and in memory. */
export const gatherEvidence = async (
  context: Context,
  found: PredictionLog,
  knownAt: Instant,
): Promise<TraceEvidence> => {
  const { database } = context;
  const prediction = { ...found, observations: observationsKnownAt(found.observations, knownAt) };
  const version = referenced(await modelVersionById(database).load(prediction.modelVersionId));
  const [
    endpoint,
    builtWith,
    expected,
    commit,
    environment,
    datasets,
    artifacts,
    facts,
    deployments,
    sampling,
  ] = await Promise.all([
    endpointById(database).load(prediction.endpointId).then(referenced),
    featureSchemaById(database).load(prediction.featureSchemaId).then(referenced),
    featureSchemaById(database).load(version.featureSchemaId).then(referenced),
    codeCommitById(database).load(version.codeCommitId).then(referenced),
    runtimeEnvironmentById(database).load(version.runtimeEnvironmentId).then(referenced),
    datasetsOf(database, version),
    artifactsOf(database, version),
    lifecycleOf(context).load(version.id),
    deploymentsOf(context).load(prediction.endpointId),
    samplingKnownAt(context, prediction, knownAt),
  ]);
  const readings = storedReadings(builtWith, prediction.features);
  return {
    prediction,
    predictionKey: identityKey(prediction),
    endpoint,
    version,
    release: releaseOf(version),
    builtWith,
    expected,
    readings: new Map(readings.map((reading) => [reading.field.name, reading])),
    undeclaredNames: Object.keys(JSON.parse(prediction.features.undeclared ?? '{}')),
    commit,
    environment,
    datasets,
    artifacts,
    baselines: await baselinesOf(database, version),
    transitions: facts.filter(({ recordedAt }) => recordedAt <= knownAt),
    stage: stageAt(facts, prediction.occurredAt, knownAt),
    deployments,
    deployment: servingDeployment(deployments, prediction, knownAt),
    sampling,
    releases: await releasesOf(database, deployments),
    knownAt,
    recomputedDigest: predictionDigest(prediction, {
      endpoint: routeOf(endpoint),
      modelVersion: version.digest,
      featureSchema: builtWith.digest,
    }),
    maySeeSensitive: context.actor.scopes.has('features:sensitive'),
  };
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

const releasesOf = async (
  database: Database,
  deployments: readonly DeploymentHistory[],
): Promise<ReadonlyMap<number, string>> => {
  const ids = [...new Set(deployments.map(({ modelVersionId }) => modelVersionId))];
  const versions = await Promise.all(ids.map((id) => modelVersionById(database).load(id)));
  return new Map(
    versions.flatMap((version) => (version === null ? [] : [[version.id, releaseOf(version)]])),
  );
};
