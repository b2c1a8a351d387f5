import { hash } from 'node:crypto';

/** 32 bytes: SHA-256. */
export type Hash = Uint8Array;

const sha256 = (bytes: Uint8Array): Hash => new Uint8Array(hash('sha256', bytes, 'buffer'));

/** RFC 6962, section 2.1: hash of one entry. */
export const leafHash = (entry: Uint8Array): Hash => sha256(Buffer.concat([LEAF, entry]));

const LEAF = Uint8Array.of(0);

/** RFC 6962, section 2.1: hash of two subtrees, left and right. */
export const nodeHash = (left: Hash, right: Hash): Hash => {
  NODE.set(left, 1);
  NODE.set(right, 33);
  return sha256(NODE);
};

/** A one and two hashes, one node at a time. */
const NODE = new Uint8Array(65).fill(1, 0, 1);

/** Root of the tree without entries. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array());

/** What a record's leaf is: nobody who lacks the salt can guess the content back. */
export const commitmentOf = (salt: Uint8Array, digest: Uint8Array): Hash =>
  sha256(Buffer.concat([salt, digest]));

export const sameHash = (one: Uint8Array, other: Uint8Array): boolean =>
  Buffer.compare(one, other) === 0;
