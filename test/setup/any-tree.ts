import type { Random } from './random.ts';

const OTHERS: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    '',
    'x',
    '\u0000',
    '\ud800',
    [],
    {},
    [null],
    [[[]]],
    { a: null },
  ],
  ...[`sha256:${'0'.repeat(64)}`, 'x'.repeat(100_000), { __proto__: null, constructor: 1 }],
];

/** The same JSON with something in it replaced, left out, repeated or put in. */
export const changedTree = (value: unknown, random: Random): unknown => {
  if (typeof value !== 'object' || value === null || random.isOneIn(12)) {
    return random.pick(OTHERS);
  }
  if (Array.isArray(value)) {
    const place = random.below(value.length + 1);
    const rest: readonly unknown[] = value.slice(place + 1);
    const before: readonly unknown[] = value.slice(0, place);
    const item: unknown = value[place];
    if (place === value.length || random.isOneIn(6))
      return [...value, random.pick([...value, null])];
    return random.isOneIn(6)
      ? [...before, ...rest]
      : [...before, changedTree(item, random), ...rest];
  }
  const entries: [string, unknown][] = Object.entries(value);
  const place = random.below(entries.length + 1);
  if (place === entries.length) return { ...value, more: random.pick(OTHERS) };
  return Object.fromEntries(
    entries.flatMap(([name, member], index): [string, unknown][] => {
      if (index !== place) return [[name, member]];
      return random.isOneIn(6) ? [] : [[name, changedTree(member, random)]];
    }),
  );
};
