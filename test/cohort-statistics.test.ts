import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracyOf, labelQualities } from '../src/forensics/confusion.ts';
import {
  kolmogorovSmirnov,
  kolmogorovSmirnovAtEdges,
} from '../src/forensics/kolmogorov-smirnov.ts';
import { regressionErrors } from '../src/forensics/regression-error.ts';
import { inferPositiveLabel, rocAuc } from '../src/forensics/roc-auc.ts';
import { collectSample, momentsOf, quantileOfSorted } from '../src/forensics/sample.ts';
import {
  stabilityIndex,
  stabilityUnderNoChange,
  totalVariation,
} from '../src/forensics/stability-index.ts';

const sorted = (...values: number[]): Float64Array => Float64Array.from(values).sort();

const counts = fc.array(fc.nat(500), { minLength: 1, maxLength: 30 });
const twoCounts = fc
  .array(fc.tuple(fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 30 })
  .map((pairs) => [pairs.map(([one]) => one), pairs.map(([, other]) => other)] as const);
// Few different values, so that ties are common.
const values = fc
  .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-Infinity, Infinity, -0)), {
    maxLength: 40,
  })
  .map((list) => sorted(...list));

describe('population stability index', () => {
  it('is what a hand calculation gives', () => {
    // (0.4 − 0.5) ln(0.4 / 0.5) + (0.6 − 0.5) ln(0.6 / 0.5)
    expect(stabilityIndex([50, 50], [4, 6])).toBeCloseTo(0.022314355 + 0.018232156, 9);
  });

  it('gives an empty bin a share of 0.0001', () => {
    const expected = (0.5 - 1) * Math.log(0.5 / 1) + (0.5 - 0.0001) * Math.log(0.5 / 0.0001);
    expect(stabilityIndex([10, 0], [5, 5])).toBeCloseTo(expected, 12);
  });

  it('is null when a sample is empty', () => {
    expect([stabilityIndex([0, 0], [1, 2]), stabilityIndex([1, 2], [0, 0])]).toEqual([null, null]);
    expect([totalVariation([0], [1]), stabilityUnderNoChange([0], [1])]).toEqual([null, null]);
  });

  it('is symmetric, never below 0, and 0 for equal shares', () => {
    fc.assert(
      fc.property(twoCounts, fc.integer({ min: 1, max: 9 }), ([base, head], factor) => {
        const index = stabilityIndex(base, head);
        expect(stabilityIndex(head, base)).toBe(index);
        if (index !== null) expect(index).toBeGreaterThanOrEqual(0);
        const same = stabilityIndex(
          base,
          base.map((count) => count * factor),
        );
        expect(same ?? 0).toBeCloseTo(0, 12);
      }),
    );
  });

  it('does not grow when bins are merged, unless an empty one was given a share', () => {
    const positive = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })),
      {
        minLength: 2,
        maxLength: 10,
      },
    );
    fc.assert(
      fc.property(positive, (pairs) => {
        const [base, head] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
        const merged = ([first = 0, second = 0, ...rest]: number[]) => [first + second, ...rest];
        const fine = stabilityIndex(base, head) ?? 0;
        expect(stabilityIndex(merged(base), merged(head)) ?? 0).toBeLessThanOrEqual(fine + 1e-12);
      }),
    );
  });

  it('is expected to be (bins − 1)(1/n + 1/m) when nothing changed', () => {
    expect(stabilityUnderNoChange([10, 10, 0, 0], [5, 0, 5, 0])).toBeCloseTo(
      2 * (1 / 20 + 1 / 10),
      12,
    );
  });
});

describe('total variation distance', () => {
  it('is half the sum of the differences of the shares', () => {
    expect(totalVariation([2, 2, 0], [1, 1, 2])).toBe(0.5);
  });

  it('lies between 0 and 1, and is symmetric', () => {
    fc.assert(
      fc.property(twoCounts, ([base, head]) => {
        const distance = totalVariation(base, head) ?? 0;
        expect(distance).toBeGreaterThanOrEqual(0);
        expect(distance).toBeLessThanOrEqual(1 + 1e-12);
        expect(totalVariation(head, base) ?? 0).toBe(distance);
      }),
    );
  });
});

describe('Kolmogorov–Smirnov statistic', () => {
  it('is what a hand calculation gives, ties included', () => {
    // At 2: 3/4 of the base and 1/3 of the head are at or below.
    expect(kolmogorovSmirnov(sorted(1, 2, 2, 3), sorted(2, 3, 4))).toBeCloseTo(3 / 4 - 1 / 3, 12);
  });

  it('equals the largest difference found value by value', () => {
    const share = (sample: Float64Array, at: number) =>
      sample.filter((value) => value <= at).length / sample.length;
    fc.assert(
      fc.property(values, values, (base, head) => {
        const naive =
          base.length === 0 || head.length === 0
            ? null
            : Math.max(
                ...[...base, ...head].map((at) => Math.abs(share(base, at) - share(head, at))),
              );
        expect(kolmogorovSmirnov(base, head)).toBe(naive);
      }),
    );
  });

  it('at edges is the largest difference of the cumulative shares', () => {
    // Cumulative: 1/4, 3/4, 1 and 0, 1/2, 1.
    expect(kolmogorovSmirnovAtEdges([1, 2, 1], [0, 1, 1])).toBe(0.25);
    expect(kolmogorovSmirnovAtEdges([0, 0], [1, 0])).toBeNull();
  });

  it('at edges lies between 0 and 1, and is 0 for equal counts', () => {
    fc.assert(
      fc.property(twoCounts, counts, ([base, head], same) => {
        const distance = kolmogorovSmirnovAtEdges(base, head) ?? 0;
        expect(distance).toBeGreaterThanOrEqual(0);
        expect(distance).toBeLessThanOrEqual(1);
        expect(kolmogorovSmirnovAtEdges(same, same) ?? 0).toBe(0);
      }),
    );
  });
});

describe('area under the ROC curve', () => {
  it('is the share of the pairs won, ties counting half', () => {
    // Won: 0.8 over both, 0.4 over 0.1; tied: 0.4 with 0.4.
    expect(rocAuc(sorted(0.8, 0.4), sorted(0.4, 0.1))).toBe(3.5 / 4);
  });

  it('equals a count of all pairs', () => {
    fc.assert(
      fc.property(values, values, (positives, negatives) => {
        let won = 0;
        for (const one of positives) {
          for (const other of negatives) won += one > other ? 1 : one === other ? 0.5 : 0;
        }
        const pairs = positives.length * negatives.length;
        const auc = rocAuc(positives, negatives);
        if (pairs === 0) expect(auc).toBeNull();
        else expect(auc).toBeCloseTo(won / pairs, 12);
      }),
    );
  });

  it.each([
    [
      'high scores always had it',
      [
        [1, 'YES', 0.6, 0.9],
        [1, 'NO', 0.1, 0.5],
      ],
      'YES',
    ],
    [
      'versions differ in their threshold',
      [
        [1, 'YES', 0.6, 0.9],
        [1, 'NO', 0.1, 0.5],
        [2, 'YES', 0.3, 1],
        [2, 'NO', 0, 0.2],
      ],
      'YES',
    ],
    [
      'scores overlap',
      [
        [1, 'YES', 0.4, 0.9],
        [1, 'NO', 0.1, 0.5],
      ],
      null,
    ],
    [
      'versions disagree',
      [
        [1, 'A', 0.6, 0.9],
        [1, 'B', 0.1, 0.5],
        [2, 'B', 0.6, 0.9],
        [2, 'A', 0.1, 0.5],
      ],
      null,
    ],
    [
      'there are three labels',
      [
        [1, 'A', 0.6, 0.9],
        [1, 'B', 0.1, 0.5],
        [1, 'C', 0, 0.05],
      ],
      null,
    ],
    [
      'no version gave both',
      [
        [1, 'A', 0.6, 0.9],
        [2, 'B', 0.1, 0.5],
      ],
      null,
    ],
  ] as const)('infers the positive label where %s', (_, rows, expected) => {
    const scores = rows.map(([modelVersionId, label, min, max]) => ({
      modelVersionId,
      label,
      min,
      max,
    }));
    expect(inferPositiveLabel(scores)).toBe(expected);
  });
});

describe('classification', () => {
  const cells = [
    { predicted: 'YES', observed: 'YES', count: 3 },
    { predicted: 'YES', observed: 'NO', count: 1 },
    { predicted: 'NO', observed: 'NO', count: 5 },
    { predicted: 'NO', observed: 'MAYBE', count: 1 },
  ];

  it('accuracy is the share predicted as observed', () => {
    expect(accuracyOf(cells)).toBe(0.8);
    expect(accuracyOf([])).toBeNull();
  });

  it('precision and recall go by label; without a denominator they are null', () => {
    expect(labelQualities(cells)).toEqual([
      {
        label: 'NO',
        predictedCount: 6,
        observedCount: 6,
        correctCount: 5,
        precision: 5 / 6,
        recall: 5 / 6,
      },
      {
        label: 'YES',
        predictedCount: 4,
        observedCount: 3,
        correctCount: 3,
        precision: 0.75,
        recall: 1,
      },
      {
        label: 'MAYBE',
        predictedCount: 0,
        observedCount: 1,
        correctCount: 0,
        precision: null,
        recall: 0,
      },
    ]);
  });
});

describe('regression', () => {
  it('has errors in the unit of what is predicted', () => {
    const errors = regressionErrors();
    errors.add(3, 1);
    errors.add(1, 5);
    expect(errors.result()).toEqual({
      count: 2,
      meanError: -1,
      meanAbsoluteError: 3,
      rootMeanSquareError: Math.sqrt(10),
    });
    expect(regressionErrors().result()).toBeNull();
  });
});

describe('a sample', () => {
  it('counts what is null, NaN or infinite, and sorts the rest', () => {
    const sample = collectSample();
    sample.add([3, Number.NaN, -Infinity], 1);
    sample.add([1, 2], 0);
    expect(sample.summary()).toEqual({
      sorted: Float64Array.of(-Infinity, 1, 2, 3),
      nullCount: 1,
      nanCount: 1,
      infiniteCount: 1,
    });
  });

  it('keeps every value, however many', () => {
    const sample = collectSample();
    sample.add(
      Array.from({ length: 5000 }, (_, at) => 5000 - at),
      0,
    );
    expect([...sample.summary().sorted]).toEqual(Array.from({ length: 5000 }, (_, at) => at + 1));
  });

  it('has the mean and the sample standard deviation of what is finite', () => {
    expect(momentsOf(sorted(2, 4, 4, 4, 5, 5, 7, 9, Infinity))).toEqual({
      mean: 5,
      standardDeviation: Math.sqrt(32 / 7),
    });
    expect(momentsOf(sorted(3))).toEqual({ mean: 3, standardDeviation: null });
    expect(momentsOf(sorted())).toEqual({ mean: null, standardDeviation: null });
  });

  it('has observed values for quantiles', () => {
    const hundred = sorted(...Array.from({ length: 100 }, (_, at) => at + 1));
    expect([0, 0.01, 0.07, 0.075, 0.5, 1].map((p) => quantileOfSorted(hundred, p))).toEqual([
      1, 1, 7, 8, 50, 100,
    ]);
    expect(quantileOfSorted(sorted(), 0.5)).toBeNull();
  });
});
