// Parts of the statements that append records, so that what is stored is committed to by the same statement. A record's
// leaf is SHA-256 of a random salt and its digest: without the salt nobody can guess the content back from the leaf.

/** One batch of the ledger, with the record time of all that it holds. */
export const BATCH = `batch AS MATERIALIZED (
    SELECT nextval('ledger_batch_id_seq') AS id, clock_timestamp() AS recorded_at
  )`;

export const COMMITMENT_COLUMNS = 'salt, batch_id, recorded_at';

/** 122 random bits make a salt. */
export const COMMITMENT_VALUES =
  'uuid_send(gen_random_uuid()), (SELECT id FROM batch), (SELECT recorded_at FROM batch)';

export const LEAF = 'sha256(salt || digest) AS leaf';

/** Writes the batch of the leaves that `rows` has, if any. In the order of the leaves, which tells nothing. */
export const committedFrom = (source: string, rows: string): string => `committed AS (
    INSERT INTO ledger_batch (id, source, leaf_count, leaves, recorded_at)
    SELECT (SELECT id FROM batch), '${source}', count(*), string_agg(leaf, ''::bytea ORDER BY leaf),
      (SELECT recorded_at FROM batch)
    FROM ${rows} HAVING count(*) > 0
  )`;
