import type { Tensor } from 'onnxruntime-common';
import type { FeatureReading, FeatureScalar } from '../prediction/feature-decode.ts';
import type { FeatureRecord, NotRunnable } from './model-runner.ts';

/** One input of a model: records by the shape of one value; a size that is text or negative is any. */
export interface ModelInput {
  readonly name: string;
  readonly type: string;
  /** Sizes of what one record gives; what is not stated is one. */
  readonly sizes: readonly number[];
  /** Values that one record gives. */
  readonly width: number;
}

/** An input as a model states it; shapes are `[records, …]`. */
export const modelInput = (
  name: string,
  type: string,
  shape: readonly (number | string)[],
): ModelInput => {
  const sizes = shape.slice(1).map((size) => (typeof size === 'number' && size > 0 ? size : 1));
  return { name, type, sizes, width: sizes.reduce((width, size) => width * size, 1) };
};

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

const valueAbsent = (name: string, type: string): NotRunnable => ({
  reason: 'VALUE_ABSENT',
  message: `The feature ${name} has no value, and ${type} has none that stands for it.`,
});

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
  const { width } = input;
  // Most inputs are one value, which takes no list.
  if (width === 1 && reading.field.shape.length === 0) {
    return reading.value !== null || type.startsWith('float') ? null : valueAbsent(name, type);
  }
  const elements = elementsOf(reading);
  const isWhole = reading.field.shape.length > 0 && reading.value === null;
  if (!isWhole && elements.length !== width) {
    return cannot(
      `The model's input ${name} takes ${width} values, the feature has ${elements.length}.`,
    );
  }
  return type.startsWith('float') || elements.every((element) => element !== null)
    ? null
    : valueAbsent(name, type);
};

/** The elements that records give to an input, one record after the other. */
export const columnOf = (
  { name, width }: ModelInput,
  records: readonly FeatureRecord[],
): readonly Element[] => {
  const column = new Array<Element>(records.length * width).fill(null);
  for (const [place, record] of records.entries()) {
    const value = record.get(name)?.value ?? null;
    if (!Array.isArray(value)) {
      if (width === 1) column[place] = value as Element;
    } else if (value.length === width) {
      for (let at = 0; at < width; at += 1) column[place * width + at] = value[at] as Element;
    }
  }
  return column;
};

const dataOf = (type: string, column: readonly Element[]): Tensor.DataType => {
  switch (type) {
    case 'float32':
      return filled(new Float32Array(column.length), column);
    case 'float64':
      return filled(new Float64Array(column.length), column);
    case 'int64':
      return BigInt64Array.from(column, (element) => BigInt(element ?? 0));
    case 'bool':
      return Uint8Array.from(column, (element) => Number(element === true));
    default:
      return column.map(String);
  }
};

const filled = <Floats extends Float32Array | Float64Array>(
  floats: Floats,
  column: readonly Element[],
): Floats => {
  for (const [at, element] of column.entries()) {
    floats[at] = element === null ? Number.NaN : Number(element);
  }
  return floats;
};

/** What an input is given for records that fit it. */
export const tensorOf = (
  input: ModelInput,
  records: readonly FeatureRecord[],
): { readonly type: string; readonly data: Tensor.DataType; readonly dims: number[] } => ({
  type: input.type,
  data: dataOf(input.type, columnOf(input, records)),
  dims: [records.length, ...input.sizes],
});
