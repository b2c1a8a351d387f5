import type { Logger } from 'pino';
import { isSealingDue, latestCheckpoint } from '../ledger/ledger-store.ts';
import { sealLedger } from '../ledger/seal.ts';
import type { Database } from '../platform/database.ts';
import type { Signer } from '../platform/signed-note.ts';
import { startPeriodic } from './periodic.ts';

export interface SealingOptions {
  readonly database: Database;
  readonly signer: Signer;
  /** Between two checkpoints. */
  readonly seconds: number;
  readonly log: Logger;
  /** Keeps the newest checkpoint outside the database; false when one is kept there that the ledger does not continue. */
  readonly keepCheckpoint: (note: string) => Promise<boolean>;
}

/**
 * Seals every few seconds what was recorded meanwhile, and what is left when it stops. Of several processes one seals;
 * all keep the checkpoint, each in its own place.
 */
export const startSealing = ({
  database,
  signer,
  seconds,
  log,
  keepCheckpoint,
}: SealingOptions): { readonly stop: () => Promise<void> } => {
  let kept: string | null = null;
  const seal = async (): Promise<void> => {
    await database.exclusively('seal', async () => {
      const { sealed } = await sealLedger(database, signer);
      if (sealed > 0) log.debug({ sealed }, 'sealed');
    });
  };
  const keep = async (): Promise<void> => {
    const latest = await latestCheckpoint(database);
    if (latest === null || latest.note === kept) return;
    if (await keepCheckpoint(latest.note)) {
      kept = latest.note;
      return;
    }
    // Processes that share the place may keep a newer one in between; that is kept here the next time.
    const newer = await latestCheckpoint(database);
    if (newer?.note === latest.note) {
      kept = latest.note;
      log.error(
        { size: latest.size },
        'the ledger does not continue the checkpoint that was kept: an older database was restored, or history was rewritten; run `hindcast verify`',
      );
    }
  };
  const run = async (): Promise<void> => {
    // Half the time, since the other processes' clocks strike in between, and this one's own is not exact.
    if (await isSealingDue(database, seconds / 2)) await seal();
    await keep();
  };
  const periodic = startPeriodic({ name: 'sealing', seconds, run, log });
  return {
    stop: async () => {
      await periodic.stop();
      try {
        await seal();
        await keep();
      } catch (error) {
        // Another process seals it, or this one when it is back.
        log.error({ err: error }, 'sealing failed');
      }
    },
  };
};
