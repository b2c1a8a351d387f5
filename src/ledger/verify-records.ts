import type { Session } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { type ArchivedRecords, NO_ARCHIVES } from './archived-records.ts';
import type { Discrepancies, Discrepancy } from './discrepancy.ts';
import { BATCH_COLUMNS, type BatchRow, batchOf, type LedgerBatch } from './ledger-entry.ts';
import type { Hash } from './merkle-hash.ts';
import { READERS, type RecordSource, readNames, type StoredRecord } from './stored-records.ts';

/** Batches that are compared at once: some 20 000 records when they are full. */
const CHUNK = 5;

const hexOf = (hash: Hash): string => Buffer.from(hash).toString('hex');

/** Compares the records of one batch with its leaves; `erased` has the leaves whose content was erased. */
const compareBatch = (
  source: RecordSource,
  batch: Pick<LedgerBatch, 'id' | 'leaves' | 'recordedAt'>,
  records: readonly StoredRecord[],
  erased: ReadonlySet<string>,
  tellsMissing: boolean,
): { readonly found: readonly Discrepancy[]; readonly missing: number } => {
  const open = new Set(batch.leaves.map(hexOf).filter((leaf) => !erased.has(leaf)));
  const found: Discrepancy[] = [];
  const strange: StoredRecord[] = [];
  let blanks = 0;
  for (const record of records) {
    if (record.leaf === null) blanks += 1;
    else if (!open.delete(hexOf(record.leaf))) strange.push(record);
    if (record.recordedAt !== batch.recordedAt) {
      const message = `its record time is not that of its batch, ${formatInstant(batch.recordedAt)}`;
      found.push({ kind: 'ALTERED', source, row: record.row, message });
    }
  }
  for (const { row } of strange) {
    const isAltered = open.size > 0;
    const [leaf] = open;
    if (leaf !== undefined) open.delete(leaf);
    found.push(
      isAltered
        ? { kind: 'ALTERED', source, row, message: 'its content is not what was recorded' }
        : { kind: 'INSERTED', source, row, message: 'nothing of it was recorded' },
    );
  }
  for (const leaf of tellsMissing ? open : []) {
    const message = `a record of batch ${batch.id} is not there any more`;
    found.push({ kind: 'REMOVED', source, row: `sha256:${leaf}`, message });
  }
  if (source === 'prediction_log' && blanks !== erased.size && tellsMissing) {
    const message = `${blanks} records of batch ${batch.id} have no content, and ${erased.size} were erased`;
    found.push({ kind: 'ALTERED', source, row: `batch ${batch.id}`, message });
  }
  return { found, missing: open.size };
};

const byBatch = (
  records: readonly StoredRecord[],
): ReadonlyMap<bigint, readonly StoredRecord[]> => {
  const groups = new Map<bigint, StoredRecord[]>();
  for (const record of records) {
    const group = groups.get(record.batchId);
    if (group === undefined) groups.set(record.batchId, [record]);
    else group.push(record);
  }
  return groups;
};

/**
 * Recomputes every record of the log, and those in archives, and compares them with the ledger. Bounded memory. Returns
 * the number of records.
 */
export const verifyRecords = async (
  session: Session,
  source: RecordSource,
  discrepancies: Discrepancies,
  archived: ArchivedRecords = NO_ARCHIVES,
): Promise<number> => {
  const names = await readNames(session);
  let count = 0;
  let missed = 0;
  let after = -1n;
  for (;;) {
    const rows = await session.query<BatchRow>({
      text: `SELECT ${BATCH_COLUMNS} FROM ledger_batch
        WHERE source = $1 AND id > $2::text::bigint ORDER BY id LIMIT ${CHUNK}`,
      values: [source, String(after)],
    });
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) break;
    const records = byBatch([
      ...(await READERS[source](session, names, first.id, last.id)),
      ...(await archived.upTo(last.id)),
    ]);
    const erased = await erasedLeaves(session, first.id, last.id);
    for (const batch of rows.map(batchOf)) {
      const stored = records.get(batch.id) ?? [];
      count += stored.length;
      const gone = erased.get(batch.id) ?? new Set();
      // Where an archive was not read, its records are missing everywhere.
      const { found, missing } = compareBatch(source, batch, stored, gone, archived.unread === 0);
      missed += missing;
      for (const one of found) discrepancies.add(one);
    }
    after = last.id;
  }
  if (archived.unread > 0 && missed > archived.unread) {
    const message = `${missed - archived.unread} records are neither in it nor in the archives that could not be read`;
    discrepancies.add({ kind: 'REMOVED', source, row: 'several', message });
  }
  await findStrays(session, source, discrepancies);
  return count;
};

const erasedLeaves = async (
  session: Session,
  from: bigint,
  to: bigint,
): Promise<ReadonlyMap<bigint, ReadonlySet<string>>> => {
  const rows = await session.query<{ batch_id: bigint; commitment: Uint8Array }>({
    text: `SELECT batch_id, commitment FROM erased_record
      WHERE batch_id BETWEEN $1::text::bigint AND $2::text::bigint`,
    values: [String(from), String(to)],
  });
  const leaves = new Map<bigint, Set<string>>();
  for (const { batch_id: id, commitment } of rows) {
    leaves.set(id, (leaves.get(id) ?? new Set()).add(hexOf(commitment)));
  }
  return leaves;
};

/** Records that belong to no batch of theirs. */
const findStrays = async (
  session: Session,
  source: RecordSource,
  discrepancies: Discrepancies,
): Promise<void> => {
  const rows = await session.query<{ row: string }>({
    text: `SELECT json_build_array(l.request_id, l.endpoint_id, l.item)::text AS row FROM ${source} l
      LEFT JOIN ledger_batch b ON b.id = l.batch_id AND b.source = '${source}'
      WHERE b.id IS NULL LIMIT 1000`,
  });
  for (const { row } of rows) {
    discrepancies.add({ kind: 'INSERTED', source, row, message: 'nothing of it was recorded' });
  }
};
