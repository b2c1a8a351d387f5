import type { Session } from './database.ts';

/**
 * Ids of the rows with these pairs of names; `named` is a query for `id`, `first` and `second`. One short statement for any
 * number of pairs: a disjunction of thousands, as Prisma writes it, is beyond the embedded database's stack.
 */
export const idsByNamePair = async (
  session: Session,
  named: string,
  pairs: readonly (readonly [first: string, second: string])[],
): Promise<number[]> => {
  const rows = await session.query<{ id: number }>({
    text: `SELECT named.id FROM (${named}) AS named
      JOIN unnest($1::text[], $2::text[]) AS wanted (first, second) USING (first, second)`,
    values: [pairs.map(([first]) => first), pairs.map(([, second]) => second)],
  });
  return rows.map(({ id }) => id);
};

/** Splits `name@semver`. A semantic version holds no "@", so the last one separates. */
export const splitRelease = (release: string): readonly [name: string, semver: string] => {
  const at = release.lastIndexOf('@');
  return [release.slice(0, at), release.slice(at + 1)];
};
