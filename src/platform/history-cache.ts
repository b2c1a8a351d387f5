import { LRUCache } from 'lru-cache';
import type { Database } from './database.ts';

/** Most histories of one kind that a process keeps. */
const CAPACITY = 1000;

/**
 * Histories by key, kept in memory. They are only ever appended to, one writer at a time, so a history that has as many
 * facts as the database says is the one that the database has.
 */
export const historyCache = <History extends object>(
  read: (database: Database, key: number) => Promise<History>,
  lengthOf: (history: History) => number,
): ((database: Database, key: number, length: number) => History | Promise<History>) => {
  const caches = new WeakMap<Database, LRUCache<number, History>>();
  return (database, key, length) => {
    const cache = caches.get(database) ?? new LRUCache<number, History>({ max: CAPACITY });
    caches.set(database, cache);
    const kept = cache.get(key);
    if (kept !== undefined && lengthOf(kept) === length) return kept;
    return read(database, key).then((history) => {
      cache.set(key, history);
      return history;
    });
  };
};
