import { GraphQLError } from 'graphql';
import { builder } from './builder.ts';

/** A count that stopped at a bound. */
export interface BoundedCount {
  readonly value: number;
  readonly isExact: boolean;
}

/** Most items that a caller may have counted. */
const MAX_COUNT = 100_000;

/** Refuses a bound that would not bound the work. */
export const checkCountLimit = (limit: number): void => {
  if (limit >= 1 && limit <= MAX_COUNT) return;
  throw new GraphQLError(`limit is ${limit}: give 1 to ${MAX_COUNT}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
};

/** Counts with `count`, which is asked to stop after a number of items: one more than the bound, to see whether it holds. */
export const countUpTo = async (
  limit: number,
  count: (stopAfter: number) => Promise<number>,
): Promise<BoundedCount> => {
  checkCountLimit(limit);
  const found = await count(limit + 1);
  return { value: Math.min(found, limit), isExact: found <= limit };
};

export const BoundedCountRef = builder.objectRef<BoundedCount>('BoundedCount').implement({
  description: 'A count that stops at a bound, so that counting never reads the whole log.',
  fields: (t) => ({
    value: t.expose('value', {
      type: 'SafeInt',
      description: 'Matching items found, at most the bound that was asked for.',
    }),
    isExact: t.exposeBoolean('isExact', {
      description: 'False when counting stopped at the bound and more items match.',
    }),
  }),
});

/** The argument `limit` of a bounded count. */
export const countArguments = builder.args((t) => ({
  limit: t.int({
    required: true,
    defaultValue: 10_000,
    description: `Where to stop counting: 1 to ${MAX_COUNT}.`,
  }),
}));
