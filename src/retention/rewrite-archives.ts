import { featureSchemaById } from '../evidence/feature-schema.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Context } from '../platform/context.ts';
import type { Session } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import { type ArchiveFile, selectArchiveFiles } from '../prediction/archive-index.ts';
import { readArchive } from '../prediction/archive-reader.ts';
import { DuckdbUnavailableError } from '../prediction/duckdb.ts';
import type { LogRow } from '../prediction/log-columns.ts';
import type { LogWeek } from '../prediction/partitions.ts';
import { ArchiveUnavailableError } from './archive-unavailable-error.ts';
import { blankRow } from './blank-row.ts';
import { type CheckedFile, storeArchive } from './stored-archive.ts';
import { sweepArchives } from './sweep-archives.ts';

/** A record whose content was taken out of an archive. */
export interface ErasedFromArchive {
  readonly requestId: string;
  readonly occurredAt: Instant;
  readonly endpointId: number;
  readonly item: number;
  readonly modelVersionId: number;
  readonly batchId: bigint;
  readonly salt: Uint8Array;
  readonly digest: Uint8Array;
}

/** Archives without what is recorded of an entity. Nothing names the new files until they are recorded. */
export interface RewrittenArchives {
  readonly erased: readonly ErasedFromArchive[];
  readonly rewritten: readonly { readonly week: LogWeek; readonly files: readonly CheckedFile[] }[];
  /** What archives there were. */
  readonly state: string;
}

/** Weeks were archived or restored since the archives were read. */
export class ArchivesChangedError extends Error {
  override readonly name = 'ArchivesChangedError';
}

const stateOf = async (session: Pick<Session, 'query'>): Promise<string> => {
  const [row] = await session.query<{ state: string }>({
    text: `SELECT concat((SELECT max(id) FROM log_archive), ' ', (SELECT count(*) FROM log_restoration)) AS state`,
  });
  return row?.state ?? '';
};

/** Lets nobody archive or restore until the transaction ends; throws when somebody did since. */
export const assertStillCurrent = async (
  session: Session,
  { state }: RewrittenArchives,
): Promise<void> => {
  await session.query({ text: 'LOCK TABLE log_archive IN SHARE ROW EXCLUSIVE MODE' });
  if ((await stateOf(session)) !== state) {
    throw new ArchivesChangedError('Weeks were archived or restored meanwhile.');
  }
};

const erasedFrom = (row: LogRow): ErasedFromArchive => ({
  requestId: row.request_id as string,
  occurredAt: row.occurred_at as Instant,
  endpointId: row.endpoint_id as number,
  item: row.item as number,
  modelVersionId: row.model_version_id as number,
  batchId: row.batch_id as bigint,
  salt: row.salt as Uint8Array,
  digest: row.digest as Uint8Array,
});

const pathOf = async ({ archive }: Context, file: ArchiveFile): Promise<string> => {
  const path = (await archive?.open(file.digest)) ?? null;
  if (path !== null) return path;
  throw new ArchiveUnavailableError(
    `The archive of ${file.partition}, ${file.digest}, was put into ${file.location} and is not to be found: what it holds of the entity cannot be erased. Put it back there and try again.`,
  );
};

const holdsEntity = async (
  { database }: Context,
  file: ArchiveFile,
  path: string,
  entityKey: string,
): Promise<boolean> => {
  const schema = referenced(await featureSchemaById(database).load(file.featureSchemaId));
  let holds = false;
  const condition = { where: 'entity_key = $1', values: [entityKey], limit: 1 };
  await readArchive(
    path,
    schema,
    () => {
      holds = true;
    },
    condition,
  );
  return holds;
};

const unchanged = ({ rowCount, sizeBytes, ...file }: ArchiveFile): CheckedFile => ({
  ...file,
  rowCount: Number(rowCount),
  sizeBytes: Number(sizeBytes),
});

/** Writes one file anew; rows of the entity lose their content. */
const rewriteFile = async (
  { database, archive }: Context,
  file: ArchiveFile,
  path: string,
  entityKey: string,
  erased: ErasedFromArchive[],
): Promise<readonly CheckedFile[]> => {
  if (archive === undefined) return [];
  const schema = referenced(await featureSchemaById(database).load(file.featureSchemaId));
  return storeArchive(database, archive, file, (writer) =>
    readArchive(path, schema, async (rows) => {
      const kept = rows.map((row) => {
        if (row.entity_key !== entityKey || row.digest === null) return row;
        erased.push(erasedFrom(row));
        return blankRow(row, schema);
      });
      await writer.append(kept);
    }),
  );
};

const rewriteAll = async (
  context: Context,
  entityKey: string,
): Promise<Omit<RewrittenArchives, 'state'>> => {
  const files = await selectArchiveFiles(context.database, 'TRUE ORDER BY f.archive_id');
  const erased: ErasedFromArchive[] = [];
  const rewritten = new Map<number, { week: LogWeek; files: CheckedFile[] }>();
  const replaced = new Set<ArchiveFile>();
  const opened = [];
  for (const file of files) opened.push({ file, path: await pathOf(context, file) });
  for (const { file, path } of opened) {
    if (!(await holdsEntity(context, file, path, entityKey))) continue;
    const { partition, from, to } = file;
    const entry = rewritten.get(file.archiveId) ?? { week: { partition, from, to }, files: [] };
    rewritten.set(file.archiveId, entry);
    replaced.add(file);
    entry.files.push(...(await rewriteFile(context, file, path, entityKey, erased)));
  }
  for (const file of files) {
    if (!replaced.has(file)) rewritten.get(file.archiveId)?.files.push(unchanged(file));
  }
  return { erased, rewritten: [...rewritten.values()] };
};

/** Writes anew every archive that holds something of an entity, without it. Reads that column of all of them. */
export const rewriteWithout = async (
  context: Context,
  entityKey: string,
): Promise<RewrittenArchives> => {
  const { database, archive } = context;
  // Should a crash have left a file that an earlier erasure replaced.
  if (archive !== undefined) await sweepArchives(database, archive);
  const state = await stateOf(database);
  try {
    return { ...(await rewriteAll(context, entityKey)), state };
  } catch (error) {
    if (error instanceof DuckdbUnavailableError || error instanceof AlteredArtifactError) {
      throw new ArchiveUnavailableError(error.message);
    }
    throw error;
  }
};

/** Deletes those of the new files that were not recorded, and the files that recorded ones replaced. */
export const removeUnnamed = async (
  { database, archive }: Context,
  { rewritten }: RewrittenArchives,
): Promise<void> => {
  if (archive === undefined) return;
  const digests = rewritten.flatMap(({ files }) => files.map(({ digest }) => digest));
  const named = await database.query<{ digest: string }>({
    text: 'SELECT DISTINCT digest FROM log_archive_file WHERE digest = ANY($1::text[])',
    values: [digests],
  });
  const known = new Set(named.map(({ digest }) => digest));
  for (const digest of digests) if (!known.has(digest)) await archive.remove(digest);
  await sweepArchives(database, archive);
};
