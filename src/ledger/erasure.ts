import type { Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import type { PageRequest } from '../platform/pagination.ts';

/** That what was recorded of an entity was erased: how much, by whom and on which legal basis. */
export interface Erasure {
  readonly id: number;
  readonly legalBasis: string;
  readonly reason: string;
  readonly actor: string;
  readonly predictions: number;
  readonly outcomes: number;
  readonly conflicts: number;
  readonly rejectedRecords: number;
  readonly recordedAt: Instant;
}

const SELECT = `SELECT id, legal_basis AS "legalBasis", reason, actor, predictions, outcomes, conflicts,
    rejected_records AS "rejectedRecords", recorded_at AS "recordedAt" FROM erasure`;

export const erasureById = async (
  reader: Pick<Session, 'query'>,
  id: number,
): Promise<Erasure | null> => {
  const [erasure] = await reader.query<Erasure>({
    name: 'erasure_by_id',
    text: `${SELECT} WHERE id = $1`,
    values: [id],
  });
  return erasure ?? null;
};

/** Erasures in the order of a page: the newest first, or the oldest when it goes backward. */
export const erasurePage = (
  reader: Pick<Session, 'query'>,
  { limit, isBackward }: Pick<PageRequest, 'limit' | 'isBackward'>,
  from: number | null,
): Promise<Erasure[]> => {
  const order = isBackward ? 'ASC' : 'DESC';
  return reader.query<Erasure>({
    name: `erasure_page_${order}`,
    text: `${SELECT} WHERE $1::integer IS NULL OR id ${isBackward ? '>' : '<'} $1
      ORDER BY id ${order} LIMIT $2`,
    values: [from, limit + 1],
  });
};
