import { performance } from 'node:perf_hooks';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Actor } from '../platform/context.ts';

interface Bucket {
  /** What is left of the allowance. */
  tokens: number;
  /** When that was so, in milliseconds. */
  at: number;
}

/** What may be saved up, in seconds of the rate. */
const BURST = 10;
const MAX_BUCKETS = 10_000;

/** Keeps each actor to its rate: what an operation costs is taken from an allowance that grows with time, whatever the clock does. */
export const rateLimiter = (now: () => number = () => performance.now()) => {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_BUCKETS });
  /** Takes a cost; returns the seconds to wait when there is not enough, and 0 otherwise. */
  return ({ name, rate }: Actor, cost: number): number => {
    if (rate === null) return 0;
    const most = rate * BURST;
    const at = now();
    const before = buckets.get(name) ?? { tokens: most, at };
    const tokens = Math.min(most, before.tokens + ((at - before.at) / 1000) * rate);
    // What costs more than can ever be saved up is let through when all is there.
    const price = Math.min(cost, most);
    const isEnough = tokens >= price;
    buckets.set(name, { tokens: isEnough ? tokens - price : tokens, at });
    return isEnough ? 0 : Math.max(1, Math.ceil((price - tokens) / rate));
  };
};

export type RateLimiter = ReturnType<typeof rateLimiter>;

export const rateLimited = (seconds: number): GraphQLError =>
  new GraphQLError(`Asked for too much at once; try again in ${seconds} s.`, {
    extensions: {
      code: 'RATE_LIMITED',
      retryAfter: seconds,
      http: { status: 429, headers: { 'retry-after': String(seconds) } },
    },
  });

/** Refuses an operation whose caller has used its allowance up. */
export const chargeOperation = (
  limiter: RateLimiter,
  { contextValue }: ExecutionArgs,
  cost: number,
): void => {
  const actor = (contextValue as { readonly actor?: Actor }).actor;
  const seconds = actor === undefined ? 0 : limiter(actor, cost);
  if (seconds > 0) throw rateLimited(seconds);
};
