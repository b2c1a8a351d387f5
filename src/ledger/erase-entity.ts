import type { Context } from '../platform/context.ts';
import type { Session } from '../platform/database.ts';
import { NotFoundError } from '../platform/errors.ts';
import { formatInstant } from '../platform/instant.ts';
import { hasKey } from '../prediction/hashed-key.ts';
import { HOLD_FITS } from '../retention/legal-hold.ts';
import { LegalHoldError } from '../retention/legal-hold-error.ts';
import {
  ArchivesChangedError,
  assertStillCurrent,
  type RewrittenArchives,
  removeUnnamed,
  rewriteWithout,
} from '../retention/rewrite-archives.ts';
import { recordArchive } from '../retention/stored-archive.ts';
import { committedTable, rowKeySql } from './committed-tables.ts';
import type { Erasure } from './erasure.ts';
import { commitmentOf } from './merkle-hash.ts';

/** Whose values are to be erased, and why that is right. */
export interface ErasureOrder {
  readonly entityKey: string;
  readonly legalBasis: string;
  readonly reason: string;
}

/** Identifies the lock of those who erase among the advisory locks of the database: "hce1". */
const LOCK = 0x68636531;

/** Records of the log to erase with their leaves, gathered once so that every statement means the same ones. */
const GATHER = `CREATE TEMP TABLE IF NOT EXISTS erasure_stage (
  source text, request_id text COLLATE "C", occurred_at timestamptz(6), endpoint_id integer, item integer,
  batch_id bigint, commitment bytea, feature_count integer, model_version_id integer
) ON COMMIT DELETE ROWS`;

// Erasures take turns, so that none erases what another does. Nothing else changes a record.
const TAKE_TURN = `SELECT pg_advisory_xact_lock(${LOCK})`;

const PREDICTIONS = `WITH found AS MATERIALIZED (
    SELECT request_id, occurred_at, endpoint_id, item, batch_id, sha256(salt || digest) AS leaf, feature_schema_id,
      model_version_id
    FROM prediction_log l WHERE ${hasKey('entity_key', '$1')} AND digest IS NOT NULL
  )
  INSERT INTO erasure_stage
  SELECT 'prediction_log', request_id, occurred_at, endpoint_id, item, batch_id, leaf,
    (SELECT count(*) FROM feature_field f WHERE f.feature_schema_id = found.feature_schema_id), model_version_id
  FROM found`;

/** Those that are in archives, with the leaves that their content gave. */
const ARCHIVED = `INSERT INTO erasure_stage
  SELECT 'prediction_log', request_id, occurred_at, endpoint_id, item, batch_id, decode(commitment, 'hex'), 0, model_version_id
  FROM unnest($1::text[], $2::timestamptz[], $3::int[], $4::int[], $5::text[]::bigint[], $6::text[], $7::int[])
    AS found (request_id, occurred_at, endpoint_id, item, batch_id, commitment, model_version_id)`;

/** What else is known of the same predictions. */
const OUTCOMES = `INSERT INTO erasure_stage
  SELECT DISTINCT 'prediction_outcome', o.request_id, o.observed_at, o.endpoint_id, o.item, o.batch_id,
    sha256(o.salt || o.digest)
  FROM prediction_outcome o JOIN erasure_stage s USING (request_id, endpoint_id, item)
  WHERE s.source = 'prediction_log'`;

const CONFLICTS = `INSERT INTO erasure_stage
  SELECT 'prediction_conflict', t.request_id, t.occurred_at, t.endpoint_id, t.item, b.id, b.leaves
  FROM prediction_conflict t JOIN erasure_stage s USING (request_id, occurred_at, endpoint_id, item)
  JOIN ledger_batch b ON b.source = 'prediction_conflict'
    AND b.row_key = ${rowKeySql(committedTable('prediction_conflict'))}
  WHERE s.source = 'prediction_log'`;

/** The refused copies: of the same requests, and those that have the entity's key as a JSON string. */
const REJECTED = `r.request_id IN (SELECT request_id FROM erasure_stage) OR position(convert_to($1, 'UTF8') IN r.raw) > 0`;

const RECORD = `INSERT INTO erasure
    (legal_basis, reason, actor, predictions, outcomes, conflicts, rejected_records, recorded_at)
  SELECT $2, $3, $4,
    count(*) FILTER (WHERE source = 'prediction_log'), count(*) FILTER (WHERE source = 'prediction_outcome'),
    count(*) FILTER (WHERE source = 'prediction_conflict'),
    (SELECT count(*) FROM rejected_record r WHERE ${REJECTED}), clock_timestamp()
  FROM erasure_stage
  RETURNING id, legal_basis AS "legalBasis", reason, actor, predictions, outcomes, conflicts,
    rejected_records AS "rejectedRecords", recorded_at AS "recordedAt"`;

const KEEP_LEAVES = `INSERT INTO erased_record (batch_id, commitment, erasure_id, request_id, endpoint_id, item)
  SELECT batch_id, commitment, $1, request_id, endpoint_id, item FROM erasure_stage ORDER BY batch_id, commitment`;

/** A row without its content: arrays as long as they were, every status ERASED, neither salt nor digest. */
const BLANK = `UPDATE prediction_log l SET entity_key = NULL, undeclared = NULL, score = NULL, label = NULL, output = NULL,
    numbers = array_fill(NULL::float8, ARRAY[cardinality(l.numbers)]),
    integers = array_fill(NULL::int8, ARRAY[cardinality(l.integers)]),
    texts = array_fill(NULL::text, ARRAY[cardinality(l.texts)]),
    feature_observed_at = array_fill(NULL::int8, ARRAY[cardinality(l.feature_observed_at)]),
    statuses = decode(repeat('06', s.feature_count), 'hex'),
    salt = NULL, digest = NULL
  FROM erasure_stage s
  WHERE s.source = 'prediction_log' AND l.request_id = s.request_id AND l.occurred_at = s.occurred_at
    AND l.endpoint_id = s.endpoint_id AND l.item = s.item`;

const DELETE_OUTCOMES = `DELETE FROM prediction_outcome o USING erasure_stage s
  WHERE s.source = 'prediction_log' AND o.request_id = s.request_id AND o.endpoint_id = s.endpoint_id
    AND o.item = s.item`;

const DELETE_CONFLICTS = `DELETE FROM prediction_conflict c USING erasure_stage s
  WHERE s.source = 'prediction_log' AND c.request_id = s.request_id AND c.occurred_at = s.occurred_at
    AND c.endpoint_id = s.endpoint_id AND c.item = s.item`;

/** What was computed from them again. */
const DELETE_REPLAYS = `DELETE FROM replay_result r USING erasure_stage s
  WHERE s.source = 'prediction_log' AND r.request_id = s.request_id AND r.occurred_at = s.occurred_at
    AND r.endpoint_id = s.endpoint_id AND r.item = s.item`;

const BLANK_FILTERS = 'UPDATE replay_job SET filter = NULL WHERE position($1 IN filter) > 0';

const eraseIn = async (
  session: Session,
  { entityKey, legalBasis, reason }: ErasureOrder,
  actor: string,
  archives: RewrittenArchives,
): Promise<Erasure> => {
  await assertStillCurrent(session, archives);
  const quotedKey = JSON.stringify(entityKey);
  await session.query({ text: TAKE_TURN });
  await session.query({ text: GATHER });
  await session.query({ text: PREDICTIONS, values: [entityKey] });
  await stageArchived(session, archives);
  await refuseHeld(session, entityKey);
  await session.query({ text: OUTCOMES });
  await session.query({ text: CONFLICTS });
  const [erasure] = await session.query<Erasure>({
    text: RECORD,
    values: [quotedKey, legalBasis, reason, actor],
  });
  if (erasure === undefined || isNothing(erasure)) throw new NotFoundError(NOTHING, PATH);
  await session.query({ text: KEEP_LEAVES, values: [erasure.id] });
  for (const text of [BLANK, DELETE_OUTCOMES, DELETE_CONFLICTS, DELETE_REPLAYS]) {
    await session.query({ text });
  }
  await session.query({ text: BLANK_FILTERS, values: [quotedKey] });
  await session.query({
    text: `DELETE FROM rejected_record r WHERE ${REJECTED}`,
    values: [quotedKey],
  });
  for (const { week, files } of archives.rewritten) {
    const reason = `Rewritten without what erasure ${erasure.id} took.`;
    await recordArchive(session, week, files, { actor, reason });
  }
  return erasure;
};

const stageArchived = async (session: Session, { erased }: RewrittenArchives): Promise<void> => {
  if (erased.length === 0) return;
  await session.query({
    text: ARCHIVED,
    values: [
      erased.map(({ requestId }) => requestId),
      erased.map(({ occurredAt }) => formatInstant(occurredAt)),
      erased.map(({ endpointId }) => endpointId),
      erased.map(({ item }) => item),
      erased.map(({ batchId }) => String(batchId)),
      erased.map(({ salt, digest }) => Buffer.from(commitmentOf(salt, digest)).toString('hex')),
      erased.map(({ modelVersionId }) => modelVersionId),
    ],
  });
};

/** Refuses to destroy what a legal hold is on. */
const refuseHeld = async (session: Session, entityKey: string): Promise<void> => {
  const holds = await session.query<{ id: number }>({
    text: `SELECT h.id FROM legal_hold h LEFT JOIN held_entity e ON e.hold_id = h.id
      WHERE NOT EXISTS (SELECT FROM legal_hold_release r WHERE r.hold_id = h.id)
        AND (h.entity_commitment IS NULL OR e.entity_key = $1)
        AND EXISTS (SELECT FROM erasure_stage l WHERE l.source = 'prediction_log' AND ${HOLD_FITS}
          AND l.occurred_at >= coalesce(h.covers_from, '-infinity') AND l.occurred_at < coalesce(h.covers_to, 'infinity'))
      ORDER BY h.id LIMIT 20`,
    values: [entityKey],
  });
  if (holds.length > 0)
    throw new LegalHoldError(
      holds.map(({ id }) => id),
      PATH,
    );
};

const PATH = ['input', 'entityKey'];
const NOTHING = 'Nothing is recorded of this entity; check its key, which is compared exactly.';

const isNothing = ({ predictions, rejectedRecords }: Erasure): boolean =>
  predictions === 0 && rejectedRecords === 0;

/** How often to begin again when weeks were archived or restored meanwhile. */
const ATTEMPTS = 3;

/**
 * Erases what is recorded of an entity, in one transaction with the fact that it was: its key, values, outputs,
 * outcomes, conflicting and refused copies, and the salts without which the remaining leaves tell nothing. Archives that
 * hold something of it are written anew first, and the old files deleted afterwards.
 */
export const eraseEntity = async (
  context: Context,
  order: ErasureOrder,
  attempts = ATTEMPTS,
): Promise<Erasure> => {
  const { database, actor } = context;
  const archives = await rewriteWithout(context, order.entityKey);
  try {
    return await database.transaction((session) => eraseIn(session, order, actor.name, archives));
  } catch (error) {
    if (!(error instanceof ArchivesChangedError) || attempts === 1) throw error;
    return eraseEntity(context, order, attempts - 1);
  } finally {
    // The old files when it was recorded, and the new ones when it was not.
    if (archives.rewritten.length > 0) await removeUnnamed(context, archives);
  }
};
