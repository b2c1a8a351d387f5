import { digestOfFile, folderArchive, type StoredFile } from '../platform/archive-store.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import { ExportError } from './export-error.ts';
import { type Manifest, partsOf } from './manifest.ts';

const broken = (path: string, what: string): ExportError =>
  new ExportError(`${path} ${what}: the export was cut off or edited. Take another copy of it.`);

const digested = (path: string): Promise<StoredFile> =>
  digestOfFile(path).catch((error: NodeJS.ErrnoException) => {
    throw broken(path, `cannot be read (${error.message})`);
  });

const checkStored = async (folder: string, digests: readonly string[]): Promise<void> => {
  const store = folderArchive(folder);
  for (const digest of digests) {
    const path = await store.open(digest).catch((error: unknown) => {
      throw error instanceof AlteredArtifactError
        ? broken(folder, `holds ${digest} no more`)
        : error;
    });
    if (path === null) throw broken(folder, `has no ${digest}`);
  }
};

/** Reads every file of an export; throws when one is not as it was written. */
export const checkFiles = async (folder: string, manifest: Manifest): Promise<void> => {
  const parts = partsOf(folder);
  const files = [
    ...manifest.tables.map(({ name, digest }) => ({ path: parts.table(name), digest })),
    ...(manifest.signingKey === null
      ? []
      : [{ path: parts.signingKey, digest: manifest.signingKey }]),
  ];
  for (const { path, digest } of files) {
    const found = await digested(path);
    if (found.digest !== digest) {
      throw broken(path, `has ${found.sizeBytes} bytes with ${found.digest} instead of ${digest}`);
    }
  }
  await checkStored(parts.artifacts, manifest.artifacts);
  await checkStored(parts.archives, manifest.archives);
};
