import type { Session } from '../platform/database.ts';
import { type CommittedTable, committedTable, rowKeyOf, rowTextSql } from './committed-tables.ts';
import { type LedgerProof, proveLeaf } from './ledger-proof.ts';
import { batchesOfRows, type StoredCheckpoint } from './ledger-store.ts';

/** A row of the registry or a history, and the proof that it is in the ledger. */
export interface RowProof {
  readonly source: string;
  readonly rowKey: string;
  /** What the leaf is the SHA-256 of: the table's name, a newline, and the row as JSON. */
  readonly text: string;
  /** Null while it is not sealed. */
  readonly proof: LedgerProof | null;
}

/** Proves rows of a table by their keys, in the order of the keys; rows that are not there are left out. */
export const proveRows = async (
  reader: Pick<Session, 'query'>,
  source: string,
  keys: readonly (readonly number[])[],
  under: StoredCheckpoint | null = null,
): Promise<readonly RowProof[]> => {
  const table = committedTable(source);
  const rowKeys = keys.map((key) => rowKeyOf(...key));
  const rows = await reader.query<{ key: string; text: string; leaf: Uint8Array }>({
    name: `committed_rows_of_${source}`,
    text: `SELECT wanted.key, text, sha256(convert_to(text, 'UTF8')) AS leaf
      FROM unnest($1::text[]) AS wanted (key) JOIN LATERAL (
        SELECT ${rowTextSql(table)} AS text FROM ${source} t WHERE ${keyIs(table)}
      ) AS found ON true`,
    values: [rowKeys],
  });
  const batches = await batchesOfRows(reader, source, rowKeys);
  const proofs: RowProof[] = [];
  for (const [index, rowKey] of rowKeys.entries()) {
    const row = rows.find(({ key }) => key === rowKey);
    const batch = batches[index] ?? null;
    if (row === undefined) continue;
    const proof = batch === null ? null : await proveLeaf(reader, batch, row.leaf, under);
    proofs.push({ source, rowKey, text: row.text, proof });
  }
  return proofs;
};

const keyIs = ({ keys }: CommittedTable): string =>
  keys.map((key, index) => `t.${key} = (wanted.key::json ->> ${index})::integer`).join(' AND ');
