import type { Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { CURRENT_ARCHIVE } from '../prediction/archive-index.ts';
import { type LogWeek, weekOfPartition } from '../prediction/partitions.ts';
import { holdsOn } from './legal-hold.ts';
import { policiesInForce, weekExpiresAt } from './retention-policy.ts';

/** A week of the log, in the database or in the archive. */
export interface LogPartition extends LogWeek {
  readonly state: 'LOG' | 'ARCHIVED';
  readonly rows: number;
  readonly bytes: number;
  /** Holds that keep it in the log; none once it is archived. */
  readonly holds: readonly number[];
  /** When retention is over; null when it stays for ever, is empty, or is archived already. */
  readonly expiresAt: Instant | null;
  /** When it was archived last, though it may have come back since. */
  readonly archivedAt: Instant | null;
  readonly wasRestored: boolean;
}

interface Row {
  readonly partition: string;
  readonly is_archived: boolean;
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly archived_at: Instant | null;
}

const PARTITIONS = `SELECT c.relname::text AS partition, FALSE AS is_archived,
    coalesce((SELECT sum(count) FROM prediction_rollup r
      WHERE r.hour >= substr(c.relname, 17)::timestamp AT TIME ZONE 'UTC'
        AND r.hour < (substr(c.relname, 17)::timestamp + interval '7 days') AT TIME ZONE 'UTC'), 0)::bigint AS rows,
    log_partition_size(c.oid) AS bytes,
    (SELECT max(a.recorded_at) FROM log_archive a WHERE a.partition = c.relname) AS archived_at
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'prediction_log'::regclass
    AND c.relname ~ '^prediction_log_p[0-9]{8}$'
  UNION ALL
  SELECT a.partition, TRUE, a.row_count,
    (SELECT sum(f.size_bytes) FROM log_archive_file f WHERE f.archive_id = a.id)::bigint, a.recorded_at
  FROM log_archive a WHERE ${CURRENT_ARCHIVE}
  ORDER BY 1`;

/** Every week of the log, oldest first. A statement or two for each that is in the database. */
export const logPartitions = async (
  reader: Pick<Session, 'query'>,
): Promise<readonly LogPartition[]> => {
  const policies = await policiesInForce(reader);
  const partitions: LogPartition[] = [];
  for (const row of await reader.query<Row>({ text: PARTITIONS })) {
    const week = weekOfPartition(row.partition);
    if (week === null) continue;
    const isInLog = !row.is_archived;
    partitions.push({
      ...week,
      state: isInLog ? 'LOG' : 'ARCHIVED',
      rows: Number(row.rows),
      bytes: Number(row.bytes),
      holds: isInLog ? await holdsOn(reader, week) : [],
      expiresAt: isInLog ? await weekExpiresAt(reader, week, policies) : null,
      archivedAt: row.archived_at,
      wasRestored: isInLog && row.archived_at !== null,
    });
  }
  return partitions;
};
