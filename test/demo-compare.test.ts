import { describe, expect, it } from 'vitest';
import {
  changedFeatures,
  fieldsOf,
  type Json,
  micros,
  old,
  openDemo,
  outcomes,
  predictionsBetween,
  semversOf,
  variablesOf,
} from './setup/example.ts';

const { run, statementsOf } = await openDemo();

interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly quantiles: readonly { readonly probability: number; readonly value: number }[];
}

interface Cohort extends Json {
  readonly size: number;
  readonly score: Distribution;
  readonly latencyMs: Distribution;
  readonly quality: Json & { readonly ranking: Json };
}

interface Side {
  readonly absentRate: number;
  readonly unseenRate: number;
  readonly staleCount: number;
  readonly isAsTrained: boolean | null;
  readonly psiFromTraining: number | null;
}

interface Movement {
  readonly name: string;
  readonly isSameMeaning: boolean | null;
  readonly movement: number;
  readonly psi: number | null;
  readonly ks: number | null;
  readonly totalVariation: number;
  readonly base: Side;
  readonly head: Side;
}

interface Report {
  readonly compareCohorts: {
    readonly base: Cohort;
    readonly head: Cohort;
    readonly baseline: Json;
    readonly scoreKs: number;
    readonly latencyKs: number;
    readonly labelDistance: number;
    readonly notes: readonly string[];
    readonly features: { readonly nodes: readonly Movement[] };
  };
}

interface Filter {
  readonly occurredAt: { readonly from: string; readonly to: string };
  readonly modelVersion: { readonly release: { readonly semver: string } };
}

const cohortOf = (filter: Filter): readonly Json[] =>
  predictionsBetween(filter.occurredAt.from, filter.occurredAt.to).filter(
    (line) => semversOf(line).version === filter.modelVersion.release.semver,
  );

const variables = variablesOf('compare') as { base: Filter; head: Filter };
const raw = { base: cohortOf(variables.base), head: cohortOf(variables.head) };
const { compareCohorts: report } = await run<Report>('compare');
const sides = ['base', 'head'] as const;

const latest = new Map<string, Json>();
for (const outcome of outcomes) {
  const known = latest.get(String(outcome.requestId));
  if (known === undefined || micros(known.observedAt) <= micros(outcome.observedAt)) {
    latest.set(String(outcome.requestId), outcome);
  }
}
const observedOf = ({ requestId }: Json) => latest.get(String(requestId))?.label;

const numbersOf = (lines: readonly Json[], member: string): readonly number[] =>
  lines.map((line) => Number(line[member])).sort((a, b) => a - b);

const share = (values: readonly number[], at: number): number =>
  values.filter((value) => value <= at).length / values.length;

const naiveKs = (one: readonly number[], other: readonly number[]): number =>
  Math.max(...[...one, ...other].map((at) => Math.abs(share(one, at) - share(other, at))));

describe('the cohorts of the rollback', () => {
  it.each(sides)('%s: size, times, versions, schemas and labels', (side) => {
    const lines = raw[side];
    const labels = ['ON_TIME', 'LATE'].map((label) => {
      const predictionCount = lines.filter((line) => line.label === label).length;
      return { label, predictionCount, share: predictionCount / lines.length };
    });
    expect(lines.length).toBeGreaterThan(1000);
    expect(report[side]).toMatchObject({
      size: lines.length,
      isSmall: false,
      firstAt: lines.at(-1)?.occurredAt,
      lastAt: lines[0]?.occurredAt,
      modelVersions: [
        {
          modelVersion: {
            displayName: `flight-delay@${variables[side].modelVersion.release.semver}`,
          },
          predictionCount: lines.length,
        },
      ],
      featureSchemas: [
        {
          featureSchema: { name: 'flight-delay-features', semver: '1.1.0' },
          predictionCount: lines.length,
        },
      ],
      labels: labels.sort((a, b) => b.predictionCount - a.predictionCount),
      unlabelledCount: 0,
    });
  });

  it.each(sides)('%s: accuracy, confusion and AUC against the real delays', (side) => {
    const known = raw[side].filter((line) => observedOf(line) !== undefined);
    const pairs = ['ON_TIME', 'LATE'].flatMap((predicted) =>
      ['ON_TIME', 'LATE'].map((observed) => ({
        predicted,
        observed,
        count: known.filter((line) => line.label === predicted && observedOf(line) === observed)
          .length,
      })),
    );
    const late = known.filter((line) => observedOf(line) === 'LATE').map(({ score }) => score);
    const punctual = known.filter((line) => observedOf(line) !== 'LATE').map(({ score }) => score);
    let won = 0;
    for (const one of late) {
      for (const other of punctual) {
        won += Number(one) > Number(other) ? 1 : one === other ? 0.5 : 0;
      }
    }
    const { ranking, ...quality } = report[side].quality;
    expect(quality).toMatchObject({
      outcomeCount: known.length,
      comparedLabelCount: known.length,
      accuracy: known.filter((line) => line.label === observedOf(line)).length / known.length,
      confusion: pairs.sort((a, b) => b.count - a.count),
      error: null,
    });
    expect(ranking).toEqual({
      auc: expect.closeTo(won / late.length / punctual.length, 12),
      positiveLabel: 'LATE',
      positiveCount: late.length,
      negativeCount: punctual.length,
      unscoredCount: 0,
    });
  });

  it('shows what the rollback did: accuracy and AUC fell, the latency did not move', () => {
    const { base, head } = report;
    expect(Number(base.quality.accuracy) - Number(head.quality.accuracy)).toBeGreaterThan(0.1);
    expect(Number(base.quality.ranking.auc) - Number(head.quality.ranking.auc)).toBeGreaterThan(
      0.1,
    );
    expect(report.scoreKs).toBeGreaterThan(0.3);
    expect(report.latencyKs).toBeLessThan(0.05);
  });

  it.each([
    ['score', 'score'],
    ['latencyMs', 'latencyMs'],
  ] as const)('distributions of %s', (field, member) => {
    for (const side of sides) {
      const values = numbersOf(raw[side], member);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const { quantiles, ...rest } = report[side][field];
      expect(rest).toEqual({
        count: values.length,
        nullCount: 0,
        nanCount: 0,
        infiniteCount: 0,
        mean: expect.closeTo(mean, 10),
        standardDeviation: expect.closeTo(Math.sqrt(squares / (values.length - 1)), 10),
      });
      for (const { probability, value } of quantiles) {
        // The smallest value that this share of all does not exceed.
        expect(value).toBe(values.find((one) => share(values, one) >= probability));
      }
      expect(quantiles).toHaveLength(9);
    }
  });

  it('how far scores, latencies and labels moved', () => {
    const ks = (member: string) =>
      naiveKs(numbersOf(raw.base, member), numbersOf(raw.head, member));
    expect(report.scoreKs).toBeCloseTo(ks('score'), 12);
    expect(report.latencyKs).toBeCloseTo(ks('latencyMs'), 12);
    const [before, after] = sides.map(
      (side) => raw[side].filter(({ label }) => label === 'LATE').length / raw[side].length,
    );
    expect(report.labelDistance).toBeCloseTo(Math.abs(Number(before) - Number(after)), 12);
  });
});

interface Statistics {
  readonly feature: string;
  readonly numeric?: {
    readonly missing: number;
    readonly min: number;
    readonly max: number;
    readonly histogram: { readonly edges: number[]; readonly counts: number[] };
  };
  readonly categorical?: {
    readonly missing: number;
    readonly categories: { readonly value: string; readonly count: number }[];
  };
}

const training = old.datasets as readonly {
  readonly role: string;
  readonly snapshot: { readonly definition: { readonly statistics?: Statistics[] } };
}[];
const statistics = new Map(
  training
    .filter(({ role }) => role === 'TRAINING')
    .flatMap(({ snapshot }) => snapshot.definition.statistics ?? [])
    .map((one) => [one.feature, one]),
);

type Raw = number | string | boolean | null;

/** The value the model received: FP32 is single precision. */
const sentValue = (line: Json, name: string, type: string): Raw => {
  const sent = (line.features as Json)[name];
  const value = (
    typeof sent === 'object' && sent !== null ? (sent as { value: Raw }).value : sent
  ) as Raw;
  return type === 'FP32' && typeof value === 'number' ? Math.fround(value) : value;
};

/** Place of a value among the bins of its training statistics: ranges or categories, other, absent. */
const binOf = ({ numeric, categorical }: Statistics, value: Raw): number => {
  if (numeric !== undefined) {
    const { edges } = numeric.histogram;
    const last = Number(edges.at(-1));
    if (value === null) return edges.length + 1;
    if (Number(value) === last) return edges.length - 1;
    return edges.filter((edge) => edge <= Number(value)).length;
  }
  const categories = categorical?.categories ?? [];
  if (value === null) return categories.length + 1;
  const found = categories.findIndex((one) => one.value === String(value));
  return found === -1 ? categories.length : found;
};

const trainingBins = ({ numeric, categorical }: Statistics): readonly number[] =>
  numeric !== undefined
    ? [0, ...numeric.histogram.counts, 0, numeric.missing]
    : [...(categorical?.categories ?? []).map(({ count }) => count), 0, categorical?.missing ?? 0];

const fractions = (counts: readonly number[]): readonly number[] => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
};

const psiOf = (base: readonly number[], head: readonly number[]): number => {
  const heads = fractions(head).map((one) => Math.max(one, 0.0001));
  return fractions(base)
    .map((one) => Math.max(one, 0.0001))
    .reduce(
      (sum, one, at) => sum + (Number(heads[at]) - one) * Math.log(Number(heads[at]) / one),
      0,
    );
};

describe('the features of the rollback', () => {
  const byName = new Map(report.features.nodes.map((node) => [node.name, node]));
  const scalars = fieldsOf(old).filter(({ name }) => statistics.has(name));

  it('are all there, in the order of their movement', () => {
    expect([...byName.keys()].sort()).toEqual(
      fieldsOf(old)
        .map(({ name }) => name)
        .sort(),
    );
    const movements = report.features.nodes.map(({ movement }) => movement);
    expect(movements).toEqual([...movements].sort((a, b) => b - a));
  });

  it.each(scalars)('$name: rates, PSI, KS and total variation', ({ name, type }) => {
    const frozen = statistics.get(name);
    const found = byName.get(name);
    if (frozen === undefined || found === undefined) throw new Error(name);
    const bins = trainingBins(frozen);
    const values = sides.map((side) => raw[side].map((line) => sentValue(line, name, type)));
    const [base = [], head = []] = values.map((list) =>
      bins.map((_, at) => list.filter((value) => binOf(frozen, value) === at).length),
    );
    expect(found.psi).toBeCloseTo(psiOf(base, head), 9);
    expect(found.movement).toBe(found.psi);
    const [baseShares, headShares] = [fractions(base), fractions(head)];
    const differences = baseShares.map((one, at) => Math.abs(one - Number(headShares[at])));
    expect(found.totalVariation).toBeCloseTo(differences.reduce((a, b) => a + b, 0) / 2, 9);
    for (const [at, side] of sides.entries()) {
      const list = values[at] ?? [];
      const absent = list.filter((value) => value === null).length;
      const unseen = list.filter((value) => {
        if (value === null) return false;
        const { numeric } = frozen;
        if (numeric === undefined) return binOf(frozen, value) === bins.length - 2;
        return Number(value) < numeric.min || Number(value) > numeric.max;
      }).length;
      expect(found[side].absentRate).toBe(absent / list.length);
      expect(found[side].unseenRate).toBe(unseen / list.length);
      expect(found[side].psiFromTraining).toBeCloseTo(psiOf(bins, at === 0 ? base : head), 9);
    }
    if (frozen.numeric === undefined) {
      expect(found.ks).toBeNull();
      return;
    }
    const { edges } = frozen.numeric.histogram;
    const below = (list: readonly Raw[], edge: number, isLast: boolean): number => {
      const present = list.filter((value) => value !== null).map(Number);
      return (
        present.filter((value) => value < edge || (isLast && value === edge)).length /
        present.length
      );
    };
    const gaps = edges.map((edge, at) => {
      const isLast = at === edges.length - 1;
      return Math.abs(below(values[0] ?? [], edge, isLast) - below(values[1] ?? [], edge, isLast));
    });
    expect(found.ks).toBeCloseTo(Math.max(...gaps), 12);
  });

  it('say which of them the old version misread', () => {
    const misread = report.features.nodes.filter(({ head }) => head.isAsTrained === false);
    expect(misread.map(({ name }) => name).sort()).toEqual([...changedFeatures].sort());
    const [distance] = misread.filter(({ name }) => name === 'distance');
    // Kilometres are as far from the training data before the rollback as after it: the input did not move.
    expect(distance?.psi).toBeLessThan(0.1);
    expect(distance?.head.psiFromTraining).toBeGreaterThan(0.25);
    expect(report.baseline).toEqual({ displayName: 'flight-delay@1.0.0' });
    expect(report.notes).toHaveLength(1);
    const [, listed = ''] =
      /^In head, features mean something else than flight-delay@1\.0\.0 was trained on: (.*)\.$/.exec(
        report.notes[0] ?? '',
      ) ?? [];
    expect(listed.split(', ').sort()).toEqual([...changedFeatures].sort());
  });

  it('are told apart by meaning when the schemas differ', async () => {
    const february: Filter = {
      ...variables.head,
      occurredAt: { from: '2001-02-01T00:00:00Z', to: '2001-02-15T00:00:00Z' },
    };
    const { compareCohorts } = await run<Report>('compare', { base: february });
    const { nodes } = compareCohorts.features;
    const others = nodes.filter(({ isSameMeaning }) => isSameMeaning === false);
    expect(others.map(({ name }) => name).sort()).toEqual([...changedFeatures].sort());
    expect(compareCohorts.base.size).toBe(cohortOf(february).length);
    expect(nodes.filter(({ base }) => base.isAsTrained !== true)).toEqual([]);
  });

  it('cost a fixed number of statements', async () => {
    const statements = await statementsOf(() => run<Report>('compare'));
    const first = statements.filter((sql) => sql.includes('prediction_log l'));
    // Each cohort: how large it is, its answers, its features.
    expect(first).toHaveLength(6);
    // And each: begin, isolation, settings, commit. The engines differ in who sends the first and the last.
    expect(statements.length).toBeLessThanOrEqual(6 + 8 + 4);
  });
});
