import { commitDigest } from '../evidence/code-commit.ts';
import { findSnapshots, snapshotDigest } from '../evidence/dataset-snapshot.ts';
import { findFeatureSchemas } from '../evidence/feature-schema.ts';
import { featureSchemaContent } from '../evidence/feature-schema-record.ts';
import { environmentContent, findEnvironments } from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import { digestOf, digestOfBytes } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { brokenLinks } from './lifecycle.ts';
import { lifecycleOf } from './lifecycle-history.ts';
import { manifestDigest } from './manifest.ts';
import { findModelVersions, type ModelVersion, ModelVersionRef } from './model-version.ts';

interface IntegrityReport {
  readonly computedDigest: string;
  readonly brokenReferences: readonly string[];
  readonly brokenTransitions: readonly number[];
  readonly isIntact: boolean;
}

/** What a version is made of, read from the rows past every cache: memory says nothing about what is stored. */
const readParts = async ({ prisma }: Database, version: ModelVersion) => {
  const snapshotIds = version.datasets.map(({ datasetSnapshotId }) => datasetSnapshotId);
  const [schema] = await findFeatureSchemas(prisma, { id: { in: [version.featureSchemaId] } });
  const [environment] = await findEnvironments(prisma, {
    id: { in: [version.runtimeEnvironmentId] },
  });
  const implementations = (schema?.fields ?? []).flatMap(({ transformations }) =>
    transformations.flatMap(({ codeCommit }) => (codeCommit === null ? [] : [codeCommit])),
  );
  const commits = await prisma.codeCommit.findMany({
    where: { OR: [{ id: version.codeCommitId }, { digest: { in: implementations } }] },
  });
  return {
    schema: referenced(schema ?? null),
    environment: referenced(environment ?? null),
    commit: referenced(commits.find(({ id }) => id === version.codeCommitId) ?? null),
    commits,
    snapshots: await findSnapshots(prisma, { id: { in: snapshotIds } }),
    artifacts: await prisma.artifact.findMany({
      where: { id: { in: version.artifacts.map(({ artifactId }) => artifactId) } },
    }),
    parent:
      version.parentId === null
        ? null
        : await prisma.modelVersion.findUniqueOrThrow({ where: { id: version.parentId } }),
  };
};

type Parts = Awaited<ReturnType<typeof readParts>>;

const recomputedManifestDigest = (version: ModelVersion, parts: Parts): string => {
  const snapshots = new Map(parts.snapshots.map(({ id, digest }) => [id, digest]));
  const artifacts = new Map(parts.artifacts.map(({ id, digest }) => [id, digest]));
  return manifestDigest({
    model: version.model.name,
    semver: version.semver,
    commit: parts.commit.digest,
    featureSchema: parts.schema.digest,
    datasets: version.datasets.map(({ role, datasetSnapshotId }) => ({
      role,
      digest: referenced(snapshots.get(datasetSnapshotId) ?? null),
    })),
    environment: parts.environment.digest,
    artifacts: version.artifacts.map(({ role, artifactId }) => ({
      role,
      digest: referenced(artifacts.get(artifactId) ?? null),
    })),
    hyperparameters: version.hyperparameters,
    parent: parts.parent?.digest ?? null,
  });
};

/** Pairs of the digest that an object is filed under and the one that its rows give now. */
const recomputedReferences = ({ commits, schema, environment, snapshots, parent }: Parts) => [
  ...commits.map((commit) => [commit.digest, commitDigest(commit)] as const),
  [schema.digest, digestOf(featureSchemaContent(schema))] as const,
  [environment.digest, digestOf(environmentContent(environment))] as const,
  ...snapshots.map((snapshot) => [snapshot.digest, snapshotDigest(snapshot)] as const),
  ...(parent === null ? [] : [[parent.digest, digestOfBytes(parent.manifest)] as const]),
];

/** Recomputes everything that a version's identity rests on from its rows. */
export const checkIntegrity = async (context: Context, id: number): Promise<IntegrityReport> => {
  const [found] = await findModelVersions(context.database.prisma, { id: { in: [id] } });
  const version = referenced(found ?? null);
  const parts = await readParts(context.database, version);
  const computedDigest = recomputedManifestDigest(version, parts);
  const brokenReferences = recomputedReferences(parts)
    .filter(([recorded, computed]) => recorded !== computed)
    .map(([recorded]) => recorded);
  const brokenTransitions = brokenLinks(version.digest, await lifecycleOf(context).load(id));
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
      'Recomputes the manifest digest and that of every referenced object from the rows as they are stored now.',
    complexity: 20,
    resolve: ({ id }, _, context) => checkIntegrity(context, id),
  }),
);
