import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { ensurePartitions, forgetPartitions } from './partitions.ts';

const WEEK = 7 * 86_400_000_000;

/** Makes the partitions of this week and of some weeks to come, so that no append has to. Safe to run twice at once. */
export const makePartitionsAhead = async (
  database: Database,
  weeks: number,
  now: Instant = Date.now() * 1000,
): Promise<void> => {
  // Others may have dropped some that this process remembers.
  forgetPartitions(database);
  await ensurePartitions(
    database,
    Array.from({ length: weeks + 1 }, (_, ahead) => now + ahead * WEEK),
  );
};
