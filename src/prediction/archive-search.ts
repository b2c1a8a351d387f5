import { featureSchemaById } from '../evidence/feature-schema.ts';
import { AlteredArtifactError } from '../platform/artifact-store.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { type ArchiveFile, selectArchiveFiles } from './archive-index.ts';
import { readArchive } from './archive-reader.ts';
import { DuckdbUnavailableError } from './duckdb.ts';
import type { LogRow } from './log-columns.ts';
import { OBSERVATIONS, OUTCOME_LIST } from './observations.ts';
import { type PredictionLog, type PredictionRow, predictionOf } from './prediction-log.ts';
import { timeOfRequestId } from './request-time.ts';

/** Which archived predictions are wanted: all that is given must fit. */
export interface ArchivedQuery {
  readonly requestId?: string;
  readonly traceId?: string;
  readonly entityKey?: string;
  readonly endpointId?: number;
  readonly item?: number;
  /** Half open; null at an open end. */
  readonly from: Instant | null;
  readonly to: Instant | null;
}

/** An archive in which something may be that was not found. */
export interface UnreadArchive {
  readonly file: ArchiveFile;
  readonly why: string;
}

export interface ArchivedAnswer {
  readonly predictions: readonly PredictionLog[];
  readonly unread: readonly UnreadArchive[];
}

/** Most files that one question opens. */
export const MAX_FILES = 52;

/** Files in which it may be: the one of the time that the request ID tells first, then the newest. */
const filesFor = (
  { database }: Context,
  { requestId, from, to }: ArchivedQuery,
): Promise<ArchiveFile[]> => {
  const at = requestId === undefined ? null : timeOfRequestId(requestId);
  const instant = (given: Instant | null) => (given === null ? null : formatInstant(given));
  return selectArchiveFiles(
    database,
    `($1::text IS NULL OR (f.first_request_id <= $1 AND f.last_request_id >= $1))
      AND a.covers_to > coalesce($2::timestamptz, '-infinity') AND a.covers_from < coalesce($3::timestamptz, 'infinity')
      ORDER BY coalesce(a.covers_from <= $4::timestamptz AND a.covers_to > $4::timestamptz, FALSE) DESC,
        a.covers_from DESC, f.feature_schema_id, f.part NULLS FIRST LIMIT ${MAX_FILES + 1}`,
    [requestId ?? null, instant(from), instant(to), instant(at)],
  );
};

/** The condition on the rows of a file. */
const conditionOf = (query: ArchivedQuery) => {
  const values: (string | bigint)[] = [];
  const is = (sql: string, value: string | number | undefined | null): readonly string[] => {
    if (value == null) return [];
    const place = values.push(typeof value === 'number' ? BigInt(value) : value);
    return [`${sql} $${place}${typeof value === 'number' ? '::BIGINT' : ''}`];
  };
  const conditions = [
    ...is('request_id =', query.requestId),
    ...is('trace_id =', query.traceId),
    ...is('entity_key =', query.entityKey),
    ...is('endpoint_id =', query.endpointId),
    ...is('item =', query.item),
    ...is('epoch_us(occurred_at) >=', query.from),
    ...is('epoch_us(occurred_at) <', query.to),
  ];
  return { where: conditions.join(' AND '), values };
};

/** Why a file cannot be read, in words; throws what nobody expects. */
const obstacleOf = (error: unknown): string => {
  if (error instanceof AlteredArtifactError || error instanceof DuckdbUnavailableError) {
    return error.message;
  }
  throw error;
};

const readFrom = async (
  { database, archive }: Context,
  file: ArchiveFile,
  query: ArchivedQuery,
  limit: number,
): Promise<readonly LogRow[] | UnreadArchive> => {
  try {
    const path = archive === undefined ? null : await archive.open(file.digest);
    if (path === null) {
      const where =
        archive === undefined || archive.location === file.location
          ? ''
          : `, nor in ${archive.location}`;
      return {
        file,
        why: `Its file was put into ${file.location} and is not there any more${where}.`,
      };
    }
    const schema = referenced(await featureSchemaById(database).load(file.featureSchemaId));
    const rows: LogRow[] = [];
    await readArchive(
      path,
      schema,
      (some) => {
        rows.push(...some);
      },
      { ...conditionOf(query), limit },
    );
    return rows;
  } catch (error) {
    return { file, why: obstacleOf(error) };
  }
};

/** What is observed of archived rows stays in the database. */
const withObservations = async (
  { database }: Context,
  found: readonly { readonly file: ArchiveFile; readonly row: LogRow }[],
): Promise<readonly PredictionLog[]> => {
  if (found.length === 0) return [];
  const rows = found.map(({ row }) => row as unknown as PredictionRow);
  const observed = await database.query<{ observations: string }>({
    name: 'observations_of_archived',
    // Outcomes are asked for by themselves: on Citus they are on other nodes, and the archived rows are on none.
    text: `WITH observed AS MATERIALIZED (
        SELECT o.request_id, o.endpoint_id, o.item, ${OUTCOME_LIST} AS outcomes
        FROM prediction_outcome o WHERE o.request_id = ANY($1::text[]) GROUP BY 1, 2, 3)
      SELECT ${OBSERVATIONS} AS observations
      FROM (unnest($1::text[], $2::timestamptz[], $3::int[], $4::int[], $5::text[], $6::text[]::bigint[]) WITH ORDINALITY
        AS archived (request_id, occurred_at, endpoint_id, item, digest, batch_id, place)
        LEFT JOIN observed USING (request_id, endpoint_id, item)) AS l ORDER BY place`,
    values: [
      rows.map((row) => row.request_id),
      rows.map((row) => formatInstant(row.occurred_at)),
      rows.map((row) => row.endpoint_id),
      rows.map((row) => row.item),
      rows.map(({ digest }) => (digest === null ? null : 'there')),
      rows.map((row) => String(row.batch_id)),
    ],
  });
  return rows.map((row, index) =>
    predictionOf(
      { ...row, observations: observed[index]?.observations ?? '{}' },
      found[index]?.file ?? null,
    ),
  );
};

/**
 * Predictions that are in archives, at most `limit` of each file. Row groups that cannot hold the request are skipped; at
 * most 52 files are opened. What was not read is told.
 */
export const findArchived = async (
  context: Context,
  query: ArchivedQuery,
  limit: number,
): Promise<ArchivedAnswer> => {
  const files = await filesFor(context, query);
  const found: { readonly file: ArchiveFile; readonly row: LogRow }[] = [];
  const unread: UnreadArchive[] = [];
  for (const file of files.slice(0, MAX_FILES)) {
    const rows = await readFrom(context, file, query, limit);
    if ('why' in rows) unread.push(rows);
    else found.push(...rows.map((row) => ({ file, row })));
  }
  const beyond = files.slice(MAX_FILES).map((file) => ({
    file,
    why: `It and older archives were not searched: one question opens ${MAX_FILES} files. Give the time.`,
  }));
  return {
    predictions: await withObservations(context, found),
    unread: [...unread, ...beyond],
  };
};

/** What is said of a week that was not read. */
export const unreadText = ({ file: { partition, from, to, digest }, why }: UnreadArchive): string =>
  `The predictions from ${formatInstant(from)} to ${formatInstant(to)} are archived (${partition}, ${digest}). ${why}`;
