/** Columns of the log that are indexed by a hash of their text. */
type HashedColumn = 'entity_key' | 'trace_id';

const hashOf = (text: string): string => `hashtextextended(${text}, 0)`;

/** The condition that rows `l` of the log have one of these keys, as SQL: the hash finds them, the text decides. */
export const hasKey = (column: HashedColumn, ...keys: readonly string[]): string =>
  `${hashOf(`l.${column}`)} IN (${keys.map(hashOf).join(', ')}) AND l.${column} IN (${keys.join(', ')})`;
