import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { REPLAY_QUEUED } from '../forensics/replay-job-mutations.ts';
import { workOnReplayJob } from '../forensics/replay-job-run.ts';
import type { Context } from '../platform/context.ts';
import { onRecorded } from '../platform/events.ts';

/** How long to wait for the predictions at hand when stopping, in milliseconds. */
const PATIENCE = 5000;

/** Works on replay jobs, one at a time, until stopped: then after the predictions at hand. */
export const startReplaying = (
  context: Context,
  log: Logger,
  /** Between two looks for jobs that other processes queued or left. */
  seconds: number,
): { readonly stop: () => Promise<void> } => {
  const worker = randomUUID();
  const stopping = new AbortController();
  let working: Promise<void> | null = null;
  const work = async (): Promise<void> => {
    try {
      while (!stopping.signal.aborted) {
        if (!(await workOnReplayJob(context, worker, stopping.signal))) return;
      }
    } catch (error) {
      log.error({ err: error }, 'a replay job failed');
    }
  };
  const wake = (): void => {
    if (stopping.signal.aborted) return;
    working ??= work().finally(() => {
      working = null;
    });
  };
  const forget = onRecorded(async (database, keys) => {
    if (database === context.database && keys.includes(REPLAY_QUEUED)) wake();
  });
  const timer = setInterval(wake, seconds * 1000);
  timer.unref();
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(timer);
      forget();
      // A database that does not answer keeps nobody from stopping: what is left, another worker takes over.
      await Promise.race([working, delay(PATIENCE, undefined, { ref: false })]);
    },
  };
};
