import type { Session } from '../platform/database.ts';
import type { VerifierKey } from '../platform/signed-note.ts';
import type { Discrepancies } from './discrepancy.ts';
import { BATCH_COLUMNS, type BatchRow, batchOf, entryHash, HASH_BYTES } from './ledger-entry.ts';
import { type Hash, sameHash } from './merkle-hash.ts';
import { appendedNodes, lookupOf, subtreesOf, type TreeNode } from './merkle-tree.ts';
import { checkEnd, checkHeads, opened, storedHeads, type Witness } from './verify-heads.ts';

const CHUNK = 500;

/** A batch with what its row says of its leaves beside them. */
interface CheckedBatch extends BatchRow {
  readonly leaf_count: number;
}

interface StoredNode {
  readonly level: number;
  readonly node_index: bigint;
  readonly hash: Uint8Array;
}

const sealedBatches = (session: Session, from: number): Promise<CheckedBatch[]> =>
  session.query<CheckedBatch>({
    text: `SELECT ${BATCH_COLUMNS}, leaf_count FROM ledger_batch
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

const hasItsLeaves = ({ leaf_count: count, leaves }: CheckedBatch): boolean =>
  leaves.length === count * HASH_BYTES;

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
    } else if (!hasItsLeaves(row) || !sameHash(entryHash(batchOf(row)), leaf)) {
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
    const after = size === 0 ? Number.MIN_SAFE_INTEGER : size;
    const stored = await storedHeads(session, after, end, keys, discrepancies);
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
  const beyond = await storedHeads(session, size, null, keys, discrepancies);
  checkEnd(size, signed, [...witnessed, ...beyond], discrepancies);
  await findOutside(session, size, discrepancies);
  return { entries: size, checkpoints };
};

/** Batches and nodes at places that the tree does not reach, where nothing would ever seal them. */
const OUTSIDE = `SELECT 'ledger_batch' AS source, id::text AS row FROM ledger_batch
    WHERE leaf_index >= $1::text::bigint OR leaf_index < 0
  UNION ALL SELECT 'ledger_node', json_build_array(level, node_index)::text FROM ledger_node
    WHERE level < 0 OR node_index < 0 OR (node_index + 1::numeric) * power(2::numeric, level) > $1::text::bigint
  ORDER BY 1, 2 LIMIT 1000`;

const findOutside = async (
  session: Session,
  size: number,
  discrepancies: Discrepancies,
): Promise<void> => {
  const rows = await session.query<{ source: string; row: string }>({
    text: OUTSIDE,
    values: [String(size)],
  });
  for (const { source, row } of rows) {
    const message = `it is at a place that the tree of ${size} entries does not reach`;
    discrepancies.add({ kind: 'INSERTED', source, row, message });
  }
};
