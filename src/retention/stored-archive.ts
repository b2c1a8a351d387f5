import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArchiveStore } from '../platform/archive-store.ts';
import type { Database, Session } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { contentOfArchive } from '../prediction/archive-reader.ts';
import {
  type ArchiveWriter,
  openArchiveWriter,
  type WrittenFile,
} from '../prediction/archive-writer.ts';
import type { LogWeek } from '../prediction/partitions.ts';

/** A file in the store whose rows came back as they were written. */
export interface CheckedFile extends Omit<WrittenFile, 'path' | 'schema'> {
  readonly featureSchemaId: number;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly location: string;
}

/** What was written does not come back as it was: nothing is dropped then. */
export class ArchiveMismatchError extends Error {
  override readonly name = 'ArchiveMismatchError';
}

const storeFile = async (
  store: ArchiveStore,
  { partition }: LogWeek,
  { path, schema, ...written }: WrittenFile,
): Promise<CheckedFile> => {
  const { digest, sizeBytes } = await store.put(path);
  const stored = await store.open(digest);
  if (stored === null) {
    throw new ArchiveMismatchError(`${digest} was put into ${store.location} and is not there.`);
  }
  const { rowCount, contentDigest } = await contentOfArchive(stored, schema);
  if (rowCount !== written.rowCount || contentDigest !== written.contentDigest) {
    throw new ArchiveMismatchError(
      `${partition} is not archived: ${written.rowCount} rows of ${schema.name} ${schema.semver} were written and ${rowCount} came back, not as they were. A row that does not fit its schema was altered; \`hindcast verify\` names it.`,
    );
  }
  const { location } = store;
  return { ...written, featureSchemaId: schema.id, digest, sizeBytes, location };
};

/** Writes rows to files, puts these into the store and reads them back from there. */
export const storeArchive = async (
  database: Database,
  store: ArchiveStore,
  week: LogWeek,
  fill: (writer: ArchiveWriter) => Promise<void>,
): Promise<readonly CheckedFile[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-archiving-'));
  try {
    const writer = await openArchiveWriter(database, folder, week, store.rowsPerFile);
    try {
      await fill(writer);
      const files: CheckedFile[] = [];
      for (const file of await writer.finish()) files.push(await storeFile(store, week, file));
      return files;
    } finally {
      writer.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Who archives, restores or rewrites, and why. */
export interface ArchiveOrder {
  readonly actor: string;
  readonly reason: string;
}

/** Whether a file has earlier requests of the same schema, in the order of their bytes. */
const isBefore = (one: CheckedFile, other: CheckedFile): boolean =>
  one.featureSchemaId === other.featureSchemaId &&
  Buffer.compare(Buffer.from(one.firstRequestId), Buffer.from(other.firstRequestId)) < 0;

/** Records an archive, in the transaction that makes it hold. Returns its number. */
export const recordArchive = async (
  session: Pick<Session, 'query'>,
  { partition, from, to }: LogWeek,
  files: readonly CheckedFile[],
  { actor, reason }: ArchiveOrder,
): Promise<number> => {
  const rowCount = files.reduce((sum, file) => sum + file.rowCount, 0);
  const [archive] = await session.query<{ id: number }>({
    text: `INSERT INTO log_archive (partition, covers_from, covers_to, row_count, reason, actor)
      VALUES ($1, $2::timestamptz, $3::timestamptz, $4::text::bigint, $5, $6) RETURNING id`,
    values: [partition, formatInstant(from), formatInstant(to), String(rowCount), reason, actor],
  });
  const id = archive?.id ?? 0;
  for (const file of files) {
    const earlier = files.filter((one) => isBefore(one, file)).length;
    await session.query({
      text: `INSERT INTO log_archive_file (archive_id, feature_schema_id, digest, content_digest, size_bytes, row_count,
          first_request_id, last_request_id, location, part)
        VALUES ($1, $2, $3, $4, $5::text::bigint, $6::text::bigint, $7, $8, $9, $10)`,
      values: [
        id,
        file.featureSchemaId,
        file.digest,
        file.contentDigest,
        String(file.sizeBytes),
        String(file.rowCount),
        file.firstRequestId,
        file.lastRequestId,
        file.location,
        earlier === 0 ? null : earlier,
      ],
    });
  }
  return id;
};
