import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byteWriter, putWhole } from '../src/platform/byte-writer.ts';
import { putSingle } from '../src/platform/put-single.ts';

const written = (value: number): string | null => {
  const writer = byteWriter(8);
  return putSingle(writer, value) ? writer.bytes.toString('latin1', 0, writer.length) : null;
};

it.each([
  1.5, -0.1, 0.001, 9.888889, 16777215, 1234567.5, 0.0009765625, 0.3, -8388607.5, 3.0000002,
])('writes the FP32 next to %s as JavaScript does', (value) => {
  expect(written(Math.fround(value))).toBe(String(Math.fround(value)));
});

it('writes every FP32 that it takes as JavaScript does', () => {
  const single = fc.float({ min: Math.fround(2 ** -10), max: 16777215, noNaN: true });
  fc.assert(
    fc.property(single, fc.boolean(), (value, isNegative) => {
      const signed = isNegative ? -value : value;
      expect(written(signed)).toBe(String(signed));
    }),
    { numRuns: 20_000 },
  );
});

it.each([0, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** -11, 2 ** 24, -(2 ** 24), 1e-30])(
  'leaves %s to others, and writes nothing of it',
  (value) => {
    const writer = byteWriter(8);
    expect(putSingle(writer, value)).toBe(false);
    expect(writer.length).toBe(0);
  },
);

it.each([0, 7, 10, 99_999_999, 100_000_000, 1_767_222_000_000_000, 2 ** 53, -1, -1_000_000_000])(
  'writes the whole number %s',
  (value) => {
    const writer = byteWriter(1);
    putWhole(writer, value);
    expect(writer.bytes.toString('latin1', 0, writer.length)).toBe(String(value));
  },
);
