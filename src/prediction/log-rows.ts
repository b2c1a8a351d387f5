import { hash, randomFillSync } from 'node:crypto';
import {
  type ByteWriter,
  byteWriter,
  putBytes,
  putHex,
  putLatin1,
} from '../platform/byte-writer.ts';
import type { Instant } from '../platform/instant.ts';
import { countAnswer, type HourCounts, hourCounts, type RowReferences } from './hour-counts.ts';

/** Rows for `COPY prediction_log`, with what is committed to and counted when all of them are stored. */
export interface LogRows {
  readonly writer: ByteWriter;
  /** Where each row's place for its batch begins. */
  readonly batchPlaces: number[];
  /** SHA-256 of salt and digest, a character for each byte. */
  readonly leaves: string[];
  readonly hours: HourCounts;
}

/** Columns of `LogRows`, in order. */
export const ROW_COLUMNS = `request_id, occurred_at, endpoint_id, item, model_version_id, feature_schema_id, entity_key,
  trace_id, numbers, integers, texts, statuses, feature_observed_at, undeclared, score, label, output, latency_ms,
  sampling_rate, digest, salt, batch_id, recorded_at`;

export const logRows = (capacity: number): LogRows => ({
  writer: byteWriter(capacity),
  batchPlaces: [],
  leaves: [],
  hours: hourCounts(),
});

/** What a row says that is needed besides its text. */
export interface RowSubject {
  readonly occurredAt: Instant;
  readonly references: RowReferences;
  readonly samplingRate: number | null;
}

/** Ends a row of which everything up to `sampling_rate` is written. `digest` has a character for each byte. */
export const endRow = (
  { writer, batchPlaces, leaves, hours }: LogRows,
  digest: string,
  { occurredAt, references, samplingRate }: RowSubject,
): void => {
  fillSalt();
  SALTED.write(digest, SALT_BYTES, 'latin1');
  putLatin1(writer, '\t\\\\x');
  putHex(writer, SALTED, SALT_BYTES, SALT_BYTES + 32);
  putLatin1(writer, '\t\\\\x');
  putHex(writer, SALTED, 0, SALT_BYTES);
  batchPlaces.push(writer.length);
  putLatin1(writer, BATCH_PLACE);
  leaves.push(hash('sha256', SALTED, 'binary'));
  countAnswer(hours, references, occurredAt, samplingRate);
};

/** The batch of the ledger that rows are part of, with their record time as PostgreSQL writes it in UTC. */
export interface RowBatch {
  readonly id: bigint;
  readonly recordedAt: string;
}

/** Writes the batch into all rows. An attempt to store them that failed is followed by one with another batch. */
export const stampRows = (
  { writer, batchPlaces }: LogRows,
  { id, recordedAt }: RowBatch,
): Buffer<ArrayBuffer> => {
  const stamp = Buffer.from(`\t${String(id).padStart(19, '0')}\t${recordedAt}\n`);
  if (stamp.length !== BATCH_PLACE.length) throw new RangeError(`not a batch: ${recordedAt}`);
  for (const place of batchPlaces) stamp.copy(writer.bytes, place);
  return writer.bytes.subarray(0, writer.length);
};

const bytesOfRow = ({ writer, batchPlaces }: LogRows, row: number): Buffer<ArrayBuffer> => {
  const endOf = (one: number): number => (batchPlaces[one] ?? 0) + BATCH_PLACE.length;
  return writer.bytes.subarray(row === 0 ? 0 : endOf(row - 1), endOf(row));
};

/** The bytes of stamped rows, in another order. */
export const reordered = (rows: LogRows, order: readonly number[]): Buffer<ArrayBuffer> =>
  Buffer.concat(order.map((row) => bytesOfRow(rows, row)));

/** Some of the rows, by their place and with what they say. */
export const rowsAt = (
  rows: LogRows,
  chosen: readonly (readonly [number, RowSubject])[],
): LogRows => {
  const some = logRows(rows.writer.length);
  for (const [row, { occurredAt, references, samplingRate }] of chosen) {
    putBytes(some.writer, bytesOfRow(rows, row));
    some.batchPlaces.push(some.writer.length - BATCH_PLACE.length);
    some.leaves.push(rows.leaves[row] ?? '');
    countAnswer(some.hours, references, occurredAt, samplingRate);
  }
  return some;
};

const BATCH_PLACE = '\t0000000000000000000\t2000-01-01T00:00:00.000000Z\n';

const SALT_BYTES = 16;

/** A salt and a digest, one row at a time. */
const SALTED = Buffer.alloc(SALT_BYTES + 32);

/** Random bytes are drawn in bulk. */
const RANDOM = Buffer.alloc(1024 * SALT_BYTES);
let used = RANDOM.length;

const fillSalt = (): void => {
  if (used === RANDOM.length) {
    randomFillSync(RANDOM);
    used = 0;
  }
  RANDOM.copy(SALTED, 0, used, used + SALT_BYTES);
  used += SALT_BYTES;
};
