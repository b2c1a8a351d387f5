import type { RejectedRecordKind } from '../generated/prisma/enums.ts';
import { type Database, type Session, sqlState } from '../platform/database.ts';
import { noteRefusal } from '../platform/disk-room.ts';
import { announceRecorded } from '../platform/events.ts';
import { announceAppended } from './append-events.ts';
import {
  type AppendReport,
  type Exception,
  type PreparedBatch,
  reportOf,
  type StagedRecord,
} from './append-report.ts';
import type { RawLine } from './raw-line.ts';
import { recordedKeys } from './record-references.ts';
import { keepRejected, resolveRejected } from './rejected-record.ts';

/** How records of one kind are stored. */
export interface RecordStore<Staged extends StagedRecord, Batch extends PreparedBatch<Staged>> {
  readonly kind: RejectedRecordKind;
  /** Runs before each attempt, outside the transaction; moves to the rejected what cannot be stored now. */
  readonly prepare: (database: Database, batch: Batch) => Promise<Batch>;
  /**
   * Stores records in the transaction of `session` and tells those that were there already. The first attempt may hope
   * that none is: a row that is taken is tried again.
   */
  readonly store: (
    session: Session,
    batch: Batch,
    attempt: number,
  ) => Promise<readonly Exception<Staged>[]>;
  /** Runs when an attempt failed in a way that another may not. */
  readonly recover: (database: Database) => void;
}

const ATTEMPTS = 4;

/**
 * Deadlock, serialisation failure, a row that is taken, and one without a partition: retention dropped it meanwhile. Citus
 * answers COPY with an internal error whatever a node had to say.
 */
const PASSING = new Set(['40P01', '40001', '23505', '23514', 'XX000']);

/** Stores a batch and keeps what was refused of it, all in one transaction. */
export const commitBatch = async <Staged extends StagedRecord, Batch extends PreparedBatch<Staged>>(
  database: Database,
  batch: Batch,
  recordStore: RecordStore<Staged, Batch>,
): Promise<AppendReport> => {
  if (batch.received === 0) return reportOf(batch, [], new Map());
  const report = await commitWithRetries(database, batch, recordStore);
  announceAppended(recordStore.kind, batch, report);
  await releaseOvertaken(database, batch);
  return report;
};

const commitWithRetries = async <Staged extends StagedRecord, Batch extends PreparedBatch<Staged>>(
  database: Database,
  batch: Batch,
  recordStore: RecordStore<Staged, Batch>,
): Promise<AppendReport> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const storable = batch.staged.length > 0 ? await recordStore.prepare(database, batch) : batch;
      return await database.transaction((session) =>
        commitOnce(session, storable, recordStore, attempt),
      );
    } catch (error) {
      noteRefusal(database, error);
      if (attempt === ATTEMPTS || !PASSING.has(sqlState(error) ?? '')) throw error;
      recordStore.recover(database);
    }
  }
};

/**
 * What a record waits for may be recorded after it was looked up and before the record was kept: then nobody saw it
 * waiting. So whoever keeps such records looks once more.
 */
const releaseOvertaken = async (
  database: Database,
  { rejected }: PreparedBatch<StagedRecord>,
): Promise<void> => {
  const waitedFor = rejected.flatMap(({ rejection }) => rejection.waitsFor ?? []);
  if (waitedFor.length === 0) return;
  const recorded = await recordedKeys(database, new Set(waitedFor));
  if (recorded.length > 0) await announceRecorded(database, recorded);
};

const commitOnce = async <Staged extends StagedRecord, Batch extends PreparedBatch<Staged>>(
  session: Session,
  batch: Batch,
  { kind, store }: RecordStore<Staged, Batch>,
  attempt: number,
): Promise<AppendReport> => {
  const { staged, rejected } = batch;
  const exceptions = staged.length === 0 ? [] : await store(session, batch, attempt);
  const rejectedIds: ReadonlyMap<RawLine, bigint> =
    rejected.length === 0 ? new Map() : await keepRejected(session, kind, batch);
  const released = staged.flatMap(({ raw }) =>
    raw.rejectedId === undefined ? [] : [raw.rejectedId],
  );
  if (released.length > 0) await resolveRejected(session, released);
  return reportOf(batch, exceptions, rejectedIds);
};
