import type { Tensor } from 'onnxruntime-common';
import type { FeatureReading, FeatureScalar } from '../prediction/feature-decode.ts';
import type { NotRunnable } from './model-runner.ts';

/** One input of a model: records by the shape of one value; a size that is text or negative is any. */
export interface ModelInput {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export type Element = FeatureScalar | null;

const elementsOf = ({ value }: FeatureReading): readonly Element[] =>
  Array.isArray(value) ? (value as readonly Element[]) : [value as Element];

/** Types of features that an input takes without changing a value. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  float32: ['FP32'],
  float64: ['FP32', 'FP64'],
  int64: ['INT64', 'TIMESTAMP'],
  bool: ['BOOL'],
  string: ['STRING'],
};

const cannot = (message: string): NotRunnable => ({ reason: 'UNSUPPORTED_FORMAT', message });

/** Sizes of what one record gives; shapes are `[records, …]`, and what is not stated is one. */
export const sizesOf = ({ shape }: ModelInput): readonly number[] =>
  shape.slice(1).map((size) => (typeof size === 'number' && size > 0 ? size : 1));

const widthOf = (input: ModelInput): number =>
  sizesOf(input).reduce((width, size) => width * size, 1);

/** Why a record does not fit an input; null when it does. Numbers that are absent become NaN, as models are given them. */
export const misfitOf = (
  input: ModelInput,
  reading: FeatureReading | undefined,
): NotRunnable | null => {
  const { name, type } = input;
  if (reading === undefined)
    return cannot(`The model's input ${name} is no feature of its schema.`);
  const takes = TAKES[type];
  if (takes === undefined) return cannot(`The model's input ${name} is of type ${type}.`);
  if (!takes.includes(reading.field.type)) {
    return cannot(
      `The model's input ${name} is ${type}, but the feature is ${reading.field.type}.`,
    );
  }
  const width = widthOf(input);
  const elements = elementsOf(reading);
  const isWhole = reading.field.shape.length > 0 && reading.value === null;
  if (!isWhole && elements.length !== width) {
    return cannot(
      `The model's input ${name} takes ${width} values, the feature has ${elements.length}.`,
    );
  }
  if (type.startsWith('float') || elements.every((element) => element !== null)) return null;
  const message = `The feature ${name} has no value, and ${type} has none that stands for it.`;
  return { reason: 'VALUE_ABSENT', message };
};

/** The elements that records give to an input, one record after the other. */
export const columnOf = (
  input: ModelInput,
  records: readonly ReadonlyMap<string, FeatureReading>[],
): readonly Element[] => {
  const width = widthOf(input);
  return records.flatMap((record) => {
    const reading = record.get(input.name);
    const elements = reading === undefined ? [] : elementsOf(reading);
    return elements.length === width ? elements : new Array<Element>(width).fill(null);
  });
};

const dataOf = (type: string, column: readonly Element[]): Tensor.DataType => {
  switch (type) {
    case 'float32':
      return Float32Array.from(column, (element) =>
        element === null ? Number.NaN : Number(element),
      );
    case 'float64':
      return Float64Array.from(column, (element) =>
        element === null ? Number.NaN : Number(element),
      );
    case 'int64':
      return BigInt64Array.from(column, (element) => BigInt(element ?? 0));
    case 'bool':
      return Uint8Array.from(column, (element) => Number(element === true));
    default:
      return column.map(String);
  }
};

/** What an input is given for records that fit it. */
export const tensorOf = (
  input: ModelInput,
  records: readonly ReadonlyMap<string, FeatureReading>[],
): { readonly type: string; readonly data: Tensor.DataType; readonly dims: number[] } => ({
  type: input.type,
  data: dataOf(input.type, columnOf(input, records)),
  dims: [records.length, ...sizesOf(input)],
});
