import type { ArtifactRole, DatasetRole } from '../generated/prisma/enums.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import { idsByNamePair, splitRelease } from '../platform/name-pairs.ts';

/** A named line of model versions. */
export interface Model {
  readonly id: number;
  readonly name: string;
  readonly description: string | null;
  readonly recordedAt: Date;
}

/** One immutable model version with references to everything it was made from. */
export interface ModelVersion {
  readonly id: number;
  /** SHA-256 of `manifest`. */
  readonly digest: string;
  readonly recipeDigest: string;
  readonly model: Model;
  readonly semver: string;
  /** RFC 8785 canonical JSON text. */
  readonly manifest: string;
  readonly codeCommitId: number;
  readonly featureSchemaId: number;
  readonly runtimeEnvironmentId: number;
  readonly parentId: number | null;
  readonly datasets: readonly { readonly role: DatasetRole; readonly datasetSnapshotId: number }[];
  readonly artifacts: readonly { readonly role: ArtifactRole; readonly artifactId: number }[];
  /** RFC 8785 canonical JSON text. */
  readonly hyperparameters: string;
  readonly recordedBy: string;
  readonly recordedAt: Date;
}

type Where = { id: { in: number[] } } | { digest: { in: string[] } };

/** Versions as stored now, past the cache. */
export const findModelVersions = (
  prisma: Pick<Database['prisma'], 'modelVersion'>,
  where: Where,
): Promise<ModelVersion[]> =>
  prisma.modelVersion.findMany({
    where,
    include: {
      model: true,
      datasets: {
        select: { role: true, datasetSnapshotId: true },
        orderBy: [{ role: 'asc' }, { datasetSnapshotId: 'asc' }],
      },
      artifacts: {
        select: { role: true, artifactId: true },
        orderBy: [{ role: 'asc' }, { artifactId: 'asc' }],
      },
    },
  });

/** The name people use, such as `flight-delay@1.0.0`. */
export const releaseOf = (version: ModelVersion): string =>
  `${version.model.name}@${version.semver}`;

export const modelVersionById = immutableLoader<number, ModelVersion>(
  'ModelVersion',
  async (database, ids) => {
    const versions = await findModelVersions(database.prisma, { id: { in: [...ids] } });
    return new Map(versions.map((version) => [version.id, version]));
  },
);

export const modelVersionByDigest = immutableLoader<string, ModelVersion>(
  'ModelVersion',
  async (database, digests) => {
    const versions = await findModelVersions(database.prisma, { digest: { in: [...digests] } });
    return new Map(versions.map((version) => [version.digest, version]));
  },
);

const RELEASES = `SELECT v.id, m.name AS first, v.semver AS second
  FROM model_version v JOIN model m ON m.id = v.model_id`;

/** Keys are `model@semver`. */
export const modelVersionByRelease = immutableLoader<string, ModelVersion>(
  'ModelVersion',
  async (database, releases) => {
    const ids = await idsByNamePair(database, RELEASES, releases.map(splitRelease));
    const versions =
      ids.length === 0 ? [] : await findModelVersions(database.prisma, { id: { in: ids } });
    return new Map(versions.map((version) => [releaseOf(version), version]));
  },
);

export const ModelVersionRef = builder.objectRef<ModelVersion>('ModelVersion');

export const ReleaseInput = builder.inputType('ReleaseInput', {
  description: 'A model name with a semantic version.',
  fields: (t) => ({
    model: t.string({ required: true, description: 'Model name.' }),
    semver: t.field({ type: 'SemVer', required: true, description: 'Semantic version.' }),
  }),
});

export const ModelVersionReferenceInput = builder.inputType('ModelVersionReference', {
  description: 'A way to name one model version.',
  isOneOf: true,
  fields: (t) => ({
    id: t.globalID({ for: ModelVersionRef, description: 'Global ID.' }),
    digest: t.field({ type: 'Digest', description: 'Manifest digest.' }),
    release: t.field({ type: ReleaseInput, description: 'Model name and semantic version.' }),
  }),
});

export type ModelVersionReference = typeof ModelVersionReferenceInput.$inferInput;

/** The version that a reference names; null when there is none. The global ID of a version holds its digest. */
export const findModelVersion = (
  database: Database,
  { id, digest, release }: ModelVersionReference,
): Promise<ModelVersion | null> => {
  const key = id?.id ?? digest;
  if (key != null) return modelVersionByDigest(database).load(key);
  if (release == null) return Promise.resolve(null);
  return modelVersionByRelease(database).load(`${release.model}@${release.semver}`);
};
