import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isConsistent, rootOfInclusion } from '../src/ledger/merkle-check.ts';
import { EMPTY_ROOT, type Hash, leafHash } from '../src/ledger/merkle-hash.ts';
import {
  appendedNodes,
  consistencyRanges,
  inclusionRanges,
  lookupOf,
  rangeHash,
  rootOf,
  rootOver,
  subtreesOf,
  treeOver,
} from '../src/ledger/merkle-tree.ts';

const hex = (hash: Hash | null): string => Buffer.from(hash ?? []).toString('hex');

// The tree of certificate-transparency-go's and RFC 9162's test data: eight entries of growing length.
const ENTRIES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((entry) => leafHash(Buffer.from(entry, 'hex')));

const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** RFC 6962, section 2.1, word for word. */
const definition = (leaves: readonly Hash[]): Hash => {
  const [only] = leaves;
  if (only === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  const parts = [Uint8Array.of(1), definition(leaves.slice(0, k)), definition(leaves.slice(k))];
  return new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
};

const leavesOf = (count: number): readonly Hash[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`entry ${index}`)));

const sizes = fc.integer({ min: 1, max: 200 });

describe('a Merkle tree', () => {
  it('has the roots that Certificate Transparency publishes for its test data', () => {
    const roots = ENTRIES.map((_, index) => {
      const leaves = ENTRIES.slice(0, index + 1);
      return hex(rootOf(leaves.length, treeOver(leaves)));
    });
    expect(roots).toEqual(ROOTS);
    expect(hex(rootOf(0, treeOver([])))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  it('has the same root however it grew', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 200 }), (size, split) => {
        const leaves = leavesOf(size);
        const first = Math.min(split, size);
        const before = appendedNodes(0, [], leaves.slice(0, first));
        const nodeOf = lookupOf(before);
        const frontier = subtreesOf({ start: 0, end: first }).map((subtree) => ({
          ...subtree,
          hash: nodeOf(subtree),
        }));
        const after = appendedNodes(first, frontier, leaves.slice(first));
        const root = rootOf(size, lookupOf([...before, ...after]));
        expect(hex(root)).toBe(hex(definition(leaves)));
        expect(hex(rootOver(leaves))).toBe(hex(root));
        expect(before.length + after.length).toBe(appendedNodes(0, [], leaves).length);
      }),
    );
  });

  it('proves every entry, and nothing else in its place', () => {
    fc.assert(
      fc.property(sizes, fc.nat(199), (size, place) => {
        const index = place % size;
        const leaves = leavesOf(size);
        const nodeOf = treeOver(leaves);
        const root = hex(rootOf(size, nodeOf));
        const path = inclusionRanges(index, { start: 0, end: size }).map((range) =>
          rangeHash(range, nodeOf),
        );
        const leadsTo = (leaf: Hash, at: number, count: number, way: readonly Hash[]): string =>
          hex(rootOfInclusion(leaf, at, count, way));
        const leaf = leaves[index] ?? EMPTY_ROOT;
        expect(leadsTo(leaf, index, size, path)).toBe(root);
        expect(leadsTo(leafHash(Buffer.from('other')), index, size, path)).not.toBe(root);
        expect(leadsTo(leaf, size, size, path)).toBe('');
        expect(leadsTo(leaf, index, size, [...path, EMPTY_ROOT])).not.toBe(root);
        if (path.length > 0) expect(leadsTo(leaf, index, size, path.slice(1))).not.toBe(root);
        if (size > 1) expect(leadsTo(leaf, (index + 1) % size, size, path)).not.toBe(root);
      }),
    );
  });

  it('proves that it began as a smaller one, and no other', () => {
    fc.assert(
      fc.property(sizes, fc.nat(200), (newer, part) => {
        const older = part % (newer + 1);
        const leaves = leavesOf(newer);
        const nodeOf = treeOver(leaves);
        const path = consistencyRanges(older, newer).map((range) => rangeHash(range, nodeOf));
        const head = { size: newer, root: rootOf(newer, nodeOf) };
        const before = { size: older, root: rootOf(older, nodeOf) };
        expect(isConsistent(before, head, path)).toBe(true);
        if (older === 0) return;
        expect(isConsistent({ ...before, root: leafHash(Buffer.from('x')) }, head, path)).toBe(
          false,
        );
        expect(isConsistent(before, { ...head, root: leafHash(Buffer.from('x')) }, path)).toBe(
          false,
        );
        expect(isConsistent(before, head, [...path, EMPTY_ROOT])).toBe(false);
        if (path.length > 0) expect(isConsistent(before, head, path.slice(1))).toBe(false);
        expect(isConsistent(head, before, path)).toBe(older === newer);
      }),
    );
  });
});
