import { artifactById } from '../evidence/artifact.ts';
import { codeCommitById, commitDigest } from '../evidence/code-commit.ts';
import { datasetSnapshotById, snapshotDigest } from '../evidence/dataset-snapshot.ts';
import { featureSchemaById } from '../evidence/feature-schema.ts';
import { featureSchemaContent } from '../evidence/feature-schema-record.ts';
import { environmentContent, runtimeEnvironmentById } from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import { digestOf, digestOfBytes } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import { brokenLinks } from './lifecycle.ts';
import { lifecycleOf } from './lifecycle-history.ts';
import { manifestDigest } from './manifest.ts';
import { type ModelVersion, ModelVersionRef, modelVersionById } from './model-version.ts';

interface IntegrityReport {
  readonly computedDigest: string;
  readonly brokenReferences: readonly string[];
  readonly brokenTransitions: readonly number[];
  readonly isIntact: boolean;
}

/** A referenced object: the digest it is filed under, and the one that its rows give now. */
interface Recomputed {
  readonly recorded: string;
  readonly computed: string;
}

const isBroken = ({ recorded, computed }: Recomputed): boolean => recorded !== computed;

const recomputeReferences = async (
  { database }: Context,
  version: ModelVersion,
): Promise<{
  readonly commit: Recomputed;
  readonly schema: Recomputed;
  readonly environment: Recomputed;
  readonly datasets: readonly (Recomputed & { role: ModelVersion['datasets'][number]['role'] })[];
}> => {
  const gone = { recorded: 'gone', computed: '' };
  const commit = await codeCommitById(database).load(version.codeCommitId);
  const schema = await featureSchemaById(database).load(version.featureSchemaId);
  const environment = await runtimeEnvironmentById(database).load(version.runtimeEnvironmentId);
  return {
    commit: commit === null ? gone : { recorded: commit.digest, computed: commitDigest(commit) },
    schema:
      schema === null
        ? gone
        : { recorded: schema.digest, computed: digestOf(featureSchemaContent(schema)) },
    environment:
      environment === null
        ? gone
        : { recorded: environment.digest, computed: digestOf(environmentContent(environment)) },
    datasets: await Promise.all(
      version.datasets.map(async ({ role, datasetSnapshotId }) => {
        const snapshot = await datasetSnapshotById(database).load(datasetSnapshotId);
        return snapshot === null
          ? { role, ...gone }
          : { role, recorded: snapshot.digest, computed: snapshotDigest(snapshot) };
      }),
    ),
  };
};

/** Recomputes everything that a version's identity rests on from its rows. */
const checkIntegrity = async (
  context: Context,
  version: ModelVersion,
): Promise<IntegrityReport> => {
  const { commit, schema, environment, datasets } = await recomputeReferences(context, version);
  const parent =
    version.parentId === null
      ? null
      : await modelVersionById(context.database).load(version.parentId);
  const artifacts = await Promise.all(
    version.artifacts.map(async ({ role, artifactId }) => ({
      role,
      digest: (await artifactById(context.database).load(artifactId))?.digest ?? 'gone',
    })),
  );
  const computedDigest = manifestDigest({
    model: version.model.name,
    semver: version.semver,
    commit: commit.recorded,
    featureSchema: schema.recorded,
    datasets: datasets.map(({ role, recorded }) => ({ role, digest: recorded })),
    environment: environment.recorded,
    artifacts,
    hyperparameters: version.hyperparameters,
    parent: parent?.digest ?? null,
  });
  const brokenReferences = [commit, schema, environment, ...datasets]
    .filter(isBroken)
    .map(({ recorded }) => recorded);
  const brokenTransitions = brokenLinks(
    version.digest,
    await lifecycleOf(context).load(version.id),
  );
  return {
    computedDigest,
    brokenReferences,
    brokenTransitions,
    isIntact:
      computedDigest === version.digest &&
      digestOfBytes(version.manifest) === version.digest &&
      brokenReferences.length === 0 &&
      brokenTransitions.length === 0,
  };
};

const IntegrityReportRef = builder.objectRef<IntegrityReport>('IntegrityReport').implement({
  description: "Result of recomputing a model version's digests from what is stored.",
  fields: (t) => ({
    isIntact: t.exposeBoolean('isIntact', { description: 'Whether every check passed.' }),
    computedDigest: t.expose('computedDigest', {
      type: 'Digest',
      description: 'Digest of the manifest rebuilt from the stored links.',
    }),
    isTransitionChainIntact: t.boolean({
      description: 'Whether the lifecycle hash chain is unbroken.',
      resolve: ({ brokenTransitions }) => brokenTransitions.length === 0,
    }),
    brokenReferences: t.stringList({
      description: 'Recorded digests of the referenced objects whose rows give another digest now.',
      resolve: ({ brokenReferences }) => [...brokenReferences],
    }),
  }),
});

builder.objectField(ModelVersionRef, 'integrity', (t) =>
  t.field({
    type: IntegrityReportRef,
    description:
      'Recomputes the manifest digest and that of every referenced object. What this process has in memory is checked as it was read.',
    complexity: 20,
    resolve: (version, _, context) => checkIntegrity(context, version),
  }),
);
