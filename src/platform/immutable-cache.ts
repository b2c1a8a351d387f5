import { brandWithType } from '@pothos/core';
import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import type { Database } from './database.ts';
import { unstorableText } from './storable-text.ts';

// A text that PostgreSQL cannot hold names nothing; asking for it would be an error.
const isStorable = (key: string | number): boolean =>
  typeof key === 'number' || unstorableText(key) === null;

/** Most objects of one kind that a process keeps. */
const CAPACITY = 10_000;

/** Marks an object with its GraphQL type, so that it can be told apart wherever an interface is returned. */
export const branded = <Value extends object>(typeName: string, value: Value): Value => {
  brandWithType(value, typeName as never);
  return value;
};

export type ImmutableLoader<Key, Value> = Pick<DataLoader<Key, Value | null>, 'load' | 'loadMany'>;

/**
 * A loader of things that never change: batched, and kept in memory for the life of the process without invalidation.
 * What was not found is not remembered, since it may be recorded later.
 */
export const immutableLoader = <Key extends string | number, Value extends object>(
  typeName: string,
  load: (database: Database, keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): ((database: Database) => ImmutableLoader<Key, Value>) => {
  const loaders = new WeakMap<Database, ImmutableLoader<Key, Value>>();
  /** What a replica does not have yet, its primary may. */
  const loadFrom = async (database: Database, keys: readonly Key[]) => {
    const found = await load(database, keys);
    const { primary } = database;
    if (primary === undefined || found.size >= keys.length) return found;
    return new Map([
      ...found,
      ...(await load(
        primary,
        keys.filter((key) => !found.has(key)),
      )),
    ]);
  };
  return (database) => {
    const existing = loaders.get(database);
    if (existing !== undefined) return existing;
    const cache = new LRUCache<Key, Promise<Value | null>>({ max: CAPACITY });
    const batched: DataLoader<Key, Value | null> = new DataLoader(
      async (keys) => {
        const found = await loadFrom(database, keys.filter(isStorable));
        return keys.map((key) => {
          const value = found.get(key) ?? null;
          if (value === null) cache.delete(key);
          return value === null ? null : branded(typeName, value);
        });
      },
      {
        cacheMap: {
          get: (key) => cache.get(key),
          set: (key, value) => cache.set(key, value),
          delete: (key) => cache.delete(key),
          clear: () => cache.clear(),
        },
      },
    );
    const loader: ImmutableLoader<Key, Value> = {
      // The batching loader would have what is in memory wait for its next batch.
      load: (key) => cache.get(key) ?? batched.load(key),
      loadMany: (keys) => batched.loadMany(keys),
    };
    loaders.set(database, loader);
    return loader;
  };
};

/** The object behind a reference. The database guarantees it: what is referred to can never be deleted. */
export const referenced = <Value>(value: Value | null): Value => {
  if (value === null) throw new Error('A reference leads nowhere: the database was altered.');
  return value;
};
