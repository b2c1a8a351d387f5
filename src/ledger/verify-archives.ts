import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { ArchiveStore } from '../platform/archive-store.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Session } from '../platform/database.ts';
import { addContent, contentDigestOf, contentHash } from '../prediction/archive-content.ts';
import { type ArchiveFile, selectArchiveFiles } from '../prediction/archive-index.ts';
import { readArchive } from '../prediction/archive-reader.ts';
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
  { archiveId, featureSchemaId, partition, digest }: ArchiveFile,
  kind: Discrepancy['kind'],
  what: string,
): Discrepancy => ({
  kind,
  source: 'log_archive_file',
  row: JSON.stringify([String(archiveId), String(featureSchemaId)]),
  message: `the archive of ${partition}, ${digest}, ${what}`,
});

/** The path of a file; null, with a discrepancy, when there is none with these bytes. */
const opened = async (
  archive: ArchiveStore,
  file: ArchiveFile,
  discrepancies: Discrepancies,
): Promise<string | null> => {
  if (!/^sha256:[0-9a-f]{64}$/.test(file.digest)) return null;
  try {
    const path = await archive.open(file.digest);
    if (path === null) {
      const nor = archive.location === file.location ? '' : `, nor in ${archive.location}`;
      const what = `was put into ${file.location} and is not there any more${nor}`;
      discrepancies.add(about(file, 'REMOVED', what));
    }
    return path;
  } catch (error) {
    if (!(error instanceof AlteredArtifactError)) throw error;
    discrepancies.add(about(file, 'ALTERED', `was altered: its bytes give ${error.actual}`));
    return null;
  }
};

const readFile = async (
  path: string,
  file: ArchiveFile,
  fields: readonly FeatureFieldDefinition[],
  names: ReferenceNames,
  sorter: RecordSorter,
  counts: HourCounts,
): Promise<boolean> => {
  const content = contentHash();
  await readArchive(path, { fields }, (rows) => {
    for (const row of rows) addContent(content, row);
    const predictions = rows.map((row) => storedPredictionOf(row as unknown as PredictionRow));
    sorter.add(predictions.map((prediction) => storedPrediction(prediction, names)));
    countHours(counts, predictions);
  });
  return contentDigestOf(content) === file.contentDigest;
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
    'TRUE ORDER BY f.archive_id, f.feature_schema_id',
  );
  if (files.length === 0) return NO_ARCHIVES;
  const names = await readNames(session);
  const fields = await fieldsOf(session, [...new Set(files.map((file) => file.featureSchemaId))]);
  const sorter = await openRecordSorter();
  const counts: HourCounts = new Map();
  const unread: ArchiveFile[] = [];
  for (const file of files) {
    const path = await opened(archive, file, discrepancies);
    if (path === null) {
      unread.push(file);
      continue;
    }
    const own = fields.get(file.featureSchemaId) ?? [];
    if (await readFile(path, file, own, names, sorter, counts)) continue;
    discrepancies.add(about(file, 'ALTERED', 'has other rows than those that were archived'));
  }
  const whole = files.filter(({ archiveId }) => !unread.some((one) => one.archiveId === archiveId));
  await verifyArchivedCounts(session, whole, counts, discrepancies);
  return {
    ...(await sorter.sorted()),
    files: files.length - unread.length,
    unread: unread.reduce((sum, { rowCount }) => sum + Number(rowCount), 0),
  };
};
