import type { Session } from '../platform/database.ts';
import { parseCheckpointText } from './checkpoint.ts';
import { entryText, type LedgerBatch } from './ledger-entry.ts';
import {
  checkpointCovering,
  latestCheckpoint,
  nodesOf,
  type StoredCheckpoint,
} from './ledger-store.ts';
import { rootOfInclusion } from './merkle-check.ts';
import { type Hash, leafHash, sameHash } from './merkle-hash.ts';
import { consistencyRanges, inclusionRanges, rangeHash, rootOf, treeOver } from './merkle-tree.ts';

/** That a leaf is in the ledger: a path in its batch, and one from the batch to a signed root. */
export interface LedgerProof {
  readonly leaf: Hash;
  /** Place of the leaf in its batch. */
  readonly position: number;
  readonly batchSize: number;
  readonly batchPath: readonly Hash[];
  /** What the ledger has as an entry for the batch. */
  readonly entry: string;
  /** Place of the entry in the ledger. */
  readonly index: number;
  readonly path: readonly Hash[];
  readonly checkpoint: StoredCheckpoint;
}

const positionOf = ({ leaves }: LedgerBatch, leaf: Hash): number =>
  leaves.findIndex((one) => sameHash(one, leaf));

/**
 * Proves a leaf of a batch under a checkpoint, or under the first one that covers it; null when it is not there, not
 * sealed yet or not covered.
 */
export const proveLeaf = async (
  reader: Pick<Session, 'query'>,
  batch: LedgerBatch,
  leaf: Hash,
  under: StoredCheckpoint | null = null,
): Promise<LedgerProof | null> => {
  const { leafIndex: index, leaves } = batch;
  const position = positionOf(batch, leaf);
  if (index === null || position < 0) return null;
  const checkpoint = under ?? (await checkpointCovering(reader, index));
  if (checkpoint === null || checkpoint.size <= index) return null;
  const ranges = inclusionRanges(index, { start: 0, end: checkpoint.size });
  const nodeOf = await nodesOf(reader, ranges);
  const inBatch = treeOver(leaves.map(leafHash));
  return {
    leaf,
    position,
    batchSize: leaves.length,
    batchPath: inclusionRanges(position, { start: 0, end: leaves.length }).map((range) =>
      rangeHash(range, inBatch),
    ),
    entry: entryText(batch),
    index,
    path: ranges.map((range) => rangeHash(range, nodeOf)),
    checkpoint,
  };
};

/** The root that a proof leads to; null when its parts do not fit each other. */
export const rootOfProof = (
  proof: Omit<LedgerProof, 'checkpoint'>,
  treeSize: number,
): Hash | null => {
  const batchRoot = rootOfInclusion(
    leafHash(proof.leaf),
    proof.position,
    proof.batchSize,
    proof.batchPath,
  );
  if (batchRoot === null) return null;
  const lines = proof.entry.split('\n');
  const statesBatch =
    lines[0] === 'ledger-entry/1' &&
    lines[3] === String(proof.batchSize) &&
    lines[5] === Buffer.from(batchRoot).toString('base64');
  return statesBatch
    ? rootOfInclusion(leafHash(Buffer.from(proof.entry)), proof.index, treeSize, proof.path)
    : null;
};

/** Hashes that prove that the tree of `older` entries is the beginning of the tree of `newer`. */
export const proveConsistency = async (
  reader: Pick<Session, 'query'>,
  older: number,
  newer: number,
): Promise<readonly Hash[]> => {
  const ranges = consistencyRanges(older, newer);
  const nodeOf = await nodesOf(reader, ranges);
  return ranges.map((range) => rangeHash(range, nodeOf));
};

/** Whether the ledger begins with the tree that a checkpoint is of, whoever signed that. */
export const continuesCheckpoint = async (
  reader: Pick<Session, 'query'>,
  note: string,
): Promise<boolean> => {
  const checkpoint = parseCheckpointText(note);
  if (checkpoint === null || checkpoint.size > (await ledgerSize(reader))) return false;
  const nodeOf = await nodesOf(reader, [{ start: 0, end: checkpoint.size }]);
  try {
    return sameHash(rootOf(checkpoint.size, nodeOf), checkpoint.root);
  } catch {
    // A node is missing.
    return false;
  }
};

/** How many entries are sealed. */
export const ledgerSize = async (reader: Pick<Session, 'query'>): Promise<number> =>
  (await latestCheckpoint(reader))?.size ?? 0;
