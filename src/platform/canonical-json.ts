import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A value that I-JSON (RFC 7493), and so RFC 8785, cannot express. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

/** Far above what the parser lets in; stops a value that contains itself. */
const MAX_DEPTH = 1000;

/** RFC 8785 text. Throws a {@link CanonicalJsonError} that names the place of anything the RFC does not allow. */
export const canonicalJson = (value: JsonValue): string => {
  refuseInexpressible(value, '$', 0);
  const text = canonicalize(value);
  if (text === undefined) throw new CanonicalJsonError('The value has no JSON form');
  return text;
};

/** `sha256:` and the hex digest of the canonical JSON in UTF-8. */
export const digestOf = (value: JsonValue): string => digestOfBytes(canonicalJson(value));

/** `sha256:` and the hex digest of bytes, or of a text in UTF-8. */
export const digestOfBytes = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The package skips `undefined`, calls `toJSON` and reports without a place; evidence must not depend on that. */
const refuseInexpressible = (value: unknown, path: string, depth: number): void => {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    refuseLoneSurrogate(value, path);
  } else if (typeof value === 'number') {
    if (Number.isFinite(value)) return;
    throw refusal(path, `${value} is not a JSON number; write it as a string`);
  } else if (typeof value === 'bigint') {
    throw refusal(path, `${value} is an integer beyond ±(2^53 − 1); write it as a string`);
  } else if (typeof value !== 'object') {
    throw refusal(path, `a value of type ${typeof value} has no JSON form`);
  } else if (depth >= MAX_DEPTH) {
    throw refusal('$', `the value nests more than ${MAX_DEPTH} levels deep`);
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      refuseInexpressible(value[i], `${path}[${i}]`, depth + 1);
    }
  } else {
    refuseInObject(value, path, depth);
  }
};

const refuseInObject = (value: object, path: string, depth: number): void => {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refusal(path, 'only plain objects have a JSON form');
  }
  for (const [key, member] of Object.entries(value)) {
    refuseLoneSurrogate(key, path);
    refuseInexpressible(member, `${path}.${key}`, depth + 1);
  }
};

const refuseLoneSurrogate = (text: string, path: string): void => {
  if (/\p{Surrogate}/u.test(text)) {
    throw refusal(
      path,
      `${JSON.stringify(text)} holds half a surrogate pair, which is not Unicode`,
    );
  }
};

const refusal = (path: string, reason: string): CanonicalJsonError =>
  new CanonicalJsonError(`At ${path}: ${reason}`);
