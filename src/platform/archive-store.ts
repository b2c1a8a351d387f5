import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AlteredArtifactError, storeKey } from './artifact-store.ts';

export interface StoredFile {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Files that are too large for memory, by the SHA-256 of their bytes. */
export interface ArchiveStore {
  /** Where the files are, without credentials. */
  readonly location: string;
  /** Rows of predictions in a file at most: what is looked up there may have to come as a whole. */
  readonly rowsPerFile: number;
  /** Keeps a copy of a file. The same bytes are kept once. */
  put(path: string): Promise<StoredFile>;
  /**
   * A path on this machine where the file can be read; null when it is not there. Throws an
   * {@link AlteredArtifactError} when its bytes are others.
   */
  open(digest: string): Promise<string | null>;
  /** Deletes a file, if it is there. */
  remove(digest: string): Promise<void>;
}

export const ROWS_PER_FILE = 2_000_000;

/** Size and digest of a file, read in pieces. */
export const digestOfFile = async (path: string): Promise<StoredFile> => {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
  });
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
};

const ifMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
};

/** Files in a folder, which is made when something is written. */
export const folderArchive = (folder: string): ArchiveStore => {
  /** What a file was like when its digest was last computed. */
  const known = new Map<string, string>();
  return {
    location: folder,
    rowsPerFile: ROWS_PER_FILE,
    put: async (path) => {
      const stored = await digestOfFile(path);
      const target = join(folder, storeKey(stored.digest));
      await mkdir(dirname(target), { recursive: true });
      // A reader never sees half of a file.
      const unfinished = `${target}.${randomUUID()}`;
      await copyFile(path, unfinished);
      await rename(unfinished, target);
      return stored;
    },
    open: async (digest) => {
      const path = join(folder, storeKey(digest));
      const found = await stat(path).catch(ifMissing);
      if (found === null) return null;
      const version = `${found.size} ${found.mtimeMs} ${found.ctimeMs} ${found.ino}`;
      if (known.get(digest) !== version) {
        const actual = await digestOfFile(path);
        if (actual.digest !== digest) throw new AlteredArtifactError(digest, actual.digest, folder);
        known.set(digest, version);
      }
      return path;
    },
    remove: async (digest) => {
      known.delete(digest);
      await rm(join(folder, storeKey(digest)), { force: true });
    },
  };
};
