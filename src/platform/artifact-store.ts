import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfBytes } from './canonical-json.ts';

/** Files by the SHA-256 of their bytes. */
export interface ArtifactStore {
  /** Where the files are, without credentials. */
  readonly location: string;
  /** The bytes; null when there are none. Throws an {@link AlteredArtifactError} when they are others. */
  read(digest: string): Promise<Uint8Array | null>;
  /** Keeps the bytes and returns their digest. The same bytes are kept once. */
  write(bytes: Uint8Array): Promise<string>;
}

/** What is stored under a digest has another one. */
export class AlteredArtifactError extends Error {
  override readonly name = 'AlteredArtifactError';
  readonly actual: string;
  constructor(digest: string, actual: string, location: string) {
    super(`The file stored as ${digest} in ${location} was altered: its bytes give ${actual}.`);
    this.actual = actual;
  }
}

/** Gives bytes only as what they are. */
export const verified = (digest: string, bytes: Uint8Array, location: string): Uint8Array => {
  const actual = digestOfBytes(bytes);
  if (actual !== digest) throw new AlteredArtifactError(digest, actual, location);
  return bytes;
};

/** `sha256/ab/abcd…`: few enough files in one folder. */
export const storeKey = (digest: string): string => {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw new Error(`${JSON.stringify(digest)} is not a digest.`);
  return `sha256/${hex.slice(0, 2)}/${hex}`;
};

/** Files in a folder, which is made when something is written. */
export const folderStore = (folder: string): ArtifactStore => ({
  location: folder,
  read: async (digest) => {
    const bytes = await readFile(join(folder, storeKey(digest))).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
        throw error;
      },
    );
    return bytes === null ? null : verified(digest, bytes, folder);
  },
  write: async (bytes) => {
    const digest = digestOfBytes(bytes);
    const path = join(folder, storeKey(digest));
    await mkdir(dirname(path), { recursive: true });
    // A reader never sees half of a file.
    const unfinished = `${path}.${randomUUID()}`;
    await writeFile(unfinished, bytes);
    await rename(unfinished, path);
    return digest;
  },
});
