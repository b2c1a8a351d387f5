import type { PGlite, Transaction } from '@electric-sql/pglite';

/** About how many bytes of rows stand in memory at once. */
const PIECE = 8 * 1024 * 1024;

/** Most pages of a table that are read in one statement. */
const MOST_PAGES = 4096;

/**
 * The rows of a table in COPY's text format. The engine answers COPY with all of its output at once, so this asks for a few
 * pages of the table at a time, as many as gave about the size of a piece before.
 */
export async function* copiedRows(
  client: PGlite | Transaction,
  table: string,
  columns: string,
  notify: (sql: string) => void,
): AsyncGenerator<Uint8Array> {
  const { rows } = await client.query<{ pages: number }>(
    `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::int)::int AS pages`,
    [table],
  );
  const end = rows[0]?.pages ?? 0;
  let count = 1;
  for (let page = 0; page < end; ) {
    const until = page + count;
    const sql = `COPY (SELECT ${columns} FROM ${table} WHERE ctid >= '(${page},0)' AND ctid < '(${until},0)') TO '/dev/blob'`;
    notify(sql);
    const { blob } = await client.query(sql);
    const bytes = new Uint8Array(await (blob ?? new Blob()).arrayBuffer());
    if (bytes.length > 0) yield bytes;
    page = until;
    const fitting = Math.floor((count * PIECE) / Math.max(bytes.length, 1));
    // Rows differ, most of all where what is long lies apart from its page.
    count = Math.max(1, Math.min(fitting, count * 8, MOST_PAGES));
  }
}
