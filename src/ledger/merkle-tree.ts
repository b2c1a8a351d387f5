import { EMPTY_ROOT, type Hash, nodeHash } from './merkle-hash.ts';

/** Entries from `start` up to `end`, which RFC 6962 gives one hash. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A subtree of 2^level entries, the `index`-th of its level. These never change once their entries are there. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** A subtree with its hash. */
export interface TreeNode extends Subtree {
  readonly hash: Hash;
}

export type NodeLookup = (subtree: Subtree) => Hash;

/** The largest power of two below a size of at least 2. */
const splitOf = (size: number): number => 2 ** Math.ceil(Math.log2(size) - 1);

/** RFC 6962, section 2.1.1: the ranges whose hashes prove the entry at `index`, the nearest first. */
export const inclusionRanges = (index: number, { start, end }: Range): readonly Range[] => {
  if (end - start === 1) return [];
  const middle = start + splitOf(end - start);
  return index < middle
    ? [...inclusionRanges(index, { start, end: middle }), { start: middle, end }]
    : [...inclusionRanges(index, { start: middle, end }), { start, end: middle }];
};

const subproof = (size: number, { start, end }: Range, isWhole: boolean): readonly Range[] => {
  if (size === end) return isWhole ? [] : [{ start, end }];
  const middle = start + splitOf(end - start);
  return size <= middle
    ? [...subproof(size, { start, end: middle }, isWhole), { start: middle, end }]
    : [...subproof(size, { start: middle, end }, false), { start, end: middle }];
};

/** RFC 6962, section 2.1.2: the ranges whose hashes prove that the tree of `older` entries is the beginning of this one. */
export const consistencyRanges = (older: number, newer: number): readonly Range[] =>
  older === 0 ? [] : subproof(older, { start: 0, end: newer }, true);

/** The complete subtrees of a range, the largest first. */
export const subtreesOf = ({ start, end }: Range): readonly Subtree[] => {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end; ) {
    const level = Math.floor(Math.log2(end - at));
    const size = 2 ** level;
    subtrees.push({ level, index: at / size });
    at += size;
  }
  return subtrees;
};

/** The hash of a range from those of its complete subtrees. */
export const rangeHash = (range: Range, nodeOf: NodeLookup): Hash =>
  subtreesOf(range)
    .map(nodeOf)
    .reduceRight((right, left) => nodeHash(left, right));

/** Root of a tree of a size, from its complete subtrees. */
export const rootOf = (size: number, nodeOf: NodeLookup): Hash =>
  size === 0 ? EMPTY_ROOT : rangeHash({ start: 0, end: size }, nodeOf);

const subtreeKey = ({ level, index }: Subtree): string => `${level}/${index}`;

/** Looks up nodes that are known to be there. */
export const lookupOf = (nodes: Iterable<TreeNode>): NodeLookup => {
  const hashes = new Map([...nodes].map((node) => [subtreeKey(node), node.hash]));
  return (subtree) => {
    const hash = hashes.get(subtreeKey(subtree));
    if (hash === undefined) throw new Error(`The ledger lacks node ${subtreeKey(subtree)}.`);
    return hash;
  };
};

/** Appends leaf hashes to a tree of which the complete subtrees of its range are given; returns every new node. */
export const appendedNodes = (
  size: number,
  frontier: readonly TreeNode[],
  leaves: readonly Hash[],
): readonly TreeNode[] => {
  const open = [...frontier];
  const added: TreeNode[] = [];
  for (const [offset, hash] of leaves.entries()) {
    let node: TreeNode = { level: 0, index: size + offset, hash };
    added.push(node);
    for (let left = open.at(-1); left?.level === node.level; left = open.at(-1)) {
      open.pop();
      node = {
        level: node.level + 1,
        index: left.index / 2,
        hash: nodeHash(left.hash, node.hash),
      };
      added.push(node);
    }
    open.push(node);
  }
  return added;
};

/** The whole tree over leaf hashes. */
export const treeOver = (leaves: readonly Hash[]): NodeLookup =>
  lookupOf(appendedNodes(0, [], leaves));

/** Root over leaf hashes, without the tree: each level from the one below, where a last one without a pair moves up. */
export const rootOver = (leaves: readonly Hash[]): Hash => {
  let level = leaves;
  while (level.length > 1) level = levelAbove(level);
  return level[0] ?? EMPTY_ROOT;
};

const levelAbove = (level: readonly Hash[]): readonly Hash[] => {
  const above: Hash[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [left = EMPTY_ROOT, right] = [level[i], level[i + 1]];
    above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
};
