import { type ArchiveStore, folderArchive } from '../platform/archive-store.ts';
import {
  AlteredArtifactError,
  type ArtifactStore,
  folderStore,
} from '../platform/artifact-store.ts';
import type { Session } from '../platform/database.ts';
import { archiveDigests } from '../prediction/archive-index.ts';
import { ExportError } from './export-error.ts';
import { type ManifestContent, partsOf } from './manifest.ts';

/** Where the files that a database names are. */
export interface Stores {
  readonly artifacts: ArtifactStore;
  readonly archive: ArchiveStore;
}

export type ExportedFiles = Pick<ManifestContent, 'artifacts' | 'archives' | 'missing'>;

/** What was found; undefined when it is altered. */
const unaltered = <Found>(found: Promise<Found>): Promise<Found | undefined> =>
  found.catch((error: unknown) => {
    if (error instanceof AlteredArtifactError) return undefined;
    throw error;
  });

/** Copies the files that the database names. An artifact that its store never had is not missing. */
export const exportFiles = async (
  session: Session,
  { artifacts, archive }: Stores,
  folder: string,
  allowMissing: boolean,
): Promise<ExportedFiles> => {
  const files: ExportedFiles = { artifacts: [], archives: [], missing: [] };
  const miss = (digest: string, { location }: { readonly location: string }): void => {
    files.missing.push(digest);
    if (allowMissing) return;
    throw new ExportError(
      `${digest} is altered or gone from ${location}: put it back, or go on without it (--allow-missing). If a week was restored or an entity erased meanwhile, just try again.`,
    );
  };
  const parts = partsOf(folder);
  const named = await session.query<{ digest: string }>({
    text: 'SELECT digest FROM artifact ORDER BY id',
  });
  const artifactCopies = folderStore(parts.artifacts);
  for (const { digest } of named) {
    const bytes = await unaltered(artifacts.read(digest));
    if (bytes === undefined) miss(digest, artifacts);
    else if (bytes !== null) files.artifacts.push(await artifactCopies.write(bytes));
  }
  const archiveCopies = folderArchive(parts.archives);
  for (const digest of await archiveDigests(session)) {
    const path = await unaltered(archive.open(digest));
    if (path == null) miss(digest, archive);
    else files.archives.push((await archiveCopies.put(path)).digest);
  }
  return files;
};

/** Puts the files of an export into stores, where they may be already. */
export const importFiles = async (
  folder: string,
  { artifacts, archives }: ExportedFiles,
  stores: Stores,
): Promise<void> => {
  const parts = partsOf(folder);
  for (const digest of artifacts) {
    const bytes = await folderStore(parts.artifacts).read(digest);
    if (bytes !== null) await stores.artifacts.write(bytes);
  }
  const copies = folderArchive(parts.archives);
  for (const digest of archives) {
    const path = await copies.open(digest);
    if (path !== null) await stores.archive.put(path);
  }
};
