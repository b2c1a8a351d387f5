import type { Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';

/** A file that holds predictions of a week that were built with one feature schema: all, or those of the requests between two. */
export interface ArchiveFile {
  readonly archiveId: number;
  readonly partition: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly featureSchemaId: number;
  /** Which of several files of the week and schema, from 1; null for the first. */
  readonly part: number | null;
  readonly digest: string;
  readonly contentDigest: string;
  readonly sizeBytes: bigint;
  readonly rowCount: bigint;
  readonly firstRequestId: string;
  readonly lastRequestId: string;
  /** Where it was put. */
  readonly location: string;
  readonly archivedAt: Instant;
}

/** Which archives `a` hold: not replaced by a later one, and not brought back into the log. */
export const CURRENT_ARCHIVE = `NOT EXISTS (SELECT FROM log_archive later WHERE later.partition = a.partition AND later.id > a.id)
  AND NOT EXISTS (SELECT FROM log_restoration r WHERE r.archive_id = a.id)`;

/** Files of current archives, by a condition on archive `a` and file `f`; the caller bounds them. */
export const selectArchiveFiles = (
  reader: Pick<Session, 'query'>,
  rest: string,
  values: readonly unknown[] = [],
): Promise<ArchiveFile[]> =>
  reader.query<ArchiveFile>({
    text: `SELECT f.archive_id AS "archiveId", a.partition, a.covers_from AS "from", a.covers_to AS "to",
        f.feature_schema_id AS "featureSchemaId", f.part, f.digest, f.content_digest AS "contentDigest",
        f.size_bytes AS "sizeBytes", f.row_count AS "rowCount",
        f.first_request_id AS "firstRequestId", f.last_request_id AS "lastRequestId", f.location, a.recorded_at AS "archivedAt"
      FROM log_archive a JOIN log_archive_file f ON f.archive_id = a.id
      WHERE ${CURRENT_ARCHIVE} AND ${rest}`,
    values,
  });

/** Digests of the files of current archives. Also of a database that later migrations are still to come to. */
export const archiveDigests = async (
  reader: Pick<Session, 'query'>,
): Promise<readonly string[]> => {
  const rows = await reader.query<{ digest: string }>({
    text: `SELECT f.digest FROM log_archive a JOIN log_archive_file f ON f.archive_id = a.id
      WHERE ${CURRENT_ARCHIVE} ORDER BY f.archive_id`,
  });
  return [...new Set(rows.map(({ digest }) => digest))];
};

/** Which of some partitions are in the archive instead of the log. */
export const archivedPartitions = async (
  reader: Pick<Session, 'query'>,
  partitions: readonly string[],
): Promise<ReadonlySet<string>> => {
  const rows = await reader.query<{ partition: string }>({
    text: `SELECT a.partition FROM log_archive a WHERE a.partition = ANY($1::text[]) AND ${CURRENT_ARCHIVE}`,
    values: [partitions],
  });
  return new Set(rows.map(({ partition }) => partition));
};
