import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { addContent, contentDigestOf, contentHash } from './archive-content.ts';
import { featureColumnsOf } from './archive-layout.ts';
import { rowFromArchive } from './archived-row.ts';
import { withDuckdb } from './duckdb.ts';
import type { LogRow } from './log-columns.ts';

/** Which rows of an archive are wanted: a condition in SQL with the values of `$1`, `$2` and so on. */
export interface ArchiveCondition {
  readonly where: string;
  readonly values: readonly (string | number | bigint)[];
  readonly limit: number;
}

/** Hands the rows of a file to `take` in pieces, in the order of the file. */
export const readArchive = (
  path: string,
  schema: Pick<FeatureSchema, 'fields'>,
  take: (rows: readonly LogRow[]) => void | Promise<void>,
  condition: ArchiveCondition | null = null,
): Promise<void> =>
  withDuckdb(async (connection) => {
    const features = featureColumnsOf(schema);
    const where = condition === null ? '' : `WHERE ${condition.where} LIMIT ${condition.limit}`;
    const result = await connection.stream(
      `SELECT * FROM read_parquet('${path.replaceAll("'", "''")}') ${where}`,
      condition === null ? [] : [...condition.values],
    );
    const names = result.columnNames();
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      const columns = chunk.getColumns();
      const rows = Array.from({ length: chunk.rowCount }, (_, index) =>
        rowFromArchive(
          features,
          new Map(names.map((name, column) => [name, columns[column]?.[index] ?? null])),
        ),
      );
      await take(rows);
    }
  });

/** Number and digest of the rows that a file gives back. */
export const contentOfArchive = async (
  path: string,
  schema: Pick<FeatureSchema, 'fields'>,
): Promise<{ readonly rowCount: number; readonly contentDigest: string }> => {
  const hash = contentHash();
  let rowCount = 0;
  await readArchive(path, schema, (rows) => {
    for (const row of rows) addContent(hash, row);
    rowCount += rows.length;
  });
  return { rowCount, contentDigest: contentDigestOf(hash) };
};
