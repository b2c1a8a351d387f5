import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBResult } from '@duckdb/node-api';
import type { ArchiveFile } from '../prediction/archive-index.ts';
import { loadDuckdb, openDuckdbFile } from '../prediction/duckdb.ts';
import type { StoredRecord } from './stored-records.ts';

/** Records of archives in the order of their batches. */
export interface ArchivedRecords {
  /** Files that were read. */
  readonly files: number;
  /** Those that were not where they should be: they may have been replaced or restored meanwhile. */
  readonly missing: readonly ArchiveFile[];
  /** Records of files that could not be. */
  readonly unread: number;
  /** Those that come next, of batches up to this one. */
  upTo(batchId: bigint): Promise<readonly StoredRecord[]>;
  close(): Promise<void>;
}

export const NO_ARCHIVES: ArchivedRecords = {
  files: 0,
  missing: [],
  unread: 0,
  upTo: async () => [],
  close: async () => {},
};

/** Puts records, which come file by file, into the order of their batches: on disk, since they may be many. */
export interface RecordSorter {
  add(records: readonly StoredRecord[]): void;
  sorted(): Promise<Pick<ArchivedRecords, 'upTo' | 'close'>>;
}

const recordsIn = async (result: DuckDBResult): Promise<readonly StoredRecord[] | null> => {
  const chunk = await result.fetchChunk();
  if (chunk === null || chunk.rowCount === 0) return null;
  return chunk.getRows().map(([batchId, recordedAt, row, leaf]) => ({
    batchId: batchId as bigint,
    recordedAt: Number(recordedAt),
    row: row as string,
    leaf: leaf === null ? null : new Uint8Array((leaf as { readonly bytes: Uint8Array }).bytes),
  }));
};

export const openRecordSorter = async (): Promise<RecordSorter> => {
  const { DuckDBBlobValue } = await loadDuckdb();
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-verifying-'));
  const instance = await openDuckdbFile(folder);
  const connection = await instance.connect();
  await connection.run(
    'CREATE TABLE record (batch_id BIGINT, recorded_at BIGINT, row VARCHAR, leaf BLOB)',
  );
  const appender = await connection.createAppender('record');
  const close = async (): Promise<void> => {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    add: (records) => {
      for (const { batchId, recordedAt, row, leaf } of records) {
        appender.appendBigInt(batchId);
        appender.appendBigInt(BigInt(recordedAt));
        appender.appendVarchar(row);
        appender.appendValue(leaf === null ? null : new DuckDBBlobValue(leaf));
        appender.endRow();
      }
    },
    sorted: async () => {
      appender.closeSync();
      const result = await connection.stream('SELECT * FROM record ORDER BY batch_id');
      let next: readonly StoredRecord[] | null = await recordsIn(result);
      const upTo = async (batchId: bigint): Promise<readonly StoredRecord[]> => {
        const taken: StoredRecord[] = [];
        while (next !== null) {
          const beyond = next.findIndex((record) => record.batchId > batchId);
          taken.push(...(beyond < 0 ? next : next.slice(0, beyond)));
          if (beyond >= 0) {
            next = next.slice(beyond);
            break;
          }
          next = await recordsIn(result);
        }
        return taken;
      };
      return { upTo, close };
    },
  };
};
