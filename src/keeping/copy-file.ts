import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { StoredFile } from '../platform/archive-store.ts';

/** Rows of a table in COPY's text format, compressed. */
export interface CopyFile extends StoredFile {
  readonly rows: number;
}

const NEWLINE = 10;

/** A row is a line: a newline within a value is written as `\n`. */
const countRows = (text: Uint8Array): number => {
  let count = 0;
  for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};

/** Writes rows to a file, no faster than the disk takes them. */
export const writeCopyFile = async (
  path: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<CopyFile> => {
  const hash = createHash('sha256');
  let rows = 0;
  let sizeBytes = 0;
  await pipeline(
    pieces,
    async function* (texts: AsyncIterable<Uint8Array>) {
      for await (const text of texts) {
        rows += countRows(text);
        yield text;
      }
    },
    // The level at which reading the rows takes longer.
    createGzip({ level: 1 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(path, { mode: 0o600, flush: true }),
  );
  return { rows, sizeBytes, digest: `sha256:${hash.digest('hex')}` };
};

/** How much text goes to the database at once, if no single row is longer. */
const PIECE = 4 * 1024 * 1024;

/** The rows of a file, in pieces that end where a row ends. */
const piecesOf = async function* (
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer<ArrayBuffer>> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0 || size < PIECE) {
      waiting.push(chunk);
      size += chunk.length;
      continue;
    }
    yield Buffer.concat([...waiting, chunk.subarray(0, end)]);
    waiting = [chunk.subarray(end)];
    size = chunk.length - end;
  }
  yield Buffer.concat(waiting);
};

/** Gives the rows of a file to `take`, a piece at a time; tells how many there were. */
export const readCopyFile = async (
  path: string,
  take: (text: Buffer<ArrayBuffer>, rows: number) => Promise<void>,
): Promise<number> => {
  let rows = 0;
  await pipeline(createReadStream(path), createGunzip(), piecesOf, async (texts) => {
    for await (const text of texts) {
      if (text.length === 0) continue;
      const count = countRows(text);
      await take(text, count);
      rows += count;
    }
  });
  return rows;
};
