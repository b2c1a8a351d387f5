import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareOutputs, scoreElement } from '../src/forensics/replay-comparison.ts';
import { compareNumbers, EXACTLY, ulpDistance } from '../src/forensics/replay-rules.ts';

const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('distance in ulps', () => {
  it('is one between neighbours, also across zero', () => {
    expect(ulpDistance(1, 1 + Number.EPSILON, 'FP64')).toBe(1n);
    expect(ulpDistance(1, 1 + 2 ** -23, 'FP32')).toBe(1n);
    expect(ulpDistance(0, Number.MIN_VALUE, 'FP64')).toBe(1n);
    expect(ulpDistance(-0, 0, 'FP64')).toBe(1n);
    expect(ulpDistance(-Number.MIN_VALUE, Number.MIN_VALUE, 'FP64')).toBe(3n);
    expect(ulpDistance(Number.NaN, 1, 'FP64')).toBeNull();
    expect(ulpDistance(Infinity, 1, 'FP32')).toBeNull();
  });

  it('is a metric', () => {
    fc.assert(
      fc.property(double, double, double, (a, b, c) => {
        const d = (x: number, y: number) => ulpDistance(x, y, 'FP64') ?? -1n;
        expect(d(a, b)).toBe(d(b, a));
        expect(d(a, b) === 0n).toBe(Object.is(a, b));
        expect(d(a, c) <= d(a, b) + d(b, c)).toBe(true);
      }),
    );
  });
});

describe('a replayed number', () => {
  it('is exact when it is the same, also where the log has the shortest text of an FP32 value', () => {
    fc.assert(
      fc.property(float, (value) => {
        const shortest = Number(Math.fround(value).toPrecision(9));
        expect(compareNumbers(shortest, value, 'FP32').verdict).toBe('EXACT');
      }),
    );
    for (const value of [Number.NaN, Infinity, -Infinity, -0]) {
      expect(compareNumbers(value, value, 'FP64').verdict).toBe('EXACT');
    }
    expect(compareNumbers(0, -0, 'FP64').verdict).toBe('MISMATCH');
    expect(compareNumbers(Infinity, 1, 'FP64', { ...EXACTLY, relative: 1 }).verdict).toBe(
      'MISMATCH',
    );
  });

  it('is within tolerance when any of the three holds', () => {
    const next = 1 + Number.EPSILON;
    const of = (more: Partial<typeof EXACTLY>) =>
      compareNumbers(1, next, 'FP64', { ...EXACTLY, ...more }).verdict;
    expect(of({})).toBe('MISMATCH');
    expect(of({ ulps: 1 })).toBe('WITHIN_TOLERANCE');
    expect(of({ absolute: 1e-15 })).toBe('WITHIN_TOLERANCE');
    expect(of({ relative: 1e-15 })).toBe('WITHIN_TOLERANCE');
    expect(of({ absolute: 1e-17 })).toBe('MISMATCH');
  });
});

describe('outputs', () => {
  const outputs = [
    { name: 'label', precision: null, values: ['LATE'] },
    { name: 'probabilities', precision: 'FP32' as const, values: [0.75, 0.25] },
  ];

  it('are compared where the log and the model both have them in the same size', () => {
    const logged = { probabilities: [0.75, 0.5], label: 'LATE', other: 1 };
    expect(
      compareOutputs(logged, outputs, EXACTLY).map(({ output, index, verdict }) => [
        output,
        index,
        verdict,
      ]),
    ).toEqual([
      ['label', 0, 'EXACT'],
      ['probabilities', 0, 'EXACT'],
      ['probabilities', 1, 'MISMATCH'],
    ]);
    expect(compareOutputs({ probabilities: [0.75] }, outputs, EXACTLY)).toEqual([]);
    expect(compareOutputs({ probabilities: [{}, null] }, outputs, EXACTLY)).toEqual([]);
    const special = [{ name: 'x', precision: 'FP64' as const, values: [Number.NaN, -0] }];
    expect(
      compareOutputs({ x: ['NaN', '-0'] }, special, EXACTLY).map(({ verdict }) => verdict),
    ).toEqual(['EXACT', 'EXACT']);
  });

  it('hold the score where an element has its very value', () => {
    const elements = compareOutputs({ probabilities: [0.5, 0.5] }, outputs, EXACTLY);
    expect(scoreElement(0.5, elements)).toMatchObject({ index: 1, replayed: 0.25 });
    expect(scoreElement(0.1, elements)).toBeNull();
  });
});
