import { type Artifact, artifactById } from '../evidence/artifact.ts';
import { featureSchemaById } from '../evidence/feature-schema.ts';
import { runtimeEnvironmentById } from '../evidence/runtime-environment.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import { checkIntegrity } from '../registry/integrity.ts';
import { stageAt } from '../registry/lifecycle.ts';
import { lifecycleOf } from '../registry/lifecycle-history.ts';
import { type ModelVersion, modelVersionById, releaseOf } from '../registry/model-version.ts';
import { guardDeployments } from '../serving/deployment-guard.ts';
import { deploymentsOf } from '../serving/deployment-history.ts';
import type { Endpoint } from '../serving/endpoint.ts';
import {
  beliefAt,
  type DeploymentBelief,
  type DeploymentHistory,
  deploymentsAt,
  presentOf,
} from '../serving/timeline.ts';
import {
  checkArtifacts,
  checkEnvironment,
  checkFeatures,
  checkIntact,
  checkServed,
  checkStage,
  type RollbackCheckItem,
} from './rollback-rules.ts';
import { type SentSchema, sentFeatures } from './sent-features.ts';

/** Predictions that show what a pipeline sends, when the caller does not say. */
export const DEFAULT_LAST = 200;

/** What is known about a rollback before it is done. */
export interface RollbackEvidence {
  readonly endpoint: Endpoint;
  readonly target: ModelVersion;
  readonly at: Instant;
  readonly sent: readonly SentSchema[];
  readonly checks: readonly RollbackCheckItem[];
}

const servedBefore = (
  histories: readonly DeploymentHistory[],
  versionId: number,
  at: Instant,
): readonly DeploymentBelief[] =>
  histories
    .filter(({ modelVersionId }) => modelVersionId === versionId)
    .map((history) => beliefAt(history))
    .filter((belief) => belief !== null)
    .filter(({ startedAt }) => startedAt < at);

/** Files that the store does not hold, or holds altered. */
const notInStore = async (
  context: Context,
  artifacts: readonly Artifact[],
): Promise<readonly string[]> => {
  const missing = await Promise.all(
    artifacts.map(async ({ digest }) => {
      const bytes = await context.artifacts.read(digest).catch((error: unknown) => {
        if (error instanceof AlteredArtifactError) return null;
        throw error;
      });
      return bytes === null ? [digest] : [];
    }),
  );
  return missing.flat();
};

/** Everything but the dry run. A constant number of statements. */
export const checkRollback = async (
  context: Context,
  endpoint: Endpoint,
  target: ModelVersion,
  at: Instant,
  last: number,
): Promise<RollbackEvidence> => {
  const { database } = context;
  const [facts, histories, sent, expected, environment, integrity, artifacts] = await Promise.all([
    lifecycleOf(context).load(target.id),
    deploymentsOf(context).load(endpoint.id),
    sentFeatures(database, endpoint.id, at, last),
    featureSchemaById(database).load(target.featureSchemaId).then(referenced),
    runtimeEnvironmentById(database).load(target.runtimeEnvironmentId).then(referenced),
    checkIntegrity(context, target.id),
    Promise.all(
      target.artifacts.map(({ artifactId }) =>
        artifactById(database).load(artifactId).then(referenced),
      ),
    ),
  ]);
  const serving = deploymentsAt(histories, at).filter(({ role }) => role !== 'SHADOW');
  const environments = await Promise.all(
    serving.map(async ({ deployment }) => {
      const version = referenced(await modelVersionById(database).load(deployment.modelVersionId));
      return referenced(await runtimeEnvironmentById(database).load(version.runtimeEnvironmentId));
    }),
  );
  const release = releaseOf(target);
  return {
    endpoint,
    target,
    at,
    sent,
    checks: [
      checkStage(release, stageAt(facts, at), 'PRIMARY'),
      checkFeatures(release, expected, sent),
      checkEnvironment(environment, environments),
      checkArtifacts(artifacts, await notInStore(context, artifacts)),
      checkIntact(release, integrity.isIntact),
      checkServed(release, servedBefore(histories, target.id, at), at),
    ],
  };
};

// A version that comes back meets a pipeline that went on without it. One that is new, or that serves already, brings
// its own; and the stage is checked when a deployment starts anyway.
guardDeployments(async (context, { endpoint, version, at }) => {
  const histories = await deploymentsOf(context).load(endpoint.id);
  const when = at ?? presentOf(histories);
  const isServing = deploymentsAt(histories, when).some(
    ({ deployment }) => deployment.modelVersionId === version.id,
  );
  if (isServing || servedBefore(histories, version.id, when).length === 0) return [];
  const { checks } = await checkRollback(context, endpoint, version, when, DEFAULT_LAST);
  return checks
    .filter(({ code, verdict }) => verdict === 'BLOCKED' && code !== 'STAGE_ALLOWS_SERVING')
    .map(({ message }) => message);
});
