import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { Instant } from '../platform/instant.ts';
import type { EncodedFeatures, FeatureSlots } from './feature-layout.ts';
import { type StoredFeatureStatus, statusOfByte } from './feature-status.ts';

/** FP32 and FP64 as number, INT64 as bigint, TIMESTAMP as instant (a number of microseconds). */
export type FeatureScalar = number | bigint | boolean | string;

/** One feature as the model received it. */
export interface FeatureReading {
  readonly field: FeatureFieldDefinition;
  readonly status: StoredFeatureStatus;
  /** A feature with a shape is flattened row-major. Null when there was no value, or it was erased. */
  readonly value: FeatureScalar | readonly (FeatureScalar | null)[] | null;
  readonly observedAt: Instant | null;
}

/** A stored row that does not fit its schema: it was altered, or is read with another schema than it was written. */
export class FeatureLayoutError extends Error {
  override readonly name = 'FeatureLayoutError';
}

/** Readings in schema order. Throws a {@link FeatureLayoutError} when the row was not written with these slots. */
export const decodeFeatures = (
  layout: readonly FeatureSlots[],
  encoded: EncodedFeatures,
): FeatureReading[] => {
  refuseOtherLength('statuses', encoded.statuses?.length ?? layout.length, layout.length);
  refuseOtherLength('observedAt', encoded.observedAt.length || layout.length, layout.length);
  const used = { numbers: 0, integers: 0, texts: 0 };
  for (const { column, length } of layout) used[column] += length;
  refuseOtherLength('numbers', encoded.numbers.length, used.numbers);
  refuseOtherLength('integers', encoded.integers.length, used.integers);
  refuseOtherLength('texts', encoded.texts.length, used.texts);
  return layout.map((slots, index) => reading(slots, index, encoded));
};

const refuseOtherLength = (column: string, actual: number, expected: number): void => {
  if (actual === expected) return;
  throw new FeatureLayoutError(
    `The stored row has ${actual} ${column} where its feature schema has ${expected}`,
  );
};

const reading = (slots: FeatureSlots, index: number, encoded: EncodedFeatures): FeatureReading => {
  const { field } = slots;
  const byte = encoded.statuses?.[index] ?? 0;
  const status = statusOfByte(byte);
  if (status === undefined) {
    throw new FeatureLayoutError(`The stored status of ${field.name} is ${byte}, which is none`);
  }
  const observed = encoded.observedAt[index] ?? null;
  return {
    field,
    status,
    value:
      status === 'PRESENT' || status === 'DEFAULTED' ? storedValue(slots, status, encoded) : null,
    observedAt: observed === null ? null : Number(observed),
  };
};

const storedValue = (
  slots: FeatureSlots,
  status: StoredFeatureStatus,
  encoded: EncodedFeatures,
): FeatureReading['value'] => {
  const { field, column, offset, length } = slots;
  if (field.shape.length > 0) {
    const elements = encoded[column].slice(offset, offset + length);
    return elements.map((element) => scalarOf(field, element));
  }
  const value = scalarOf(field, encoded[column][offset] ?? null);
  if (value === null && status === 'PRESENT') {
    throw new FeatureLayoutError(`The stored value of ${field.name} is null, yet marked present`);
  }
  return value;
};

const scalarOf = (
  field: FeatureFieldDefinition,
  stored: number | bigint | string | null,
): FeatureScalar | null => {
  if (stored === null) return null;
  if (field.type === 'TIMESTAMP') return Number(stored);
  if (field.type !== 'BOOL') return stored;
  if (stored === 1n) return true;
  if (stored === 0n) return false;
  throw new FeatureLayoutError(`The stored value of ${field.name} is ${stored}, which is no BOOL`);
};
