import type { FeatureFieldDefinition, FeatureType } from '../evidence/feature-field.ts';

/** The typed array columns of the log. */
export type FeatureColumn = 'numbers' | 'integers' | 'texts';

/** Where the values of one field stand. */
export interface FeatureSlots {
  readonly field: FeatureFieldDefinition;
  readonly column: FeatureColumn;
  /** Index of the first slot, from 0. */
  readonly offset: number;
  /** 1 for a scalar, otherwise the product of the shape. */
  readonly length: number;
}

/** The feature values of one prediction as the log stores them: typed arrays in schema order. */
export interface EncodedFeatures {
  readonly numbers: readonly (number | null)[];
  readonly integers: readonly (bigint | null)[];
  readonly texts: readonly (string | null)[];
  /** One byte per field; null when every value is present. */
  readonly statuses: Uint8Array | null;
  /** Microseconds per field; empty when none is known. */
  readonly observedAt: readonly (bigint | null)[];
  /** Exact JSON text of the features the schema does not declare; null when there are none. */
  readonly undeclared: string | null;
}

export const columnOf = (type: FeatureType): FeatureColumn => {
  if (type === 'FP32' || type === 'FP64') return 'numbers';
  return type === 'STRING' ? 'texts' : 'integers';
};

/** The slots of every field, in schema order. */
export const layoutOf = (fields: readonly FeatureFieldDefinition[]): readonly FeatureSlots[] => {
  const next = { numbers: 0, integers: 0, texts: 0 };
  return fields.map((field) => {
    const column = columnOf(field.type);
    const length = field.shape.reduce((product, dimension) => product * dimension, 1);
    const offset = next[column];
    next[column] += length;
    return { field, column, offset, length };
  });
};
