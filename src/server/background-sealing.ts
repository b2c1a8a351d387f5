import type { Logger } from 'pino';
import { latestCheckpoint } from '../ledger/ledger-store.ts';
import { sealLedger } from '../ledger/seal.ts';
import type { Database } from '../platform/database.ts';
import type { Signer } from '../platform/signed-note.ts';

export interface SealingOptions {
  readonly database: Database;
  readonly signer: Signer;
  /** Between two checkpoints. */
  readonly seconds: number;
  readonly log: Logger;
  /** Keeps the newest checkpoint outside the database; false when one of a larger tree is kept already. */
  readonly keepCheckpoint: (note: string) => Promise<boolean>;
}

/** Seals every few seconds what was recorded meanwhile, and what is left when it stops. */
export const startSealing = ({
  database,
  signer,
  seconds,
  log,
  keepCheckpoint,
}: SealingOptions): { readonly stop: () => Promise<void> } => {
  let kept: string | null = null;
  let sealing: Promise<void> = Promise.resolve();
  const seal = async (): Promise<void> => {
    try {
      const { sealed } = await sealLedger(database, signer);
      const latest = await latestCheckpoint(database);
      if (sealed > 0) log.debug({ sealed, size: latest?.size }, 'sealed');
      if (latest === null || latest.note === kept) return;
      kept = latest.note;
      if (!(await keepCheckpoint(kept))) {
        log.error({ size: latest.size }, 'the database is older than the checkpoint that was kept');
      }
    } catch (error) {
      // What is not sealed now is sealed by the next attempt.
      log.error({ err: error }, 'sealing failed');
    }
  };
  let isWorking = false;
  const timer = setInterval(() => {
    if (isWorking) return;
    isWorking = true;
    sealing = seal().finally(() => {
      isWorking = false;
    });
  }, seconds * 1000);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await sealing;
      await seal();
    },
  };
};
