import type { Logger } from 'pino';
import type { Database } from '../platform/database.ts';
import { releaseForgotten } from '../prediction/release-waiting.ts';
import { startPeriodic } from './periodic.ts';

const SECONDS = 60;

/**
 * Stores rejected records that wait for something which is there. Whoever records it releases them at once; what a
 * process that died in between left waiting is found here, by one process for all.
 */
export const startReleasing = (database: Database, log: Logger, seconds = SECONDS) =>
  startPeriodic({
    name: 'releasing',
    seconds,
    log,
    run: async () => {
      await database.exclusively('release', async () => {
        const released = await releaseForgotten(database);
        if (released > 0) log.info({ released }, 'released records that were left waiting');
      });
    },
  });
