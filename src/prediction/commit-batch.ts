import type { RejectedRecordKind } from '../generated/prisma/enums.ts';
import { type Database, type Session, sqlState } from '../platform/database.ts';
import { announceRecorded } from '../platform/events.ts';
import { announceAppended } from './append-events.ts';
import {
  type AppendReport,
  type Exception,
  type PreparedBatch,
  type RejectedLine,
  reportOf,
  type StagedRecord,
} from './append-report.ts';
import type { RawLine } from './raw-line.ts';
import { recordedKeys } from './record-references.ts';
import { keepRejected, resolveRejected } from './rejected-record.ts';

/** How records of one kind are stored. */
export interface RecordStore<Staged extends StagedRecord> {
  readonly kind: RejectedRecordKind;
  /** Runs before each attempt, outside the transaction; tells those that cannot be stored now. */
  readonly prepare: (
    database: Database,
    staged: readonly Staged[],
  ) => Promise<ReadonlyMap<Staged, RejectedLine>>;
  /** Stores records in the transaction of `session` and tells those that were there already. */
  readonly store: (
    session: Session,
    staged: readonly Staged[],
  ) => Promise<readonly Exception<Staged>[]>;
  /** Runs when an attempt failed in a way that another may not. */
  readonly recover: (database: Database) => void;
}

const ATTEMPTS = 3;

/** Deadlock, serialisation failure, and a row without a partition: retention dropped it meanwhile. */
const PASSING = new Set(['40P01', '40001', '23514']);

/** Stores a batch and keeps what was refused of it, all in one transaction. */
export const commitBatch = async <Staged extends StagedRecord>(
  database: Database,
  batch: PreparedBatch<Staged>,
  recordStore: RecordStore<Staged>,
): Promise<AppendReport> => {
  if (batch.received === 0) return reportOf(batch, [], new Map());
  const report = await commitWithRetries(database, batch, recordStore);
  announceAppended(recordStore.kind, batch, report);
  await releaseOvertaken(database, batch);
  return report;
};

const commitWithRetries = async <Staged extends StagedRecord>(
  database: Database,
  batch: PreparedBatch<Staged>,
  recordStore: RecordStore<Staged>,
): Promise<AppendReport> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const storable = await withoutRefused(database, batch, recordStore);
      return await database.transaction((session) => commitOnce(session, storable, recordStore));
    } catch (error) {
      if (attempt === ATTEMPTS || !PASSING.has(sqlState(error) ?? '')) throw error;
      recordStore.recover(database);
    }
  }
};

/** The batch with those among the rejected that cannot be stored now. */
const withoutRefused = async <Staged extends StagedRecord>(
  database: Database,
  batch: PreparedBatch<Staged>,
  { prepare }: RecordStore<Staged>,
): Promise<PreparedBatch<Staged>> => {
  if (batch.staged.length === 0) return batch;
  const refused = await prepare(database, batch.staged);
  if (refused.size === 0) return batch;
  return {
    ...batch,
    staged: batch.staged.filter((record) => !refused.has(record)),
    rejected: [...batch.rejected, ...refused.values()],
  };
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

const commitOnce = async <Staged extends StagedRecord>(
  session: Session,
  batch: PreparedBatch<Staged>,
  { kind, store }: RecordStore<Staged>,
): Promise<AppendReport> => {
  const { staged, rejected } = batch;
  const exceptions = staged.length === 0 ? [] : await store(session, staged);
  const rejectedIds: ReadonlyMap<RawLine, bigint> =
    rejected.length === 0 ? new Map() : await keepRejected(session, kind, batch);
  const released = staged.flatMap(({ raw }) =>
    raw.rejectedId === undefined ? [] : [raw.rejectedId],
  );
  if (released.length > 0) await resolveRejected(session, released);
  return reportOf(batch, exceptions, rejectedIds);
};
