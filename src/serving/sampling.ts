import type { SamplingKey, SamplingRule } from '../generated/prisma/enums.ts';
import type { Instant } from '../platform/instant.ts';
import { isKept } from './keyed-sampling.ts';

/** Which part of its predictions an endpoint logs, from `validFrom` until the next fact. */
export interface SamplingFact {
  readonly endpointId: number;
  /** Position in the order of recording, from 1. */
  readonly sequence: number;
  readonly rule: SamplingRule;
  /** What keyed sampling looks at; null for other rules. */
  readonly key: SamplingKey | null;
  /** Share of predictions that are kept, more than 0 and at most 1. */
  readonly rate: number;
  readonly validFrom: Instant;
  readonly reason: string;
  readonly actor: string;
  readonly recordedAt: Instant;
}

/** Keys of a prediction as far as they are known: null for one that it does not have. */
export type KnownKeys = { readonly [Key in SamplingKey]?: string | null };

/** The rate at which a prediction is kept. What has no such key cannot be sampled by it, and is always kept. */
export const rateFor = (
  { key, rate }: Pick<SamplingFact, 'key' | 'rate'>,
  keys: KnownKeys,
): number => (key !== null && keys[key] === null ? 1 : rate);

/** Whether a prediction is kept; null where that is left to chance, or the key is not known. */
export const keeps = (
  fact: Pick<SamplingFact, 'key' | 'rate'>,
  keys: KnownKeys,
): boolean | null => {
  if (rateFor(fact, keys) === 1) return true;
  const key = fact.key === null ? null : keys[fact.key];
  return key == null ? null : isKept(key, fact.rate);
};

const BY: Readonly<Record<SamplingKey, string>> = {
  ENTITY_KEY: 'sampling by entity key',
  REQUEST_ID: 'sampling by request ID',
  TRACE_ID: 'sampling by trace ID',
};

/** `sampling by entity key at rate 0.1`. */
export const describeSampling = ({
  rule,
  key,
  rate,
}: Pick<SamplingFact, 'rule' | 'key' | 'rate'>): string =>
  rule === 'ALL'
    ? 'logging of everything'
    : `${key === null ? 'random sampling' : BY[key]} at rate ${rate}`;
