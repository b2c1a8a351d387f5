import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** How long to wait for what is running when stopping, in milliseconds. */
const PATIENCE = 5000;

export interface PeriodicTask {
  /** As the log names it. */
  readonly name: string;
  readonly seconds: number;
  readonly run: () => Promise<void>;
  readonly log: Logger;
}

/** Runs a task every few seconds, never twice at once. What fails is logged, and tried again the next time. */
export const startPeriodic = ({
  name,
  seconds,
  run,
  log,
}: PeriodicTask): { readonly stop: () => Promise<void> } => {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= run()
      .catch((error: unknown) => log.error({ err: error }, `${name} failed`))
      .finally(() => {
        running = null;
      });
  }, seconds * 1000);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      // A database that does not answer keeps nobody from stopping.
      await Promise.race([running, delay(PATIENCE, undefined, { ref: false })]);
    },
  };
};
