import type { Session } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { PageRequest } from '../platform/pagination.ts';
import type { LogWeek } from '../prediction/partitions.ts';

/** That some predictions must stay in the log, whatever their retention. Everything given must fit. */
export interface LegalHold {
  readonly id: number;
  readonly modelId: number | null;
  readonly endpointId: number | null;
  readonly isOnEntity: boolean;
  /** Null when it is on no entity, and once it was released. */
  readonly entityKey: string | null;
  readonly coversFrom: Instant | null;
  readonly coversTo: Instant | null;
  readonly reason: string;
  readonly actor: string;
  readonly recordedAt: Instant;
  readonly releasedAt: Instant | null;
  readonly releasedBy: string | null;
  readonly releaseReason: string | null;
}

/** Holds `h` with what is known of them. */
const HOLDS = `SELECT h.id, h.model_id AS "modelId", h.endpoint_id AS "endpointId",
    h.entity_commitment IS NOT NULL AS "isOnEntity", e.entity_key AS "entityKey", h.covers_from AS "coversFrom",
    h.covers_to AS "coversTo", h.reason, h.actor, h.recorded_at AS "recordedAt", r.recorded_at AS "releasedAt",
    r.actor AS "releasedBy", r.reason AS "releaseReason"
  FROM legal_hold h LEFT JOIN held_entity e ON e.hold_id = h.id LEFT JOIN legal_hold_release r ON r.hold_id = h.id`;

export const holdById = async (reader: Pick<Session, 'query'>, id: number): Promise<LegalHold> => {
  const [hold] = await reader.query<LegalHold>({ text: `${HOLDS} WHERE h.id = $1`, values: [id] });
  return referenced(hold ?? null);
};

/** Holds in the order of a page: the newest first, or the oldest when it goes backward. */
export const holdPage = (
  reader: Pick<Session, 'query'>,
  { limit, isBackward }: Pick<PageRequest, 'limit' | 'isBackward'>,
  from: number | null,
  areReleased: boolean | null,
): Promise<LegalHold[]> =>
  reader.query<LegalHold>({
    text: `${HOLDS} WHERE ($1::integer IS NULL OR h.id ${isBackward ? '>' : '<'} $1)
        AND ($2::boolean IS NULL OR (r.hold_id IS NOT NULL) = $2)
      ORDER BY h.id ${isBackward ? 'ASC' : 'DESC'} LIMIT $3`,
    values: [from, areReleased, limit + 1],
  });

export const modelNameOf = async (
  reader: Pick<Session, 'query'>,
  id: number,
): Promise<string | null> => {
  const [model] = await reader.query<{ name: string }>({
    name: 'model_name_by_id',
    text: 'SELECT name FROM model WHERE id = $1',
    values: [id],
  });
  return model?.name ?? null;
};

/** What a hold is on, apart from an entity, as a condition on rows `l` of the log. */
export const HOLD_FITS = `(h.model_id IS NULL OR EXISTS (SELECT FROM model_version v WHERE v.id = l.model_version_id AND v.model_id = h.model_id))
  AND (h.endpoint_id IS NULL OR l.endpoint_id = h.endpoint_id)`;

// What is counted says which models and endpoints a week has; only entities are looked up in the rows, by their index.
const HOLDING = `SELECT h.id FROM legal_hold h LEFT JOIN held_entity e ON e.hold_id = h.id
  WHERE NOT EXISTS (SELECT FROM legal_hold_release r WHERE r.hold_id = h.id)
    AND coalesce(h.covers_from, '-infinity') < $2::timestamptz AND coalesce(h.covers_to, 'infinity') > $1::timestamptz
    AND CASE WHEN h.entity_commitment IS NULL THEN EXISTS (SELECT FROM prediction_rollup l
        WHERE l.hour >= $1::timestamptz AND l.hour < $2::timestamptz AND ${HOLD_FITS}
          AND l.last_at >= coalesce(h.covers_from, '-infinity') AND l.first_at < coalesce(h.covers_to, 'infinity'))
      ELSE EXISTS (SELECT FROM prediction_log l WHERE l.entity_key = e.entity_key
        AND l.occurred_at >= $1::timestamptz AND l.occurred_at < $2::timestamptz AND ${HOLD_FITS}
        AND l.occurred_at >= coalesce(h.covers_from, '-infinity') AND l.occurred_at < coalesce(h.covers_to, 'infinity')) END
  ORDER BY h.id LIMIT 20`;

/** Holds that keep a week of the log from being archived; at most 20 of them. */
export const holdsOn = async (
  reader: Pick<Session, 'query'>,
  { from, to }: LogWeek,
): Promise<readonly number[]> => {
  const values = [formatInstant(from), formatInstant(to)];
  const rows = await reader.query<{ id: number }>({ name: 'holds_on_week', text: HOLDING, values });
  return rows.map(({ id }) => id);
};
