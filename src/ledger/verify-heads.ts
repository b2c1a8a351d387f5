import type { Session } from '../platform/database.ts';
import type { VerifierKey } from '../platform/signed-note.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import type { Discrepancies } from './discrepancy.ts';
import { sameHash } from './merkle-hash.ts';
import { lookupOf, rootOf, type TreeNode } from './merkle-tree.ts';

/** Heads that are read at once at most. */
const MOST = 500;

/** A checkpoint that is known from elsewhere, or stored here. */
export interface Witness {
  readonly note: string;
  readonly where: string;
}

/** A signed head that was opened. */
export interface Head extends Checkpoint {
  readonly where: string;
}

/** Opens signed heads; those that no trusted key signed are told. */
export const opened = (
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

/** Signed heads that are stored as those of sizes after one, up to another; null for any. */
export const storedHeads = async (
  session: Session,
  after: number,
  to: number | null,
  keys: readonly VerifierKey[],
  discrepancies: Discrepancies,
): Promise<readonly Head[]> => {
  const rows = await session.query<{ tree_size: bigint; note: string }>({
    text: `SELECT tree_size, note FROM checkpoint WHERE tree_size > $1::text::bigint
      AND ($2::text IS NULL OR tree_size <= $2::text::bigint) ORDER BY tree_size LIMIT ${MOST}`,
    values: [String(after), to === null ? null : String(to)],
  });
  const stored = rows.map(({ tree_size: size, note }) => ({ note, where: String(size) }));
  const heads = opened(stored, keys, discrepancies);
  for (const { size, where } of heads.filter((head) => String(head.size) !== head.where)) {
    const message = `it is stored as the head of ${where} entries, and was signed over ${size}`;
    discrepancies.add({ kind: 'ALTERED', source: 'checkpoint', row: where, message });
  }
  return heads;
};

/** Whether heads are those of the tree up to `end`; `nodes` has every node that they need. */
export const checkHeads = (
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

/** Heads beyond the end of the tree, and entries at its end that no head covers. */
export const checkEnd = (
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
