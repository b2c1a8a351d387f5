import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { Instant } from '../platform/instant.ts';

/** Whether and how the model received a value, as far as the log says it. Staleness follows from `observedAt`. */
export type StoredFeatureStatus = 'PRESENT' | 'NULL' | 'MISSING' | 'DEFAULTED' | 'ERASED';

/** The byte of each status in the log. 4 and 5 stay free for statuses that are derived when read. */
export const STATUS_BYTE = { PRESENT: 0, NULL: 1, MISSING: 2, DEFAULTED: 3, ERASED: 6 } as const;

const STATUS_OF_BYTE = new Map<number, StoredFeatureStatus>([
  [STATUS_BYTE.PRESENT, 'PRESENT'],
  [STATUS_BYTE.NULL, 'NULL'],
  [STATUS_BYTE.MISSING, 'MISSING'],
  [STATUS_BYTE.DEFAULTED, 'DEFAULTED'],
  [STATUS_BYTE.ERASED, 'ERASED'],
]);

export const statusOfByte = (byte: number): StoredFeatureStatus | undefined =>
  STATUS_OF_BYTE.get(byte);

/** Statuses a log may send. `STALE` says that the value was present. */
export type SentFeatureStatus = 'PRESENT' | 'NULL' | 'MISSING' | 'DEFAULTED' | 'STALE';

export const isSentStatus = (value: unknown): value is SentFeatureStatus =>
  value === 'PRESENT' ||
  value === 'NULL' ||
  value === 'MISSING' ||
  value === 'DEFAULTED' ||
  value === 'STALE';

/** Whether a value written at `observedAt` was older than the field allows when the model answered. */
export const isStale = (
  field: Pick<FeatureFieldDefinition, 'maxAgeSeconds'>,
  observedAt: Instant | null,
  occurredAt: Instant,
): boolean =>
  field.maxAgeSeconds !== null &&
  observedAt !== null &&
  occurredAt - observedAt > field.maxAgeSeconds * 1_000_000;
