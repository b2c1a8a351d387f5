import { randomUUID } from 'node:crypto';
import { createWriteStream, openAsBlob, rmSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type ArchiveStore, digestOfFile, ROWS_PER_FILE } from './archive-store.ts';
import { AlteredArtifactError } from './artifact-store.ts';
import { type S3Options, s3Bucket } from './s3-artifact-store.ts';
import { putInParts } from './s3-parts.ts';

/** How long a file may take on its way, in milliseconds. */
const PATIENCE = 900_000;

/** How long a copy stays on this machine after it was last asked for, in milliseconds. */
const KEPT = 600_000;

/** Larger files are put in parts of this size. */
const PART_BYTES = 256 * 1024 * 1024;

/** Files in a bucket. One that is read is fetched as a whole, and its copy kept for ten minutes after its last use. */
export const s3Archive = (options: S3Options, partBytes = PART_BYTES): ArchiveStore => {
  const bucket = s3Bucket(options);
  const { location, send, notThere } = bucket;
  const copies = new Map<string, Promise<string | null>>();
  const ends = new Map<string, NodeJS.Timeout>();
  let folder: Promise<string> | undefined;
  const ownFolder = async (): Promise<string> => {
    folder ??= mkdtemp(join(tmpdir(), 'hindcast-archive-')).then((path) => {
      process.once('exit', () => rmSync(path, { recursive: true, force: true }));
      return path;
    });
    return folder;
  };
  const drop = async (digest: string): Promise<void> => {
    const copy = copies.get(digest);
    copies.delete(digest);
    clearTimeout(ends.get(digest));
    ends.delete(digest);
    const path = await copy?.catch(() => null);
    if (path != null) await rm(path, { force: true });
  };
  const fetchCopy = async (digest: string): Promise<string | null> => {
    const response = await send(digest, { method: 'GET' }, PATIENCE);
    if (response === null) return null;
    const path = join(await ownFolder(), randomUUID());
    const body = Readable.fromWeb((response.body ?? new Blob().stream()) as ReadableStream);
    await pipeline(body, createWriteStream(path));
    const actual = await digestOfFile(path);
    if (actual.digest !== digest) {
      await rm(path, { force: true });
      throw new AlteredArtifactError(digest, actual.digest, location);
    }
    const finished = `${path}.parquet`;
    await rename(path, finished);
    ends.set(digest, setTimeout(() => void drop(digest), KEPT).unref());
    return finished;
  };
  return {
    location,
    rowsPerFile: ROWS_PER_FILE,
    put: async (path) => {
      const stored = await digestOfFile(path);
      const file = await openAsBlob(path);
      if (file.size > partBytes) {
        await putInParts(bucket, stored.digest, file, partBytes);
        return stored;
      }
      const response = await send(stored.digest, { method: 'PUT', body: file }, PATIENCE);
      if (response === null) throw notThere();
      return stored;
    },
    open: async (digest) => {
      const existing = copies.get(digest);
      ends.get(digest)?.refresh();
      if (existing !== undefined) return existing;
      const copy = fetchCopy(digest);
      copies.set(digest, copy);
      const path = await copy.catch((error: unknown) => {
        copies.delete(digest);
        throw error;
      });
      if (path === null) copies.delete(digest);
      return path;
    },
    remove: async (digest) => {
      await drop(digest);
      await send(digest, { method: 'DELETE' });
    },
  };
};
