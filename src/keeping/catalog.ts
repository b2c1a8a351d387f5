import type { Session } from '../platform/database.ts';

type Reader = Pick<Session, 'query'>;

/** A table that holds rows itself. */
export interface DataTable {
  readonly name: string;
  readonly isPartition: boolean;
  readonly columns: readonly string[];
}

/** Within the schema of Hindcast; what an extension brought is not part of it. */
const OURS = `c.relnamespace = current_schema()::regnamespace AND c.relname <> '_prisma_migrations'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;

/** Every table that holds rows, partitions of the log by themselves. */
export const dataTables = (reader: Reader): Promise<DataTable[]> =>
  reader.query<DataTable>({
    text: `SELECT c.relname::text AS name, c.relispartition AS "isPartition", (SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
      FROM pg_class c WHERE c.relkind = 'r' AND ${OURS} ORDER BY c.relname`,
  });

export interface SequenceValue {
  readonly name: string;
  readonly value: string;
}

/** The last value of each sequence that gave one. */
export const sequenceValues = (reader: Reader): Promise<SequenceValue[]> =>
  reader.query<SequenceValue>({
    text: `SELECT c.relname::text AS name, s.last_value::text AS value
      FROM pg_class c JOIN pg_sequences s ON s.sequencename = c.relname AND s.schemaname = current_schema()
      WHERE ${OURS} AND s.last_value IS NOT NULL ORDER BY c.relname`,
  });

/** Rows take as long as they take, and every digit of them counts. */
export const PATIENCE = `SELECT set_config('statement_timeout', '0', TRUE), set_config('extra_float_digits', '1', TRUE),
  set_config('idle_in_transaction_session_timeout', '0', TRUE)`;

/** Names are quoted, whatever they are. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Names of the tables that have a row. */
export const filledTables = async (
  reader: Reader,
  tables: readonly DataTable[],
): Promise<readonly string[]> => {
  const filled: string[] = [];
  // One by one: Citus plans no statement over all of them.
  for (const { name } of tables) {
    const rows = await reader.query({ text: `SELECT 1 AS found FROM ${quoted(name)} LIMIT 1` });
    if (rows.length > 0) filled.push(name);
  }
  return filled;
};

/** A statement and the one that undoes it. */
interface Undoable {
  readonly apply: string;
  readonly undo: string;
}

/** Lifts what would refuse rows in this order, or add to them: foreign keys, checked as a whole afterwards, and triggers. */
export const liftedRules = (reader: Reader): Promise<Undoable[]> =>
  reader.query<Undoable>({
    text: `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) AS apply,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) AS undo
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND k.conparentid = 0 AND ${OURS}
      UNION ALL
      SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', c.oid::regclass), format('ALTER TABLE %s ENABLE TRIGGER USER', c.oid::regclass)
      FROM pg_class c WHERE ${OURS} AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)`,
  });
