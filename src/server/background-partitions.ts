import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ArchiveStore } from '../platform/archive-store.ts';
import type { Database } from '../platform/database.ts';
import { makePartitionsAhead } from '../prediction/partitions-ahead.ts';
import { policiesInForce } from '../retention/retention-policy.ts';
import { runRetention } from '../retention/run-retention.ts';

export interface PartitionOptions {
  readonly database: Database;
  readonly archive: ArchiveStore | null;
  /** Weeks for which partitions are made in advance. */
  readonly ahead: number;
  /** Between two runs. */
  readonly seconds: number;
  readonly log: Logger;
}

/** How long to wait for the week at hand when stopping, in milliseconds. */
const PATIENCE = 5000;

/** Makes partitions ahead and archives those whose retention is over, where a policy is in force. Safe to run twice. */
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

/** Tends partitions at once and every so often, until stopped. */
export const startTendingPartitions = (
  options: PartitionOptions,
): { readonly stop: () => Promise<void> } => {
  const stopping = new AbortController();
  let tending: Promise<void> | null = null;
  const tend = (): void => {
    tending ??= tendPartitions(options, stopping.signal)
      .catch((error: unknown) => {
        // What is not done now is done by the next run.
        options.log.error({ err: error }, 'tending partitions failed');
      })
      .finally(() => {
        tending = null;
      });
  };
  const timer = setInterval(tend, options.seconds * 1000);
  timer.unref();
  tend();
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(timer);
      await Promise.race([tending, delay(PATIENCE, undefined, { ref: false })]);
    },
  };
};
