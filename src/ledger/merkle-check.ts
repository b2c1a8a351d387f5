import { type Hash, nodeHash, sameHash } from './merkle-hash.ts';

/** RFC 9162, section 2.1.3.2: the root that an inclusion path leads to; null when the path has another length. */
export const rootOfInclusion = (
  leaf: Hash,
  index: number,
  size: number,
  path: readonly Hash[],
): Hash | null => {
  if (index >= size) return null;
  let place = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return null;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash);
      while (place % 2 === 0 && place !== 0) {
        place /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
};

/** A tree's size and root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

const isPowerOfTwo = (size: number): boolean => Number.isInteger(Math.log2(size));

/** RFC 9162, section 2.1.4.2: whether a path shows that the older tree is the beginning of the newer one. */
export const isConsistent = (older: TreeHead, newer: TreeHead, path: readonly Hash[]): boolean => {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return path.length === 0 && sameHash(older.root, newer.root);
  if (older.size === 0) return path.length === 0;
  const [first, ...rest] = isPowerOfTwo(older.size) ? [older.root, ...path] : path;
  if (first === undefined) return false;
  let place = older.size - 1;
  let last = newer.size - 1;
  while (place % 2 === 1) {
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  let old = first;
  let whole = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      old = nodeHash(sibling, old);
      whole = nodeHash(sibling, whole);
      while (place % 2 === 0 && place !== 0) {
        place /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      whole = nodeHash(whole, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameHash(old, older.root) && sameHash(whole, newer.root);
};
