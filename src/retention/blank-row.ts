import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { STATUS_BYTE } from '../prediction/feature-status.ts';
import type { LogRow } from '../prediction/log-columns.ts';

const blanked = (value: unknown): readonly null[] =>
  new Array<null>((value as readonly unknown[]).length).fill(null);

/** A row without its content, as an erasure leaves it in the log. */
export const blankRow = (row: LogRow, { fields }: Pick<FeatureSchema, 'fields'>): LogRow => ({
  ...row,
  entity_key: null,
  undeclared: null,
  score: null,
  label: null,
  output: null,
  numbers: blanked(row.numbers),
  integers: blanked(row.integers),
  texts: blanked(row.texts),
  feature_observed_at: blanked(row.feature_observed_at),
  statuses: new Uint8Array(fields.length).fill(STATUS_BYTE.ERASED),
  salt: null,
  digest: null,
});
