import type { ArchiveStore } from '../platform/archive-store.ts';
import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { type ArchiveResult, archivePartition } from './archive-partition.ts';
import { type LogPartition, logPartitions } from './log-partitions.ts';
import type { ArchiveOrder } from './stored-archive.ts';
import { sweepArchives } from './sweep-archives.ts';

/** Which weeks are to leave the log: those whose retention is over, or all that ended before an instant. */
export interface RetentionOrder extends ArchiveOrder {
  /** Null for those whose retention is over. */
  readonly before: Instant | null;
  readonly now?: Instant;
  /** Aborted to stop after the week at hand. */
  readonly signal?: AbortSignal;
}

/** Weeks that are to leave the log. One that was brought back stays until somebody archives it by name of a date. */
export const duePartitions = (
  partitions: readonly LogPartition[],
  { before, now = Date.now() * 1000 }: Pick<RetentionOrder, 'before' | 'now'>,
): readonly LogPartition[] =>
  partitions.filter(({ state, rows, to, expiresAt, wasRestored }) => {
    if (state !== 'LOG' || rows === 0 || to > now) return false;
    if (before !== null) return to <= before;
    return expiresAt !== null && expiresAt <= now && !wasRestored;
  });

export interface RetentionStep {
  readonly partition: LogPartition;
  readonly result: ArchiveResult;
}

/** Archives and drops what is due, week by week. Safe to run twice at once: who comes second finds nothing to do. */
export const runRetention = async (
  database: Database,
  store: ArchiveStore,
  order: RetentionOrder,
  report: (step: RetentionStep) => void = () => undefined,
): Promise<readonly RetentionStep[]> => {
  await sweepArchives(database, store);
  const steps: RetentionStep[] = [];
  for (const partition of duePartitions(await logPartitions(database), order)) {
    if (order.signal?.aborted === true) break;
    const result = await archivePartition(database, store, partition, order);
    const step = { partition, result };
    report(step);
    steps.push(step);
  }
  return steps;
};
