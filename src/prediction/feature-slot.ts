import { putLatin1 } from '../platform/byte-writer.ts';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  LOWER_N,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  ZERO,
} from './ascii.ts';
import { copyNumber } from './copy-text.ts';
import type { FieldPlan } from './feature-field-encode.ts';
import type { FeatureColumns } from './feature-scalar.ts';
import { STATUS_BYTE } from './feature-status.ts';
import { readInstant } from './line-instant.ts';
import { type NumberText, readNamedNumber, readNumber } from './line-number.ts';
import { endOfSame, type LineReading, NOT_READ, skipSpaces } from './line-reading.ts';
import { readCategory, readQuoted } from './line-text.ts';

/** Reads the value at a place of a line, writes its text for COPY, and returns where it ends, or `NOT_READ`. */
export type SlotReader<Reading extends LineReading> = (reading: Reading, at: number) => number;

/** What a line says of its features besides their values. */
export interface FeatureReading extends LineReading {
  /** A byte for each field. */
  statuses: Buffer;
  hasStatuses: boolean;
  /** Microseconds for each field; NaN where unknown. */
  observedAt: Float64Array;
  hasObservedAt: boolean;
}

/** Reads a feature as `encodeField` does, if it is a value, null, or a value with the time of its observation. */
export const featureSlot = (plan: FieldPlan): SlotReader<FeatureReading> => {
  const readBare = orNull(
    plan,
    plan.field.shape.length === 0 ? elementSlot(plan) : vectorSlot(plan),
  );
  return (reading, at) => {
    const { line } = reading;
    if (line[at] !== OPEN_BRACE) return readBare(reading, at);
    let next = endOfSame(line, skipSpaces(line, at + 1), VALUE);
    if (next < 0) return NOT_READ;
    next = readBare(reading, skipSpaces(line, next));
    if (next < 0 || line[next] === CLOSE_BRACE) return next < 0 ? NOT_READ : next + 1;
    if (line[next] !== COMMA) return NOT_READ;
    next = endOfSame(line, skipSpaces(line, next + 1), OBSERVED_AT);
    if (next < 0) return NOT_READ;
    next = readInstant(reading, skipSpaces(line, next));
    if (next < 0 || line[next] !== CLOSE_BRACE) return NOT_READ;
    reading.observedAt[plan.index] = reading.instant;
    reading.hasObservedAt = true;
    return next + 1;
  };
};

const orNull = (plan: FieldPlan, read: SlotReader<FeatureReading>): SlotReader<FeatureReading> => {
  if (!plan.field.isNullable) return read;
  const nulls = absentText(plan);
  return (reading, at) => {
    if (reading.line[at] !== LOWER_N) return read(reading, at);
    putLatin1(reading.found, nulls);
    reading.statuses[plan.index] = STATUS_BYTE.NULL;
    reading.hasStatuses = true;
    return endOfSame(reading.line, at, NULL);
  };
};

/** The elements of a feature that has no value. */
export const absentText = ({ length }: FieldPlan): string => Array(length).fill('NULL').join(',');

/** A flat array of as many elements as the shape has. */
const vectorSlot = (plan: FieldPlan): SlotReader<FeatureReading> => {
  const read = elementSlot(plan);
  const { length } = plan;
  return (reading, at) => {
    const { line, found } = reading;
    if (line[at] !== OPEN_BRACKET) return NOT_READ;
    let next = at;
    for (let i = 0; i < length; i += 1) {
      if (i > 0) {
        if (line[next] !== COMMA) return NOT_READ;
        putLatin1(found, ',');
      }
      next = read(reading, skipSpaces(line, next + 1));
      if (next < 0) return NOT_READ;
    }
    return line[next] === CLOSE_BRACKET ? next + 1 : NOT_READ;
  };
};

/** 7 digits: all whole numbers up to there are FP32. */
const FP32_DIGITS = 7;
const DIGITS = 15;

const elementSlot = (plan: FieldPlan): SlotReader<FeatureReading> => {
  const { type, categories } = plan.field;
  switch (type) {
    case 'FP64':
      return orNamed((reading, at) => readNumber(reading, at, DIGITS, true, copyNumber));
    case 'FP32': {
      const textOf = fp32Text(plan);
      return orNamed((reading, at) => readNumber(reading, at, FP32_DIGITS, false, textOf));
    }
    case 'INT64':
      return (reading, at) =>
        reading.line[at] === MINUS && reading.line[at + 1] === ZERO
          ? NOT_READ
          : readNumber(reading, at, DIGITS, false, null);
    case 'BOOL':
      return readBool;
    case 'TIMESTAMP':
      return readTimestamp;
    case 'STRING': {
      if (categories === null) return readQuoted;
      const known = new Set(categories);
      return (reading, at) => readCategory(reading, at, known);
    }
  }
};

const orNamed =
  (read: SlotReader<FeatureReading>): SlotReader<FeatureReading> =>
  (reading, at) =>
    reading.line[at] === QUOTE ? readNamedNumber(reading, at) : read(reading, at);

const isOrdinary = (single: number): boolean => Number.isFinite(single) && single !== 0;

/** Digits up to which any number stands for the nearest FP32. */
const FP32_EXACT_DIGITS = 9;

/** The nearest FP32, where the field's own encoder takes the number for it. */
const fp32Text = ({ encode }: FieldPlan): NumberText => {
  const columns: FeatureColumns = { numbers: [], integers: [], texts: [] };
  return (value, digits) => {
    const single = Math.fround(value);
    if (digits <= FP32_EXACT_DIGITS && isOrdinary(single)) return copyNumber(single);
    columns.numbers.length = 0;
    return encode(value, columns) === null ? copyNumber(columns.numbers[0] ?? null) : null;
  };
};

const readBool: SlotReader<FeatureReading> = (reading, at) => {
  const { line, found } = reading;
  const end = endOfSame(line, at, TRUE);
  putLatin1(found, end < 0 ? '0' : '1');
  return end < 0 ? endOfSame(line, at, FALSE) : end;
};

const readTimestamp: SlotReader<FeatureReading> = (reading, at) => {
  const end = readInstant(reading, at);
  if (end >= 0) putLatin1(reading.found, String(reading.instant));
  return end;
};

const VALUE = Buffer.from('"value":');
const OBSERVED_AT = Buffer.from('"observedAt":');
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
