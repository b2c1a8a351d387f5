import type { Session } from '../platform/database.ts';
import type { VerifierKey } from '../platform/signed-note.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import type { Discrepancies } from './discrepancy.ts';
import { BATCH_COLUMNS, type BatchRow, batchOf, entryHash } from './ledger-entry.ts';
import { type Hash, sameHash } from './merkle-hash.ts';
import { appendedNodes, lookupOf, rootOf, subtreesOf, type TreeNode } from './merkle-tree.ts';

const CHUNK = 500;

/** A checkpoint that is known from elsewhere, or stored here. */
export interface Witness {
  readonly note: string;
  readonly where: string;
}

interface StoredNode {
  readonly level: number;
  readonly node_index: bigint;
  readonly hash: Uint8Array;
}

const sealedBatches = (session: Session, from: number): Promise<BatchRow[]> =>
  session.query<BatchRow>({
    text: `SELECT ${BATCH_COLUMNS} FROM ledger_batch
      WHERE leaf_index >= $1::text::bigint AND leaf_index < $2::text::bigint ORDER BY leaf_index`,
    values: [String(from), String(from + CHUNK)],
  });

const storedLeaves = async (session: Session, from: number): Promise<ReadonlyMap<number, Hash>> => {
  const rows = await session.query<StoredNode>({
    text: `SELECT level, node_index, hash FROM ledger_node
      WHERE level = 0 AND node_index >= $1::text::bigint AND node_index < $2::text::bigint`,
    values: [String(from), String(from + CHUNK)],
  });
  return new Map(rows.map(({ node_index: index, hash }) => [Number(index), hash]));
};

/** Entries of a chunk as the tree has them; what the batches give instead is told. */
const checkEntries = async (
  session: Session,
  from: number,
  discrepancies: Discrepancies,
): Promise<readonly Hash[]> => {
  const stored = await storedLeaves(session, from);
  const batches = new Map(
    (await sealedBatches(session, from)).map((row) => [Number(row.leaf_index), row]),
  );
  const hashes: Hash[] = [];
  for (let index = from; index < from + CHUNK; index += 1) {
    const row = batches.get(index);
    const leaf = stored.get(index);
    const source = 'ledger_batch';
    if (row === undefined && leaf === undefined) break;
    if (row === undefined || leaf === undefined) {
      const gone = row === undefined ? 'its batch' : 'its node';
      const message = `entry ${index} of the ledger: ${gone} is not there any more`;
      discrepancies.add({ kind: 'REMOVED', source, row: String(row?.id ?? index), message });
    } else if (!sameHash(entryHash(batchOf(row)), leaf)) {
      const message = `entry ${index} of the ledger is not what was sealed`;
      discrepancies.add({ kind: 'ALTERED', source, row: String(row.id), message });
    }
    const hash = leaf ?? (row === undefined ? undefined : entryHash(batchOf(row)));
    if (hash !== undefined) hashes.push(hash);
  }
  return hashes;
};

/** Inner nodes as they are stored, against those that follow from the entries. */
const checkNodes = async (
  session: Session,
  nodes: readonly TreeNode[],
  discrepancies: Discrepancies,
): Promise<void> => {
  const inner = nodes.filter(({ level }) => level > 0);
  const rows = await session.query<StoredNode>({
    text: `SELECT level, node_index, hash FROM ledger_node
      JOIN unnest($1::int[], $2::text[]::bigint[]) AS wanted (level, node_index) USING (level, node_index)`,
    values: [inner.map(({ level }) => level), inner.map(({ index }) => String(index))],
  });
  const stored = new Map(rows.map((row) => [`${row.level}/${row.node_index}`, row.hash]));
  for (const { level, index, hash } of inner) {
    const found = stored.get(`${level}/${index}`);
    if (found !== undefined && sameHash(found, hash)) continue;
    const kind = found === undefined ? 'REMOVED' : 'ALTERED';
    const message = 'the node does not follow from the entries below it';
    discrepancies.add({ kind, source: 'ledger_node', row: `[${level}, ${index}]`, message });
  }
};

/** A signed head that was opened. */
interface Head extends Checkpoint {
  readonly where: string;
}

/** Opens signed heads; those that no trusted key signed are told. */
const opened = (
  witnesses: readonly Witness[],
  keys: readonly VerifierKey[],
  discrepancies: Discrepancies,
): readonly Head[] =>
  witnesses.flatMap(({ note, where }) => {
    const checkpoint = openCheckpoint(note, keys);
    if (checkpoint !== null) return [{ ...checkpoint, where }];
    const message = 'it is not signed by a key that is trusted';
    discrepancies.add({ kind: 'ALTERED', source: 'checkpoint', row: where, message });
    return [];
  });

const storedHeads = async (
  session: Session,
  after: number,
  limit: number,
): Promise<readonly Witness[]> => {
  const rows = await session.query<{ tree_size: bigint; note: string }>({
    text: `SELECT tree_size, note FROM checkpoint
      WHERE tree_size > $1::text::bigint ORDER BY tree_size LIMIT $2`,
    values: [String(after), limit],
  });
  return rows.map(({ tree_size: size, note }) => ({ note, where: String(size) }));
};

/** Whether heads are those of the tree up to `end`; `nodes` has every node that they need. */
const checkHeads = (
  heads: readonly Head[],
  nodes: readonly TreeNode[],
  discrepancies: Discrepancies,
): void => {
  const nodeOf = lookupOf(nodes);
  for (const { size, root, where } of heads) {
    if (sameHash(rootOf(size, nodeOf), root)) continue;
    const message = `the ledger's first ${size} entries have another root than the one signed`;
    discrepancies.add({ kind: 'ALTERED', source: 'checkpoint', row: where, message });
  }
};

/** What the tree of the ledger holds. */
export interface TreeReport {
  readonly entries: number;
  readonly checkpoints: number;
}

/** Rebuilds the tree from its entries and compares every node and every signed head. Bounded memory. */
export const verifyTree = async (
  session: Session,
  keys: readonly VerifierKey[],
  witnesses: readonly Witness[],
  discrepancies: Discrepancies,
): Promise<TreeReport> => {
  const witnessed = opened(witnesses, keys, discrepancies);
  let size = 0;
  let frontier: readonly TreeNode[] = [];
  let checkpoints = 0;
  let signed = 0;
  for (;;) {
    const hashes = await checkEntries(session, size, discrepancies);
    const nodes = appendedNodes(size, frontier, hashes);
    await checkNodes(session, nodes, discrepancies);
    const end = size + hashes.length;
    const known = [...frontier, ...nodes];
    // No more heads than entries: their sizes differ.
    const stored = opened(await storedHeads(session, size, CHUNK), keys, discrepancies);
    const heads = [...witnessed, ...stored].filter((head) => head.size > size && head.size <= end);
    checkHeads(heads, known, discrepancies);
    checkpoints += heads.length - witnessed.filter((head) => heads.includes(head)).length;
    signed = heads.reduce((most, head) => Math.max(most, head.size), signed);
    const nodeOf = lookupOf(known);
    frontier = subtreesOf({ start: 0, end }).map((subtree) => ({
      ...subtree,
      hash: nodeOf(subtree),
    }));
    size = end;
    if (hashes.length < CHUNK) break;
  }
  const beyond = opened(await storedHeads(session, size, 1), keys, discrepancies);
  checkEnd(size, signed, [...witnessed, ...beyond], discrepancies);
  return { entries: size, checkpoints };
};

const checkEnd = (
  size: number,
  signed: number,
  heads: readonly Head[],
  discrepancies: Discrepancies,
): void => {
  for (const head of heads.filter((one) => one.size > size)) {
    const message = `it was signed over ${head.size} entries, and there are ${size}: the database is older than it, or its end was cut off`;
    discrepancies.add({ kind: 'ROLLED_BACK', source: 'checkpoint', row: head.where, message });
  }
  if (signed >= size) return;
  const message = `entries ${signed} to ${size - 1} are in the tree, and no signed head covers them`;
  discrepancies.add({ kind: 'REMOVED', source: 'checkpoint', row: String(size), message });
};
