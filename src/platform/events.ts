import type { Database } from './database.ts';

/**
 * Something was recorded that others may have waited for. A key says what and by which name, such as
 * `modelVersion:release:flight-delay@1.0.0`, `featureSchema:digest:sha256:…` or `endpoint:route:production/flight-delay`.
 */
export type RecordedListener = (database: Database, keys: readonly string[]) => Promise<void>;

const listeners = new Set<RecordedListener>();

/** Calls the listener after each commit that recorded something; returns the way to stop. */
export const onRecorded = (listener: RecordedListener): (() => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

/** Tells the listeners, after commit, and waits for them. */
export const announceRecorded = async (
  database: Database,
  keys: readonly string[],
): Promise<void> => {
  for (const listener of listeners) await listener(database, keys);
};
