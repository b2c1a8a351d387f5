import { createHash, type Hash } from 'node:crypto';
import { BrokenBodyError } from './broken-body.ts';
import { bufferOf, type RawLine, rawLine } from './raw-line.ts';

/** Longest line in bytes, without its end. */
export const MAX_LINE_BYTES = 1024 * 1024;

/** How much of a longer line is kept. */
export const KEPT_LINE_BYTES = 64 * 1024;

/** Where a batch ends, whichever comes first. */
export const BATCH_LINES = 10_000;
const BATCH_BYTES = 8 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const TAB = 9;

/** The line that is being read, when it began in an earlier chunk. */
interface OpenLine {
  parts: Uint8Array[];
  length: number;
  /** Set once the line is too long: then its bytes are digested and let go. */
  hash: Hash | null;
}

const newLine = (): OpenLine => ({ parts: [], length: 0, hash: null });

/** A line that stands in one chunk; null for an empty one. */
const wholeLine = (line: number, chunk: Buffer, start: number, stop: number): RawLine | null => {
  const end = stop > start && chunk[stop - 1] === CARRIAGE_RETURN ? stop - 1 : stop;
  if (end - start > MAX_LINE_BYTES) {
    const bytes = chunk.subarray(start, end);
    return longLine(line, bytes.length, bytes, createHash('sha256').update(bytes));
  }
  return isBlank(chunk, start, end) ? null : { line, chunk, start, end };
};

/**
 * Reads newline-delimited JSON in batches, holding one batch and one line at a time. A line that is too long, or that a
 * broken body ends in, comes as a line with a fault. Numbers lines from 1 and skips empty ones.
 */
export async function* ndjsonBatches(source: AsyncIterable<Uint8Array>): AsyncGenerator<RawLine[]> {
  let batch: RawLine[] = [];
  let bytes = 0;
  let number = 0;
  let open = newLine();
  const end = (chunk: Buffer, start: number, stop: number): void => {
    number += 1;
    const line =
      open.length === 0
        ? wholeLine(number, chunk, start, stop)
        : closeLine(open, number, chunk.subarray(start, stop));
    if (open.length > 0) open = newLine();
    if (line === null) return;
    batch.push(line);
    bytes += line.end - line.start;
  };
  try {
    for await (const received of source) {
      const chunk = bufferOf(received);
      let start = 0;
      for (;;) {
        if (open.length === 0) {
          const lines = emptyLines(chunk, start);
          start += lines.bytes;
          number += lines.count;
        }
        const at = chunk.indexOf(LINE_FEED, start);
        if (at < 0) break;
        end(chunk, start, at);
        start = at + 1;
        if (batch.length < BATCH_LINES && bytes < BATCH_BYTES) continue;
        yield batch;
        batch = [];
        bytes = 0;
      }
      extend(open, chunk.subarray(start));
    }
    if (open.length > 0) end(NOTHING, 0, 0);
  } catch (error) {
    if (!(error instanceof BrokenBodyError)) throw error;
    batch.push(brokenLine(open, number + 1, error));
  }
  if (batch.length > 0) yield batch;
}

/** Empty lines at a place: they compress to nothing, so reading them must cost next to nothing. */
const emptyLines = (chunk: Uint8Array, start: number): { bytes: number; count: number } => {
  let at = start;
  let count = 0;
  for (;;) {
    if (chunk[at] === LINE_FEED) at += 1;
    else if (chunk[at] === CARRIAGE_RETURN && chunk[at + 1] === LINE_FEED) at += 2;
    else return { bytes: at - start, count };
    count += 1;
  }
};

const extend = (open: OpenLine, part: Uint8Array): void => {
  if (part.length === 0) return;
  open.length += part.length;
  if (open.hash !== null) {
    open.hash.update(part);
    return;
  }
  open.parts.push(part);
  if (open.length <= MAX_LINE_BYTES + 1) return;
  const hash = createHash('sha256');
  for (const one of open.parts) hash.update(one);
  open.hash = hash;
  open.parts = [Buffer.concat(open.parts).subarray(0, KEPT_LINE_BYTES)];
};

const bytesOf = ({ parts }: OpenLine): Uint8Array => {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
};

/** A line that began in an earlier chunk. */
const closeLine = (open: OpenLine, line: number, last: Uint8Array): RawLine | null => {
  extend(open, last);
  const bytes = bufferOf(bytesOf(open));
  return open.hash === null
    ? wholeLine(line, bytes, 0, bytes.length)
    : longLine(line, open.length, bytes, open.hash);
};

const isBlank = (chunk: Buffer, start: number, end: number): boolean => {
  for (let at = start; at < end; at += 1) {
    const byte = chunk[at];
    if (byte !== SPACE && byte !== TAB) return false;
  }
  return true;
};

const longLine = (line: number, length: number, bytes: Uint8Array, hash: Hash): RawLine => {
  const message = `The line has ${length} bytes; the limit is ${MAX_LINE_BYTES}. Send it in less, or split it; its first ${KEPT_LINE_BYTES} bytes are kept`;
  const fault = { code: 'LINE_TOO_LONG', path: null, value: null, message } as const;
  // A copy, or the part kept would hold the chunk that it came in.
  const kept = Uint8Array.prototype.slice.call(bytes, 0, KEPT_LINE_BYTES);
  return { ...rawLine(line, kept), fault, digest: hash.digest('hex') };
};

const brokenLine = (open: OpenLine, line: number, { code, message }: BrokenBodyError): RawLine => ({
  ...rawLine(line, bytesOf(open)),
  fault: { code, path: null, value: null, message },
  ...(open.hash === null ? {} : { digest: open.hash.digest('hex') }),
});
