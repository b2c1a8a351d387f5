import type { Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import type { PageRequest } from '../platform/pagination.ts';
import { parseVerifierKey, type VerifierKey } from '../platform/signed-note.ts';
import { BATCH_COLUMNS, type BatchRow, batchOf, type LedgerBatch } from './ledger-entry.ts';
import { lookupOf, type NodeLookup, type Range, type Subtree, subtreesOf } from './merkle-tree.ts';

type Reader = Pick<Session, 'query'>;

/** A checkpoint as stored. */
export interface StoredCheckpoint {
  readonly size: number;
  /** The signed note (C2SP tlog-checkpoint). */
  readonly note: string;
  readonly signedAt: Instant;
}

const CHECKPOINT = 'SELECT tree_size, note, signed_at FROM checkpoint';

interface CheckpointRow {
  readonly tree_size: bigint;
  readonly note: string;
  readonly signed_at: Instant;
}

const checkpointOf = (row: CheckpointRow | undefined): StoredCheckpoint | null =>
  row === undefined
    ? null
    : { size: Number(row.tree_size), note: row.note, signedAt: row.signed_at };

export const latestCheckpoint = async (reader: Reader): Promise<StoredCheckpoint | null> => {
  const [row] = await reader.query<CheckpointRow>({
    name: 'latest_checkpoint',
    text: `${CHECKPOINT} ORDER BY tree_size DESC LIMIT 1`,
  });
  return checkpointOf(row);
};

/** Whether something waits to be sealed, and the newest checkpoint is older than so many seconds, or from before a clock was set back. */
export const isSealingDue = async (reader: Reader, seconds: number): Promise<boolean> => {
  const [row] = await reader.query<{ is_due: boolean }>({
    name: 'is_sealing_due',
    text: `SELECT EXISTS (SELECT FROM ledger_batch WHERE leaf_index IS NULL) AND NOT EXISTS (SELECT FROM checkpoint
        WHERE tree_size = (SELECT max(tree_size) FROM checkpoint)
        AND signed_at BETWEEN clock_timestamp() - make_interval(secs => $1) AND clock_timestamp()) AS is_due`,
    values: [seconds],
  });
  return row?.is_due === true;
};

/** The checkpoint of the smallest tree that has an entry. */
export const checkpointCovering = async (
  reader: Reader,
  leafIndex: number,
): Promise<StoredCheckpoint | null> => {
  const [row] = await reader.query<CheckpointRow>({
    name: 'checkpoint_covering',
    text: `${CHECKPOINT} WHERE tree_size > $1::text::bigint ORDER BY tree_size LIMIT 1`,
    values: [String(leafIndex)],
  });
  return checkpointOf(row);
};

/** Checkpoints in the order of a page: the largest first, or the smallest when it goes backward. */
export const checkpointPage = async (
  reader: Reader,
  { limit, isBackward }: Pick<PageRequest, 'limit' | 'isBackward'>,
  from: number | null,
): Promise<readonly StoredCheckpoint[]> => {
  const order = isBackward ? 'ASC' : 'DESC';
  const rows = await reader.query<CheckpointRow>({
    name: `checkpoint_page_${order}`,
    text: `${CHECKPOINT} WHERE $1::text IS NULL OR tree_size ${isBackward ? '>' : '<'} $1::text::bigint
      ORDER BY tree_size ${order} LIMIT $2`,
    values: [from === null ? null : String(from), limit + 1],
  });
  return rows.flatMap((row) => checkpointOf(row) ?? []);
};

/** Nodes of the complete subtrees of ranges. One statement. */
export const nodesOf = async (reader: Reader, ranges: readonly Range[]): Promise<NodeLookup> => {
  const subtrees: readonly Subtree[] = ranges.flatMap(subtreesOf);
  const rows = await reader.query<{ level: number; node_index: bigint; hash: Uint8Array }>({
    name: 'ledger_nodes',
    text: `SELECT level, node_index, hash FROM ledger_node
      JOIN unnest($1::int[], $2::text[]::bigint[]) AS wanted (level, node_index) USING (level, node_index)`,
    values: [subtrees.map(({ level }) => level), subtrees.map(({ index }) => String(index))],
  });
  return lookupOf(
    rows.map(({ level, node_index: index, hash }) => ({ level, index: Number(index), hash })),
  );
};

/** A batch by its row; null when there is none. */
export const batchById = async (reader: Reader, id: bigint): Promise<LedgerBatch | null> => {
  const [row] = await reader.query<BatchRow>({
    name: 'ledger_batch_by_id',
    text: `SELECT ${BATCH_COLUMNS} FROM ledger_batch WHERE id = $1::text::bigint`,
    values: [String(id)],
  });
  return row === undefined ? null : batchOf(row);
};

/** The batches of single rows by their keys, in the order of the keys; null for each that has none. One statement. */
export const batchesOfRows = async (
  reader: Reader,
  source: string,
  rowKeys: readonly string[],
): Promise<readonly (LedgerBatch | null)[]> => {
  const rows = await reader.query<BatchRow>({
    name: 'ledger_batches_of_rows',
    text: `SELECT ${BATCH_COLUMNS} FROM ledger_batch WHERE source = $1 AND row_key = ANY($2::text[])`,
    values: [source, rowKeys],
  });
  const byKey = new Map(rows.map((row) => [row.row_key, batchOf(row)]));
  return rowKeys.map((key) => byKey.get(key) ?? null);
};

/** Keys that ever signed here, the first one first. */
export const signingKeys = async (reader: Reader): Promise<readonly VerifierKey[]> => {
  const rows = await reader.query<{ verifier_key: string }>({
    name: 'signing_keys',
    text: 'SELECT verifier_key FROM signing_key ORDER BY recorded_at, key_id',
  });
  return rows.flatMap(({ verifier_key: text }) => parseVerifierKey(text) ?? []);
};
