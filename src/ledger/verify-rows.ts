import type { Session } from '../platform/database.ts';
import {
  COMMITTED_TABLES,
  type CommittedTable,
  rowKeySql,
  rowTextSql,
} from './committed-tables.ts';
import type { Discrepancies, Discrepancy } from './discrepancy.ts';

/** Rows beside their entries; those that fit each other are left in the database. What was erased may be gone. */
const comparison = (table: CommittedTable): string => `SELECT coalesce(b.row_key, r.key) AS key,
    CASE WHEN b.id IS NULL THEN 'INSERTED' WHEN r.key IS NULL THEN 'REMOVED' ELSE 'ALTERED' END AS kind
  FROM (SELECT ${rowKeySql(table)} AS key, sha256(convert_to(${rowTextSql(table)}, 'UTF8')) AS leaf
    FROM ${table.table} t) AS r
  FULL JOIN (SELECT * FROM ledger_batch WHERE source = '${table.table}') AS b ON b.row_key = r.key
  WHERE r.leaf IS DISTINCT FROM b.leaves
    AND NOT (r.key IS NULL AND EXISTS (SELECT FROM erased_record e WHERE e.batch_id = b.id))
  ORDER BY b.id, r.key`;

const MESSAGES = {
  ALTERED: 'its content is not what was recorded',
  REMOVED: 'it was recorded and is not there any more',
  INSERTED: 'it is there, and nothing of it was recorded',
} as const;

/** Compares every row of the registry and of the histories with the ledger. Returns the number of rows. */
export const verifyRows = async (
  session: Session,
  discrepancies: Discrepancies,
): Promise<number> => {
  let rows = 0;
  for (const table of COMMITTED_TABLES) {
    const found = await session.query<{ key: string; kind: keyof typeof MESSAGES }>({
      text: comparison(table),
    });
    for (const { key, kind } of found) {
      const source: Discrepancy['source'] = table.table;
      discrepancies.add({ kind, source, row: key, message: MESSAGES[kind] });
    }
    const [counted] = await session.query<{ count: bigint }>({
      text: `SELECT count(*) AS count FROM ${table.table}`,
    });
    rows += Number(counted?.count ?? 0n);
  }
  return rows;
};
