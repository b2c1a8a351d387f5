import { featureSchemaById } from '../evidence/feature-schema.ts';
import type { ArchiveStore } from '../platform/archive-store.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Database, Session } from '../platform/database.ts';
import { announceRecorded } from '../platform/events.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { addContent, contentDigestOf, contentHash } from '../prediction/archive-content.ts';
import {
  type ArchiveFile,
  CURRENT_ARCHIVE,
  selectArchiveFiles,
} from '../prediction/archive-index.ts';
import { readArchive } from '../prediction/archive-reader.ts';
import { LOG_COLUMN_LIST, logRowText } from '../prediction/log-columns.ts';
import {
  attachToLog,
  forgetPartitions,
  type LogWeek,
  makeLikeLog,
  restorationKey,
} from '../prediction/partitions.ts';
import '../prediction/release-waiting.ts';
import type { ArchiveOrder } from './stored-archive.ts';

/** What is archived cannot be brought back. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';
}

const missing = ({ partition, digest }: ArchiveFile, { location }: ArchiveStore): RestoreError =>
  new RestoreError(
    `${partition} cannot be restored: its file ${digest} is not in ${location}. Put it back there and try again.`,
  );

/** Copies the rows of a file into a table, if they are those that were archived. */
const copyRows = async (
  database: Database,
  session: Session,
  file: ArchiveFile,
  path: string,
): Promise<number> => {
  const schema = referenced(await featureSchemaById(database).load(file.featureSchemaId));
  const content = contentHash();
  let count = 0;
  await readArchive(path, schema, async (rows) => {
    for (const row of rows) addContent(content, row);
    count += rows.length;
    const text = rows.map((row) => `${logRowText(row)}\n`).join('');
    await session.copy(`${file.partition} (${LOG_COLUMN_LIST})`, text);
  });
  if (contentDigestOf(content) !== file.contentDigest) {
    throw new RestoreError(
      `${file.partition} is not restored: the rows of ${file.digest} are not those that were archived.`,
    );
  }
  return count;
};

/** Opens every file before anything is written; also warms the cache of schemas, which reads the database. */
const openFiles = async (
  database: Database,
  store: ArchiveStore,
  files: readonly ArchiveFile[],
): Promise<readonly { readonly file: ArchiveFile; readonly path: string }[]> => {
  const opened = [];
  for (const file of files) {
    await featureSchemaById(database).load(file.featureSchemaId);
    try {
      const path = await store.open(file.digest);
      if (path === null) throw missing(file, store);
      opened.push({ file, path });
    } catch (error) {
      if (!(error instanceof AlteredArtifactError)) throw error;
      throw new RestoreError(`${file.partition} cannot be restored. ${error.message}`);
    }
  }
  return opened;
};

/**
 * Brings an archived partition back into the log, bit for bit, in one transaction, and then the records that waited for
 * it. Returns the number of its rows. Its files are deleted: what is erased later must not be in them.
 */
export const restorePartition = async (
  database: Database,
  store: ArchiveStore,
  week: LogWeek,
  { actor, reason }: ArchiveOrder,
): Promise<number> => {
  const { partition } = week;
  const files = await selectArchiveFiles(
    database,
    'a.partition = $1 ORDER BY f.feature_schema_id, f.part NULLS FIRST',
    [partition],
  );
  const [first] = files;
  if (first === undefined) {
    throw new RestoreError(
      `${partition} is not in the archive; \`hindcast partitions\` lists what is.`,
    );
  }
  const opened = await openFiles(database, store, files);
  const count = await database.transaction(async (session) => {
    await session.query({ text: 'LOCK TABLE log_archive IN SHARE ROW EXCLUSIVE MODE' });
    const current = await session.query({
      text: `SELECT FROM log_archive a WHERE a.id = $1 AND ${CURRENT_ARCHIVE}`,
      values: [first.archiveId],
    });
    if (current.length === 0)
      throw new RestoreError(`${partition} was changed meanwhile; try again.`);
    await makeLikeLog(session, week);
    let rows = 0;
    for (const { file, path } of opened) rows += await copyRows(database, session, file, path);
    await attachToLog(session, week);
    await session.query({
      text: 'INSERT INTO log_restoration (archive_id, reason, actor) VALUES ($1, $2, $3)',
      values: [first.archiveId, reason, actor],
    });
    return rows;
  });
  forgetPartitions(database);
  for (const { digest } of files) await store.remove(digest);
  await announceRecorded(database, [restorationKey(partition)]);
  return count;
};
