import { randomBytes } from 'node:crypto';
import type { Database, Session } from '../platform/database.ts';
import { type Signer, signNote } from '../platform/signed-note.ts';
import { type Checkpoint, checkpointText, originOf } from './checkpoint.ts';
import { BATCH_COLUMNS, type BatchRow, batchOf, entryHash } from './ledger-entry.ts';
import { latestCheckpoint, nodesOf } from './ledger-store.ts';
import { appendedNodes, lookupOf, rootOf, subtreesOf } from './merkle-tree.ts';

/** Batches, and about how many leaves, that one transaction seals. */
const MOST_BATCHES = 1000;
const MOST_LEAVES = 200_000;

const UNSEALED = `SELECT ${BATCH_COLUMNS} FROM (
    SELECT *, sum(leaf_count) OVER (ORDER BY id) - leaf_count AS leaves_before FROM (
      SELECT ${BATCH_COLUMNS}, leaf_count FROM ledger_batch WHERE leaf_index IS NULL ORDER BY id LIMIT ${MOST_BATCHES}
    ) oldest
  ) counted WHERE leaves_before < ${MOST_LEAVES} ORDER BY id`;

/** Identifies the sealers' lock among the advisory locks of the database: "hcs1". */
const LOCK = 0x68637331;

const recordKey = async (session: Session, { verifierKey }: Signer): Promise<void> => {
  await session.query({
    name: 'record_signing_key',
    text: `INSERT INTO signing_key (key_id, name, verifier_key, recorded_at)
      VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT DO NOTHING`,
    values: [verifierKey.id, verifierKey.name, verifierKey.text],
  });
};

/** A ledger is named after the key that began it, and by chance: one key may sign in several databases. */
const newOrigin = ({ verifierKey }: Signer): string =>
  `${verifierKey.name}/${randomBytes(4).toString('hex')}`;

/** Seals the oldest batches; returns how many, and the checkpoint that covers them. */
const sealChunk = async (
  session: Session,
  signer: Signer,
): Promise<{ readonly sealed: number; readonly note: string | null }> => {
  await session.query({ text: 'SELECT pg_advisory_xact_lock($1)', values: [LOCK] });
  await recordKey(session, signer);
  const rows = await session.query<BatchRow>({
    name: 'unsealed_batches',
    text: UNSEALED,
  });
  if (rows.length === 0) return { sealed: 0, note: null };
  const latest = await latestCheckpoint(session);
  const size = latest?.size ?? 0;
  const existing = { start: 0, end: size };
  const nodeOf = await nodesOf(session, [existing]);
  const frontier = subtreesOf(existing).map((subtree) => ({ ...subtree, hash: nodeOf(subtree) }));
  const added = appendedNodes(size, frontier, rows.map(batchOf).map(entryHash));
  const newSize = size + rows.length;
  const checkpoint: Checkpoint = {
    origin: latest === null ? newOrigin(signer) : originOf(latest.note),
    size: newSize,
    root: rootOf(newSize, lookupOf([...frontier, ...added])),
  };
  const note = signNote(checkpointText(checkpoint), signer);
  await session.query({
    name: 'append_ledger_nodes',
    text: `INSERT INTO ledger_node (level, node_index, hash)
      SELECT level, node_index, decode(hash, 'hex')
      FROM unnest($1::int[], $2::text[]::bigint[], $3::text[]) AS node (level, node_index, hash)`,
    values: [
      added.map(({ level }) => level),
      added.map(({ index }) => String(index)),
      added.map(({ hash }) => Buffer.from(hash).toString('hex')),
    ],
  });
  await session.query({
    name: 'place_ledger_batches',
    text: `UPDATE ledger_batch SET leaf_index = placed.leaf_index
      FROM unnest($1::text[]::bigint[], $2::text[]::bigint[]) AS placed (id, leaf_index)
      WHERE ledger_batch.id = placed.id`,
    values: [rows.map(({ id }) => String(id)), rows.map((_, index) => String(size + index))],
  });
  await session.query({
    name: 'append_checkpoint',
    text: 'INSERT INTO checkpoint (tree_size, note, signed_at) VALUES ($1::text::bigint, $2, clock_timestamp())',
    values: [String(newSize), note],
  });
  return { sealed: rows.length, note };
};

/** What sealing did. */
export interface SealReport {
  readonly sealed: number;
  /** The newest checkpoint; null when there was nothing to seal. */
  readonly note: string | null;
}

/** Puts everything that is recorded into the tree and signs its head. Processes that seal at once take turns. */
export const sealLedger = async (database: Database, signer: Signer): Promise<SealReport> => {
  let report: SealReport = { sealed: 0, note: null };
  for (;;) {
    const { sealed, note } = await database.transaction((session) => sealChunk(session, signer));
    report = { sealed: report.sealed + sealed, note: note ?? report.note };
    if (sealed === 0) return report;
  }
};
