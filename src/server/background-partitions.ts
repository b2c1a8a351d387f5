import type { Logger } from 'pino';
import type { ArchiveStore } from '../platform/archive-store.ts';
import type { Database } from '../platform/database.ts';
import { makePartitionsAhead } from '../prediction/partitions-ahead.ts';
import { policiesInForce } from '../retention/retention-policy.ts';
import { runRetention } from '../retention/run-retention.ts';
import { startPeriodic } from './periodic.ts';

export interface PartitionOptions {
  readonly database: Database;
  readonly archive: ArchiveStore | null;
  /** Weeks for which partitions are made in advance. */
  readonly ahead: number;
  readonly log: Logger;
}

const SECONDS = 600;

/** Makes partitions ahead, and archives those whose retention is over where a policy is in force. Safe to run twice at once. */
export const tendPartitions = async (
  { database, archive, ahead, log }: PartitionOptions,
  signal?: AbortSignal,
): Promise<void> => {
  await makePartitionsAhead(database, ahead);
  if (archive === null || (await policiesInForce(database)).length === 0) return;
  const order = {
    before: null,
    actor: 'hindcast',
    reason: 'The retention of every model in it is over.',
    ...(signal === undefined ? {} : { signal }),
  };
  await runRetention(database, archive, order, ({ partition: { partition }, result }) => {
    const { status } = result;
    if (status === 'ARCHIVED') log.info({ partition, rows: result.rows }, 'archived');
    else log.debug({ partition, status }, 'not archived');
  });
};

/** Tends partitions every ten minutes, in one process for all. */
export const startTendingPartitions = (options: PartitionOptions) =>
  startPeriodic({
    name: 'tending partitions',
    seconds: SECONDS,
    log: options.log,
    run: async () => {
      await options.database.exclusively('partitions', (lost) => tendPartitions(options, lost));
    },
  });
