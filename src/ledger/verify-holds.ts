import type { Session } from '../platform/database.ts';
import type { Discrepancies, Discrepancy } from './discrepancy.ts';

/** Entities under a hold, beside what the holds say of them without naming them. */
const COMPARISON = `SELECT coalesce(h.id, e.hold_id) AS id, CASE WHEN e.hold_id IS NULL THEN 'REMOVED'
      WHEN h.entity_commitment IS NULL OR r.hold_id IS NOT NULL THEN 'INSERTED' ELSE 'ALTERED' END AS kind
  FROM legal_hold h LEFT JOIN legal_hold_release r ON r.hold_id = h.id FULL JOIN held_entity e ON e.hold_id = h.id
  WHERE (CASE WHEN r.hold_id IS NULL THEN h.entity_commitment END)
    IS DISTINCT FROM sha256(e.salt || convert_to(e.entity_key, 'UTF8'))
  ORDER BY 1 LIMIT 1000`;

const MESSAGES = {
  ALTERED: 'the entity is not the one that the hold was placed on',
  REMOVED: 'the hold is on an entity, and it is not there any more',
  INSERTED: 'no hold that lasts is on this entity',
} as const;

/** Compares the entities that are held with the commitments to them. */
export const verifyHolds = async (
  session: Session,
  discrepancies: Discrepancies,
): Promise<void> => {
  const rows = await session.query<{
    id: number;
    kind: Exclude<Discrepancy['kind'], 'ROLLED_BACK'>;
  }>({ text: COMPARISON });
  for (const { id, kind } of rows) {
    discrepancies.add({ kind, source: 'held_entity', row: String(id), message: MESSAGES[kind] });
  }
};
