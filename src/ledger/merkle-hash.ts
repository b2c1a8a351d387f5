import { hash } from 'node:crypto';

/** 32 bytes: SHA-256. */
export type Hash = Uint8Array;

const sha256 = (...parts: readonly Uint8Array[]): Hash =>
  new Uint8Array(hash('sha256', Buffer.concat(parts), 'buffer'));

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** RFC 6962, section 2.1: hash of one entry. */
export const leafHash = (entry: Uint8Array): Hash => sha256(LEAF, entry);

/** RFC 6962, section 2.1: hash of two subtrees, left and right. */
export const nodeHash = (left: Hash, right: Hash): Hash => sha256(NODE, left, right);

/** Root of the tree without entries. */
export const EMPTY_ROOT: Hash = sha256();

/** What a record's leaf is: nobody who lacks the salt can guess the content back. */
export const commitmentOf = (salt: Uint8Array, digest: Uint8Array): Hash => sha256(salt, digest);

export const sameHash = (one: Uint8Array, other: Uint8Array): boolean =>
  Buffer.compare(one, other) === 0;
