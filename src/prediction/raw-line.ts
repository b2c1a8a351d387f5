import { isUtf8 } from 'node:buffer';
import { ExactJsonError, type ExactJsonObject, parseExactJson } from '../platform/exact-json.ts';
import { unstorableText } from '../platform/storable-text.ts';
import { excerpt } from './feature-issue.ts';
import { isJsonObject, MAX_IDENTIFIER_BYTES, memberOf } from './record-members.ts';
import type { RecordIssue } from './rejection.ts';

/** One record as received. */
export interface RawLine {
  /** Where it stands in what was sent: a line from 1, or a position in a list from 0. */
  readonly line: number;
  /** What it came in, and from where to where: a buffer for each line would take longer to make than to read. */
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  /** Why it cannot be read at all, found before it was whole; what is here is then its beginning. */
  readonly fault?: RecordIssue;
  /** Hexadecimal SHA-256 of the whole record when this is only its beginning. */
  readonly digest?: string;
  /** The rejected record that is tried again. */
  readonly rejectedId?: bigint;
}

/** The same bytes as a `Buffer`. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A record that has its bytes for itself. */
export const rawLine = (line: number, bytes: Uint8Array): RawLine => ({
  line,
  chunk: bufferOf(bytes),
  start: 0,
  end: bytes.length,
});

export const bytesOf = ({ chunk, start, end }: RawLine): Buffer => chunk.subarray(start, end);

/** Reads the JSON object of a line, or says why there is none. */
export const parseLine = (
  raw: RawLine,
): { readonly record: ExactJsonObject } | { readonly issue: RecordIssue } => {
  if (raw.fault !== undefined) return { issue: raw.fault };
  const bytes = bytesOf(raw);
  if (!isUtf8(bytes)) return { issue: invalidUtf8(bytes) };
  try {
    const value = parseExactJson(lineText(bytes));
    if (isJsonObject(value)) return { record: value };
    const message = `The line is ${excerpt(value)}, which is not an object; send {"requestId": …}`;
    return { issue: { code: 'INVALID_JSON', path: null, value: excerpt(value), message } };
  } catch (error) {
    if (!(error instanceof ExactJsonError)) throw error;
    const code = error.code === 'INEXACT_NUMBER' ? 'NUMBER_NOT_REPRESENTABLE' : 'INVALID_JSON';
    const value = excerpt(lineText(bytes.subarray(0, 400)));
    return { issue: { code, path: null, value, message: error.message } };
  }
};

/** The text of a line that is UTF-8. */
export const lineText = (bytes: Uint8Array): string => bufferOf(bytes).toString('utf8');

const invalidUtf8 = (bytes: Buffer): RecordIssue => {
  const at = firstInvalidByte(bytes);
  const byte = bytes[at]?.toString(16).toUpperCase().padStart(2, '0') ?? '';
  return {
    code: 'INVALID_ENCODING',
    path: null,
    value: `0x${byte}`,
    message: `The line is not UTF-8: byte ${at + 1} is 0x${byte}; send JSON in UTF-8`,
  };
};

/** Reading replaces what is invalid by U+FFFD, so the first of those that was not sent as such is the place. */
const firstInvalidByte = (bytes: Buffer): number => {
  const text = lineText(bytes);
  let byte = 0;
  let unit = 0;
  for (;;) {
    const next = text.indexOf('\ufffd', unit);
    if (next < 0) return byte;
    byte += Buffer.byteLength(text.slice(unit, next));
    const wasSent = bytes[byte] === 0xef && bytes[byte + 1] === 0xbf && bytes[byte + 2] === 0xbd;
    if (!wasSent) return byte;
    byte += 3;
    unit = next + 1;
  }
};

/** The request ID of a record that is refused, to find it by; null when it has none that can be stored. */
export const requestIdOf = (record: ExactJsonObject): string | null => {
  const id = memberOf(record, 'requestId');
  if (typeof id !== 'string' || id === '' || unstorableText(id) !== null) return null;
  return Buffer.byteLength(id) <= MAX_IDENTIFIER_BYTES ? id : null;
};
