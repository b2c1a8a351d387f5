import { commitContent } from '../evidence/code-commit.ts';
import { findSnapshots, snapshotContent } from '../evidence/dataset-snapshot.ts';
import { findFeatureSchemas } from '../evidence/feature-schema.ts';
import { featureSchemaContent } from '../evidence/feature-schema-record.ts';
import { environmentContent, findEnvironments } from '../evidence/runtime-environment.ts';
import { canonicalJson } from '../platform/canonical-json.ts';
import type { Database } from '../platform/database.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { findModelVersions } from '../registry/model-version.ts';
import type { DossierStatement } from './dossier-format.ts';

type Manifest = DossierStatement['predicate']['manifests'][number];

/** Everything that the digest of a prediction leads to, as the texts that the digests cover; read past every cache. */
export const manifestsOf = async (
  { prisma }: Database,
  { modelVersionId, featureSchemaId }: PredictionLog,
): Promise<readonly Manifest[]> => {
  const versions = await findModelVersions(prisma, { id: { in: [modelVersionId] } });
  const schemas = await findFeatureSchemas(prisma, {
    id: { in: [featureSchemaId, ...versions.map((version) => version.featureSchemaId)] },
  });
  const commits = await prisma.codeCommit.findMany({
    where: { id: { in: versions.map(({ codeCommitId }) => codeCommitId) } },
  });
  const environments = await findEnvironments(prisma, {
    id: { in: versions.map(({ runtimeEnvironmentId }) => runtimeEnvironmentId) },
  });
  const snapshots = await findSnapshots(prisma, {
    id: {
      in: versions.flatMap(({ datasets }) =>
        datasets.map(({ datasetSnapshotId }) => datasetSnapshotId),
      ),
    },
  });
  const of =
    <Part extends { readonly digest: string }>(kind: string, text: (part: Part) => string) =>
    (part: Part): Manifest => ({ kind, digest: part.digest, text: text(part) });
  return [
    ...versions.map(of('ModelVersion', ({ manifest }) => manifest)),
    ...schemas.map(of('FeatureSchema', (schema) => canonicalJson(featureSchemaContent(schema)))),
    ...commits.map(of('CodeCommit', (commit) => canonicalJson(commitContent(commit)))),
    ...environments.map(
      of('RuntimeEnvironment', (environment) => canonicalJson(environmentContent(environment))),
    ),
    ...snapshots.map(of('DatasetSnapshot', (snapshot) => canonicalJson(snapshotContent(snapshot)))),
  ];
};
