import type { Database } from '../../src/platform/database.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** The columns of a table, as the catalog has them. */
export const columnsOf = (database: Database, table: string): Promise<Column[]> =>
  database.query<Column>({
    text: `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type FROM pg_attribute a
      WHERE a.attrelid = '${table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
  });

/** SQL for another value of a column. */
export const otherValue = ({ name, type }: Column): string => {
  const column = `"${name}"`;
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'numeric':
    case 'double precision':
      return `coalesce(${column} + 1000, 1)`;
    case 'text':
      return `coalesce(${column}, '') || '-'`;
    case 'boolean':
      return `NOT ${column}`;
    case 'timestamp with time zone':
      return `coalesce(${column}, now()) + interval '1 minute 1 millisecond'`;
    case 'bytea':
      return `sha256(coalesce(${column}, ''))`;
    case 'text[]':
      return `array_append(${column}, 'other')`;
    case 'integer[]':
    case 'bigint[]':
    case 'double precision[]':
      return `array_append(${column}, 7)`;
    case 'uuid':
      return 'gen_random_uuid()';
    default:
      return `(SELECT e FROM unnest(enum_range(NULL::${type})) e WHERE e IS DISTINCT FROM ${column} LIMIT 1)`;
  }
};

/** A condition for one row of a table, the same at each call. */
export const someRow = (table: string): string => `ctid = (SELECT min(ctid) FROM ${table})`;

/** A statement that copies a row of a table with other values in some columns. */
export const copied = (
  table: string,
  columns: readonly Column[],
  changed: readonly string[],
  where = someRow(table),
): string => {
  const names = columns.map(({ name }) => `"${name}"`);
  const values = columns.map((column) =>
    changed.includes(column.name) ? otherValue(column) : `"${column.name}"`,
  );
  return `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${table} WHERE ${where}`;
};

/** Statements that drop what would refuse a second row with some value. */
export const withoutUniqueIndexes = async (
  database: Database,
  table: string,
): Promise<readonly string[]> => {
  const indexes = await database.query<{ name: string }>({
    text: `SELECT quote_ident(c.relname) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = '${table}'::regclass AND i.indisunique AND NOT i.indisprimary`,
  });
  return indexes.map(({ name }) => `DROP INDEX ${name}`);
};
