import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { ArchiveStore } from '../platform/archive-store.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Session } from '../platform/database.ts';
import { addContent, contentDigestOf, contentHash } from '../prediction/archive-content.ts';
import { type ArchiveFile, selectArchiveFiles } from '../prediction/archive-index.ts';
import { readArchive } from '../prediction/archive-reader.ts';
import { DuckdbUnavailableError } from '../prediction/duckdb.ts';
import { type PredictionRow, storedPredictionOf } from '../prediction/prediction-log.ts';
import {
  type ArchivedRecords,
  NO_ARCHIVES,
  openRecordSorter,
  type RecordSorter,
} from './archived-records.ts';
import type { Discrepancies, Discrepancy } from './discrepancy.ts';
import { type ReferenceNames, readNames, storedPrediction } from './stored-records.ts';
import { countHours, type HourCounts, verifyArchivedCounts } from './verify-archived-counts.ts';

/** The fields of schemas, past every cache; without what the columns of an archive do not depend on. */
const fieldsOf = async (
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly FeatureFieldDefinition[]>> => {
  const rows = await session.query<
    Pick<FeatureFieldDefinition, 'name' | 'position' | 'type' | 'shape'> & { readonly id: number }
  >({
    text: `SELECT feature_schema_id AS id, name, position, type::text AS type, shape FROM feature_field
      WHERE feature_schema_id = ANY($1::int[]) ORDER BY feature_schema_id, position`,
    values: [ids],
  });
  const fields = new Map<number, FeatureFieldDefinition[]>();
  for (const { id, ...field } of rows) {
    const list = fields.get(id) ?? [];
    fields.set(id, list);
    list.push({
      ...field,
      isNullable: true,
      categories: null,
      defaultValue: null,
      maxAgeSeconds: null,
      isSensitive: false,
      description: null,
      transformations: [],
    });
  }
  return fields;
};

const about = (
  { archiveId, featureSchemaId, part, partition, digest }: ArchiveFile,
  kind: Discrepancy['kind'],
  what: string,
): Discrepancy => ({
  kind,
  source: 'log_archive_file',
  row: JSON.stringify([archiveId, featureSchemaId, ...(part === null ? [] : [part])].map(String)),
  message: `the archive of ${partition}, ${digest}, ${what}`,
});

/** The path of a file; null when it is not there, or with a discrepancy when its bytes are others. */
const opened = async (
  archive: ArchiveStore,
  file: ArchiveFile,
  missing: ArchiveFile[],
  discrepancies: Discrepancies,
): Promise<string | null> => {
  // The row of a file that has another digest than it was recorded with is told by its own leaf.
  if (!/^sha256:[0-9a-f]{64}$/.test(file.digest)) return null;
  try {
    const path = await archive.open(file.digest);
    if (path === null) missing.push(file);
    return path;
  } catch (error) {
    if (!(error instanceof AlteredArtifactError)) throw error;
    discrepancies.add(about(file, 'ALTERED', `was altered: its bytes give ${error.actual}`));
    return null;
  }
};

/**
 * Tells the files that are gone and still hold. Restoring a week and erasing from it delete files, and may have done so
 * since the snapshot in which they held.
 */
export const tellMissingArchives = async (
  database: Pick<Session, 'query'>,
  missing: readonly ArchiveFile[],
  archive: ArchiveStore,
  discrepancies: Discrepancies,
): Promise<void> => {
  if (missing.length === 0) return;
  const current = await selectArchiveFiles(database, 'f.digest = ANY($1::text[])', [
    missing.map(({ digest }) => digest),
  ]);
  for (const file of missing) {
    if (!current.some(({ archiveId }) => archiveId === file.archiveId)) continue;
    const nor = archive.location === file.location ? '' : `, nor in ${archive.location}`;
    const what = `was put into ${file.location} and is not there any more${nor}`;
    discrepancies.add(about(file, 'REMOVED', what));
  }
};

/** Reads a file to its end. Returns what is wrong with it; null when it holds what was archived. */
const readFile = async (
  path: string,
  file: ArchiveFile,
  fields: readonly FeatureFieldDefinition[],
  names: ReferenceNames,
  sorter: RecordSorter,
  counts: HourCounts,
): Promise<string | null> => {
  const content = contentHash();
  try {
    await readArchive(path, { fields }, (rows) => {
      for (const row of rows) addContent(content, row);
      const predictions = rows.map((row) => storedPredictionOf(row as unknown as PredictionRow));
      sorter.add(predictions.map((prediction) => storedPrediction(prediction, names)));
      countHours(counts, predictions);
    });
  } catch (error) {
    if (error instanceof DuckdbUnavailableError) throw error;
    // Its bytes are those that were archived: it is the schema that does not fit it any more.
    return `cannot be read by its feature schema as that is recorded: ${(error as Error).message}`;
  }
  return contentDigestOf(content) === file.contentDigest
    ? null
    : 'has other rows than those that were archived';
};

/**
 * Reads every archive that holds: whether its bytes and rows are those recorded, and whether the counts are theirs. Gives
 * its records, which take part in the comparison with the ledger.
 */
export const readArchives = async (
  session: Session,
  archive: ArchiveStore,
  discrepancies: Discrepancies,
): Promise<ArchivedRecords> => {
  const files = await selectArchiveFiles(
    session,
    'TRUE ORDER BY f.archive_id, f.feature_schema_id, f.part NULLS FIRST',
  );
  if (files.length === 0) return NO_ARCHIVES;
  const names = await readNames(session);
  const fields = await fieldsOf(session, [...new Set(files.map((file) => file.featureSchemaId))]);
  const sorter = await openRecordSorter();
  const counts: HourCounts = new Map();
  const unread: ArchiveFile[] = [];
  const missing: ArchiveFile[] = [];
  for (const file of files) {
    const path = await opened(archive, file, missing, discrepancies);
    if (path === null) {
      unread.push(file);
      continue;
    }
    const own = fields.get(file.featureSchemaId) ?? [];
    const problem = await readFile(path, file, own, names, sorter, counts);
    if (problem !== null) discrepancies.add(about(file, 'ALTERED', problem));
  }
  const whole = files.filter(({ archiveId }) => !unread.some((one) => one.archiveId === archiveId));
  await verifyArchivedCounts(session, whole, counts, discrepancies);
  return {
    ...(await sorter.sorted()),
    files: files.length - unread.length,
    missing,
    unread: unread.reduce((sum, { rowCount }) => sum + Number(rowCount), 0),
  };
};
