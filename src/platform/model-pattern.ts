/** Whether a model is among those that patterns allow: a name, or the beginning of names followed by `*`; null allows all. */
export const allowsModel = (patterns: readonly string[] | null, name: string): boolean =>
  patterns === null ||
  patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name,
  );

/** SQL for the same about a column; `parameter` holds the patterns. */
export const allowsModelSql = (column: string, parameter: string): string =>
  `EXISTS (SELECT FROM unnest(${parameter}) AS pattern WHERE CASE WHEN right(pattern, 1) = '*'
    THEN starts_with(${column}, left(pattern, -1)) ELSE ${column} = pattern END)`;

/** Why a pattern cannot be one; null when it can. */
export const brokenPatternReason = (pattern: string): string | null => {
  const name = pattern.replace(/\*$/, '');
  if (name.includes('*')) return '`*` may only stand at the end';
  if (pattern === '') return 'it is empty';
  return null;
};
