import type { Session } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { PageRequest } from '../platform/pagination.ts';
import { hasKey } from '../prediction/hashed-key.ts';
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

/** Most holds that are named as the reason why something stays. */
const MAX_HOLDS = 20;

/** What a hold is on, apart from an entity, as a condition on rows `l` of the log. */
export const HOLD_FITS = `(h.model_id IS NULL OR EXISTS (SELECT FROM model_version v WHERE v.id = l.model_version_id AND v.model_id = h.model_id))
  AND (h.endpoint_id IS NULL OR l.endpoint_id = h.endpoint_id)`;

const LASTS = `NOT EXISTS (SELECT FROM legal_hold_release r WHERE r.hold_id = h.id)
    AND coalesce(h.covers_from, '-infinity') < $2::timestamptz AND coalesce(h.covers_to, 'infinity') > $1::timestamptz`;

// What is counted says which models and endpoints a week has, and which of its hours.
const HOLDING = `SELECT h.id FROM legal_hold h WHERE ${LASTS} AND h.entity_commitment IS NULL
    AND EXISTS (SELECT FROM prediction_rollup l WHERE l.hour >= $1::timestamptz AND l.hour < $2::timestamptz
      AND ${HOLD_FITS} AND l.last_at >= coalesce(h.covers_from, '-infinity')
      AND l.first_at < coalesce(h.covers_to, 'infinity'))
  ORDER BY h.id LIMIT ${MAX_HOLDS}`;

const ON_ENTITIES = `SELECT h.id, e.entity_key AS "entityKey", h.endpoint_id AS "endpointId",
    (SELECT array_agg(v.id) FROM model_version v WHERE v.model_id = h.model_id) AS versions,
    h.model_id IS NULL AS "isAnyModel", greatest(h.covers_from, $1::timestamptz) AS "from",
    least(h.covers_to, $2::timestamptz) AS "to"
  FROM legal_hold h JOIN held_entity e ON e.hold_id = h.id WHERE ${LASTS} ORDER BY h.id`;

interface EntityHold {
  readonly id: number;
  readonly entityKey: string;
  readonly endpointId: number | null;
  readonly versions: readonly number[] | null;
  readonly isAnyModel: boolean;
  readonly from: Instant;
  readonly to: Instant;
}

/** Whether the log has anything that a hold on an entity is on; the index of entities answers it. */
const holdsAnything = async (
  reader: Pick<Session, 'query'>,
  { entityKey, endpointId, versions, isAnyModel, from, to }: EntityHold,
): Promise<boolean> => {
  const rows = await reader.query({
    name: 'held_predictions',
    text: `SELECT 1 AS found FROM prediction_log l WHERE ${hasKey('entity_key', '$1')} AND l.occurred_at >= $2 AND l.occurred_at < $3
        AND ($4::int IS NULL OR l.endpoint_id = $4) AND ($5::int[] IS NULL OR l.model_version_id = ANY($5)) LIMIT 1`,
    values: [
      entityKey,
      formatInstant(from),
      formatInstant(to),
      endpointId,
      isAnyModel ? null : (versions ?? []),
    ],
  });
  return rows.length > 0;
};

/** Holds that keep a week of the log from being archived; at most 20 of them. */
export const holdsOn = async (
  reader: Pick<Session, 'query'>,
  { from, to }: LogWeek,
): Promise<readonly number[]> => {
  const values = [formatInstant(from), formatInstant(to)];
  const rows = await reader.query<{ id: number }>({ name: 'holds_on_week', text: HOLDING, values });
  const holds = rows.map(({ id }) => id);
  // Each by itself: a cluster has the log elsewhere than the holds.
  for (const hold of await reader.query<EntityHold>({
    name: 'entity_holds_on_week',
    text: ON_ENTITIES,
    values,
  })) {
    if (holds.length >= MAX_HOLDS) break;
    if (await holdsAnything(reader, hold)) holds.push(hold.id);
  }
  return holds;
};
