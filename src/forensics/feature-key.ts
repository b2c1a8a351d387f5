import { STATUS_BYTE } from '../prediction/feature-status.ts';

// The database sorts each value of each row into a group named by one integer, which holds, from the highest digit: the
// feature's place, whether the value was stale, whether training saw nothing like it, its status, and its bin.

export const STATUS_UNIT = 2 ** 11;
export const UNSEEN = 2 ** 14;
export const STALE = 2 ** 15;
export const FEATURE_UNIT = 2 ** 16;

/** Statuses of the log, and two that only reading shows. */
export const ROW_STATUS = {
  ...STATUS_BYTE,
  /** The row does not fit its schema: it was altered. */
  UNREADABLE: 5,
  /** The row's schema has no such feature. */
  UNDECLARED: 7,
} as const;

/** What a value is, where it falls into no numbered bin. Bins go up to 1001. */
export const CODE = {
  NAN: 1100,
  NEGATIVE_INFINITY: 1101,
  POSITIVE_INFINITY: 1102,
  NOTHING: 1103,
  VALUE: 1104,
  HAS_NULL_ELEMENT: 1105,
  HAS_INFINITE_ELEMENT: 1106,
} as const;

export interface FeatureKey {
  readonly feature: number;
  readonly isStale: boolean;
  readonly isUnseen: boolean;
  readonly status: number;
  readonly code: number;
}

export const readFeatureKey = (key: number): FeatureKey => ({
  feature: Math.floor(key / FEATURE_UNIT),
  isStale: (key & STALE) !== 0,
  isUnseen: (key & UNSEEN) !== 0,
  status: (key >> 11) & 7,
  code: key & (STATUS_UNIT - 1),
});
