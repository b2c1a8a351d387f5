import type { ExactJson } from '../platform/exact-json.ts';
import { isSamplingRate, MIN_SAMPLING_RATE } from '../serving/keyed-sampling.ts';
import { memberOf, type RecordReading, report } from './record-members.ts';

const NAMED_NUMBERS: ReadonlyMap<ExactJson, number> = new Map<ExactJson, number>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

/** An optional FP64: a JSON number, or `"NaN"`, `"Infinity"`, `"-Infinity"` or `"-0"`. Null is absent. */
export const readDouble = (reading: RecordReading, name: string): number | null => {
  const value = memberOf(reading.record, name) ?? null;
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'bigint') return wholeDouble(reading, name, value);
  const named = NAMED_NUMBERS.get(value);
  if (named !== undefined) return named;
  report(
    reading,
    name,
    value,
    'which is not a number; send a JSON number, or "NaN", "Infinity", "-Infinity" or "-0"',
  );
  return null;
};

const wholeDouble = (reading: RecordReading, name: string, value: bigint): number | null => {
  const double = Number(value);
  if (Number.isFinite(double) && BigInt(double) === value) return double;
  const reason = Number.isFinite(double)
    ? `which a 64-bit float does not hold exactly; send the nearest, ${double.toExponential()}`
    : 'which is beyond the largest 64-bit float, 1.7976931348623157e+308; send "Infinity" if that is what the model said';
  report(reading, name, value, reason, 'NUMBER_NOT_REPRESENTABLE');
  return null;
};

/** An optional duration in milliseconds: finite and not negative. */
export const readLatency = (reading: RecordReading, name: string): number | null => {
  const value = memberOf(reading.record, name) ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && value >= 0) return value === 0 ? 0 : value;
  report(reading, name, value, 'which is not a duration; send milliseconds, 0 or more');
  return null;
};

/** An optional rate from `MIN_SAMPLING_RATE` to 1. Null for 1, so that what is not sampled is the same whether it says so. */
export const readSamplingRate = (reading: RecordReading, name: string): number | null => {
  const value = memberOf(reading.record, name) ?? 1;
  if (typeof value === 'number' && isSamplingRate(value)) return value === 1 ? null : value;
  const remedy = `send the share of predictions that was kept, more than 0 and at most 1 (no less than ${MIN_SAMPLING_RATE})`;
  report(reading, name, value, `which is not a sampling rate; ${remedy}`);
  return null;
};

/** A position within a batched request, 0 when absent. */
export const readItem = (reading: RecordReading, name: string): number => {
  const value = memberOf(reading.record, name) ?? 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) {
    return value === 0 ? 0 : value;
  }
  report(reading, name, value, 'which is not a position; send a whole number from 0 to 2147483647');
  return 0;
};
