import { createGunzip, type Gunzip } from 'node:zlib';
import { BrokenBodyError } from './broken-body.ts';

/** Bytes unpacked at a time: they may become a thousand times as many, which all must fit in memory. */
const SLICE = 8 * 1024;

/** How many times its size a body may become, once it is so large that this tells something, in bytes. */
export const MAX_RATIO = 200;
const TELLING = 4 * 1024 * 1024;

/**
 * Unpacks gzip, slice by slice. When it breaks off, everything before is passed on, then it throws a `BrokenBodyError`;
 * when it is corrupt, everything before the slice that is. A plain pipe would lose what was unpacked and not yet read.
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip();
  let unpacked: Uint8Array[] = [];
  let failure: Error | undefined;
  unpacker.on('data', (bytes: Uint8Array) => unpacked.push(bytes));
  unpacker.on('error', (error) => {
    failure = error;
  });
  let read = 0;
  let size = 0;
  const take = (): readonly Uint8Array[] => {
    const taken = unpacked;
    unpacked = [];
    for (const bytes of taken) size += bytes.length;
    return taken;
  };
  try {
    for await (const chunk of source) {
      for (let start = 0; start < chunk.length; start += SLICE) {
        const slice = chunk.subarray(start, start + SLICE);
        await write(unpacker, slice);
        read += slice.length;
        yield* take();
        if (failure !== undefined) throw broken(failure);
        if (size > TELLING && size > MAX_RATIO * read) throw overstretched(read, size);
      }
    }
    await finish(unpacker);
    yield* take();
    if (failure !== undefined) throw broken(failure);
  } finally {
    unpacker.destroy();
  }
}

/** Resolves when the slice is unpacked or cannot be: then the callback may never be called. */
const write = (unpacker: Gunzip, slice: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      unpacker.off('error', done);
      setImmediate(resolve);
    };
    unpacker.once('error', done);
    unpacker.write(slice, done);
  });

const finish = (unpacker: Gunzip): Promise<void> =>
  new Promise((resolve) => {
    if (unpacker.destroyed) return resolve();
    unpacker.once('close', () => resolve());
    unpacker.end();
  });

const overstretched = (read: number, size: number): BrokenBodyError =>
  new BrokenBodyError(
    'COMPRESSION_LIMIT',
    `The gzip body is ${Math.round(size / read)} times as large unpacked up to here; the limit is ${MAX_RATIO}. What came before was read; send this record and the rest plain`,
  );

const broken = (failure: Error & { readonly code?: unknown }): BrokenBodyError =>
  failure.code === 'Z_BUF_ERROR'
    ? new BrokenBodyError(
        'TRUNCATED_BODY',
        'The gzip body breaks off here: what came before was read; send this record and the rest again',
      )
    : new BrokenBodyError(
        'CORRUPT_BODY',
        `The gzip body cannot be unpacked beyond here: ${failure.message}; what came before was read; send this record and the rest again`,
      );
