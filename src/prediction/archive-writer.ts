import type { Hash } from 'node:crypto';
import { join } from 'node:path';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import { type FeatureSchema, featureSchemaById } from '../evidence/feature-schema.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant } from '../platform/instant.ts';
import { modelVersionById, releaseOf } from '../registry/model-version.ts';
import { endpointById, routeOf } from '../serving/endpoint.ts';
import { addContent, contentDigestOf, contentHash } from './archive-content.ts';
import {
  type ArchiveColumn,
  archiveColumns,
  featureColumnsOf,
  type RowNames,
} from './archive-layout.ts';
import { type Duckdb, loadDuckdb, openDuckdbFile } from './duckdb.ts';
import type { LogRow } from './log-columns.ts';
import type { LogWeek } from './partitions.ts';

/** A file of archived predictions, not stored yet. */
export interface WrittenFile {
  readonly path: string;
  readonly schema: FeatureSchema;
  readonly rowCount: number;
  /** SHA-256 of the rows as the log had them, in the order of the file. */
  readonly contentDigest: string;
  readonly firstRequestId: string;
  readonly lastRequestId: string;
}

/** Takes the rows of a week in the order of their identity and writes files, each of one feature schema. */
export interface ArchiveWriter {
  append(rows: readonly LogRow[]): Promise<void>;
  finish(): Promise<readonly WrittenFile[]>;
  close(): void;
}

interface Stage {
  readonly schema: FeatureSchema;
  readonly table: string;
  readonly columns: readonly ArchiveColumn[];
  readonly appender: DuckDBAppender;
  readonly content: Hash;
  readonly firstRequestId: string;
  rowCount: number;
  lastRequestId: string;
}

/** As many rows as a chunk of DuckDB holds. */
const CHUNK = 2048;

/** Few enough rows that one prediction is found without reading many others. */
const ROW_GROUP = 20_480;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const metadataOf = ({ partition, from, to }: LogWeek, schema: FeatureSchema): string =>
  JSON.stringify({
    format: 'hindcast-log/1',
    partition,
    from: formatInstant(from),
    to: formatInstant(to),
    featureSchema: { name: schema.name, semver: schema.semver, digest: schema.digest },
    features: featureColumnsOf(schema).map(({ slots: { field }, value, status }) => ({
      name: field.name,
      type: field.type,
      shape: field.shape,
      value,
      status,
    })),
  });

/** Names of what rows refer to, by the numbers that they have in this database. */
const nameRows = async (
  database: Database,
  rows: readonly LogRow[],
  names: Map<string, RowNames>,
): Promise<void> => {
  for (const row of rows) {
    const key = `${row.endpoint_id} ${row.model_version_id}`;
    if (names.has(key)) continue;
    const endpoint = await endpointById(database).load(row.endpoint_id as number);
    const version = await modelVersionById(database).load(row.model_version_id as number);
    names.set(key, {
      endpoint: routeOf(referenced(endpoint)),
      modelVersion: releaseOf(referenced(version)),
      modelVersionDigest: referenced(version).digest,
    });
  }
};

const bySchema = (rows: readonly LogRow[]): ReadonlyMap<number, readonly LogRow[]> => {
  const groups = new Map<number, LogRow[]>();
  for (const row of rows) {
    const id = row.feature_schema_id as number;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  return groups;
};

const appendChunk = (duckdb: Duckdb, stage: Stage, rows: readonly LogRow[]): void => {
  const { DuckDBDataChunk } = duckdb;
  for (let start = 0; start < rows.length; start += CHUNK) {
    const part = rows.slice(start, start + CHUNK);
    const types = stage.columns.map(({ type }) => type);
    const chunk = DuckDBDataChunk.create(types, part.length);
    chunk.setColumns(stage.columns.map((column) => part.map(column.valueOf)));
    stage.appender.appendDataChunk(chunk);
  }
  for (const row of rows) addContent(stage.content, row);
  stage.rowCount += rows.length;
  stage.lastRequestId = (rows.at(-1)?.request_id ?? stage.lastRequestId) as string;
};

/** How many of some rows belong in a file: a request is in one file, whatever its size. */
const roomFor = (
  { rowCount, lastRequestId }: Stage,
  rows: readonly LogRow[],
  rowsPerFile: number,
): number => {
  let count = Math.min(Math.max(rowsPerFile - rowCount, 0), rows.length);
  const last = count === 0 ? lastRequestId : rows[count - 1]?.request_id;
  while (count < rows.length && rows[count]?.request_id === last) count += 1;
  return count;
};

const openStage = async (
  duckdb: Duckdb,
  connection: DuckDBConnection,
  schema: FeatureSchema,
  names: ReadonlyMap<string, RowNames>,
  first: LogRow,
): Promise<Stage> => {
  const columns = archiveColumns(duckdb, schema, (row) =>
    referenced(names.get(`${row.endpoint_id} ${row.model_version_id}`) ?? null),
  );
  const table = `schema_${schema.id}`;
  const declared = columns.map(({ name, type }) => `${quoted(name)} ${type.toString()}`);
  await connection.run(`CREATE TABLE ${table} (${declared.join(', ')})`);
  const requestId = first.request_id as string;
  return {
    schema,
    table,
    columns,
    appender: await connection.createAppender(table),
    content: contentHash(),
    firstRequestId: requestId,
    rowCount: 0,
    lastRequestId: requestId,
  };
};

/** Opens a writer that keeps what it was given in a folder until it is finished: memory stays bounded. */
export const openArchiveWriter = async (
  database: Database,
  folder: string,
  week: LogWeek,
  rowsPerFile: number,
): Promise<ArchiveWriter> => {
  const duckdb = await loadDuckdb();
  const instance = await openDuckdbFile(folder);
  const connection = await instance.connect();
  const stages = new Map<number, Stage>();
  const names = new Map<string, RowNames>();
  const written: WrittenFile[] = [];
  const write = async ({ appender, table, schema, content, ...stage }: Stage): Promise<void> => {
    appender.closeSync();
    const path = join(folder, `${written.length}.parquet`);
    // Without dictionaries: DuckDB's would take -0 and 0 for one value.
    await connection.run(`COPY ${table} TO '${path.replaceAll("'", "''")}' (FORMAT parquet,
      COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP}, DICTIONARY_SIZE_LIMIT 0,
      KV_METADATA {hindcast: '${metadataOf(week, schema).replaceAll("'", "''")}'})`);
    await connection.run(`DROP TABLE ${table}`);
    stages.delete(schema.id);
    const { rowCount, firstRequestId, lastRequestId } = stage;
    const contentDigest = contentDigestOf(content);
    written.push({ path, schema, rowCount, contentDigest, firstRequestId, lastRequestId });
  };
  const stageFor = async (id: number, first: LogRow): Promise<Stage> => {
    const schema = referenced(await featureSchemaById(database).load(id));
    const stage = await openStage(duckdb, connection, schema, names, first);
    stages.set(id, stage);
    return stage;
  };
  return {
    append: async (rows) => {
      await nameRows(database, rows, names);
      for (const [id, group] of bySchema(rows)) {
        for (let left = group; left.length > 0; ) {
          const stage = stages.get(id) ?? (await stageFor(id, left[0] ?? {}));
          const count = roomFor(stage, left, rowsPerFile);
          appendChunk(duckdb, stage, left.slice(0, count));
          left = left.slice(count);
          if (left.length > 0) await write(stage);
        }
      }
    },
    finish: async () => {
      for (const stage of stages.values()) await write(stage);
      return written;
    },
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
};
