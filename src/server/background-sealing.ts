import type { Logger } from 'pino';
import { sealLedger } from '../ledger/seal.ts';
import type { Database } from '../platform/database.ts';
import type { Signer } from '../platform/signed-note.ts';

export interface SealingOptions {
  readonly database: Database;
  readonly signer: Signer;
  /** Between two checkpoints. */
  readonly seconds: number;
  readonly log: Logger;
  /** Keeps the newest checkpoint outside the database. */
  readonly keepCheckpoint: (note: string) => Promise<void>;
}

/** Seals every few seconds what was recorded meanwhile, and what is left when it stops. */
export const startSealing = ({
  database,
  signer,
  seconds,
  log,
  keepCheckpoint,
}: SealingOptions): { readonly stop: () => Promise<void> } => {
  let sealing: Promise<void> = Promise.resolve();
  const seal = async (): Promise<void> => {
    try {
      const { sealed, note } = await sealLedger(database, signer);
      if (note !== null) await keepCheckpoint(note);
      if (sealed > 0) log.debug({ sealed, size: note?.split('\n')[1] }, 'sealed');
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
