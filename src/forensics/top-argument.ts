import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';

const MOST = 100;
const USUAL = 20;

/** The argument of a list that is in memory as a whole and sorted by weight. */
export const topArguments = builder.args((t) => ({
  first: t.int({
    required: true,
    defaultValue: USUAL,
    description: `Items from the start: 0 to ${MOST}.`,
  }),
}));

export const topCost = ({ first }: { readonly first?: number | null | undefined }) => ({
  field: 1,
  multiplier: Math.max(1, Math.min(first ?? USUAL, MOST)),
});

/** The first items of a list. */
export const top = <Item>(list: readonly Item[], { first }: { readonly first: number }): Item[] => {
  if (first >= 0 && first <= MOST) return list.slice(0, first);
  throw argumentError({ path: ['first'], message: `${first}; give 0 to ${MOST}.` });
};
