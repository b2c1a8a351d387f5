import type { ChangeKind } from '../evidence/schema-compatibility.ts';

/** A difference of two sets: at least one side is there. */
export interface PairedChange<Item> {
  readonly kind: ChangeKind;
  readonly before: Item | null;
  readonly after: Item | null;
}

/**
 * Differences of two sets. What both hold is no difference. Of the rest, an item of the base was replaced by one of the head
 * when a key sets each of them apart from all others of its side: the keys are tried in order, the closest first. Where a key
 * fits several, which replaced which is unknown, and they stay added and removed.
 */
export const pairedChanges = <Item>(
  base: readonly Item[],
  head: readonly Item[],
  identity: (item: Item) => string,
  keys: readonly ((item: Item) => string)[],
): readonly PairedChange<Item>[] => {
  let removed = without(base, head, identity);
  let added = without(head, base, identity);
  const changes: PairedChange<Item>[] = [];
  for (const key of keys) {
    const lone = loneItems(added, key);
    const pairs = [...loneItems(removed, key)].flatMap(([found, before]) => {
      const after = lone.get(found);
      return after === undefined ? [] : [{ kind: 'CHANGED' as const, before, after }];
    });
    changes.push(...pairs);
    const paired = new Set(pairs.flatMap(({ before, after }) => [before, after]));
    removed = removed.filter((item) => !paired.has(item));
    added = added.filter((item) => !paired.has(item));
  }
  return [
    ...changes,
    ...removed.map((before) => ({ kind: 'REMOVED' as const, before, after: null })),
    ...added.map((after) => ({ kind: 'ADDED' as const, before: null, after })),
  ];
};

/** Items of one list, each once, that the other does not have. */
const without = <Item>(
  items: readonly Item[],
  others: readonly Item[],
  identity: (item: Item) => string,
): readonly Item[] => {
  const known = new Set(others.map(identity));
  const unique = new Map(items.map((item) => [identity(item), item]));
  return [...unique].filter(([name]) => !known.has(name)).map(([, item]) => item);
};

/** Items by key, where a key belongs to one item only. */
const loneItems = <Item>(
  items: readonly Item[],
  key: (item: Item) => string,
): ReadonlyMap<string, Item> => {
  const found = new Map<string, Item>();
  const several = new Set<string>();
  for (const item of items) {
    if (found.has(key(item))) several.add(key(item));
    found.set(key(item), item);
  }
  return new Map([...found].filter(([name]) => !several.has(name)));
};

/** Orders changes by the names of what changed, the side that is there first asked. */
export const inNameOrder = <Item>(
  changes: readonly PairedChange<Item>[],
  name: (item: Item) => string,
): readonly PairedChange<Item>[] => {
  const nameOf = ({ before, after }: PairedChange<Item>): string => {
    const item = before ?? after;
    return item === null ? '' : name(item);
  };
  const keyed = changes.map((change) => ({ change, key: nameOf(change) }));
  return keyed
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ change }) => change);
};
