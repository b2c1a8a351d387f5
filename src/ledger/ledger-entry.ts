import { formatInstant, type Instant } from '../platform/instant.ts';
import { type Hash, leafHash } from './merkle-hash.ts';
import { rootOver } from './merkle-tree.ts';

/** Leaves of rows that were recorded together: one entry of the ledger. */
export interface LedgerBatch {
  readonly id: bigint;
  /** Table of the rows. */
  readonly source: string;
  /** Key of the one row as a JSON array; null when the rows are records of the log. */
  readonly rowKey: string | null;
  readonly leaves: readonly Hash[];
  readonly recordedAt: Instant;
  /** Place in the tree; null while it is not sealed. */
  readonly leafIndex: number | null;
}

export interface BatchRow {
  readonly id: bigint;
  readonly source: string;
  readonly row_key: string | null;
  readonly leaves: Uint8Array;
  readonly recorded_at: Instant;
  readonly leaf_index: bigint | null;
}

export const BATCH_COLUMNS = 'id, source, row_key, leaves, recorded_at, leaf_index';

export const HASH_BYTES = 32;

export const batchOf = (row: BatchRow): LedgerBatch => ({
  id: row.id,
  source: row.source,
  rowKey: row.row_key,
  leaves: Array.from({ length: row.leaves.length / HASH_BYTES }, (_, index) =>
    row.leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  ),
  recordedAt: row.recorded_at,
  leafIndex: row.leaf_index === null ? null : Number(row.leaf_index),
});

/** Root of the batch's own tree, in which each leaf is an entry. */
export const batchRoot = ({ leaves }: Pick<LedgerBatch, 'leaves'>): Hash =>
  rootOver(leaves.map(leafHash));

/**
 * What the ledger's tree has as an entry: `ledger-entry/1`, the table, the key of the row (empty for records of the log),
 * the number of leaves, when they were recorded (RFC 3339, UTC) and their root in base64, each on a line.
 */
export const entryText = (batch: LedgerBatch): string =>
  [
    'ledger-entry/1',
    batch.source,
    batch.rowKey ?? '',
    batch.leaves.length,
    formatInstant(batch.recordedAt),
    Buffer.from(batchRoot(batch)).toString('base64'),
    '',
  ].join('\n');

export const entryHash = (batch: LedgerBatch): Hash => leafHash(Buffer.from(entryText(batch)));
