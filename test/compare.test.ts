import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { localActor, type Scope } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { unique } from './setup/database.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { post } from './setup/ingest.ts';
import { field, register, registration, sha256 } from './setup/registration.ts';
import { appendAll } from './setup/search.ts';
import { insertEndpoint } from './setup/versions.ts';

type Json = Record<string, unknown>;

const scopes = new Set<Scope>(localActor('tester').scopes);
const hindcast = await openTestHindcast({ ...localActor('tester'), scopes }, logRoutes);
const { ask, respond, statementsOf, database } = hindcast;

const optional = { isNullable: true };
const numeric = (count: number, more: Json) => ({ count, missing: 0, mean: 10, ...more });

const statistics = [
  {
    feature: 'amount',
    numeric: numeric(10, {
      missing: 2,
      min: 1,
      max: 20,
      histogram: { edges: [0, 10, 20], counts: [5, 5] },
    }),
  },
  { feature: 'steps', numeric: numeric(10, { min: 0, max: 100 }) },
  {
    feature: 'kind',
    categorical: {
      count: 10,
      missing: 0,
      categories: [
        { value: 'a', count: 6 },
        { value: '', count: 4 },
      ],
    },
  },
  {
    feature: 'flag',
    categorical: {
      count: 10,
      missing: 0,
      categories: [
        { value: 'true', count: 3 },
        { value: 'false', count: 7 },
      ],
    },
  },
];

const fields = [
  field('amount', 'FP64', { ...optional, maxAgeSeconds: 60 }),
  field('steps', 'INT64', optional),
  field('kind', 'STRING', optional),
  field('flag', 'BOOL', optional),
  field('email', 'STRING', { ...optional, isSensitive: true }),
  field('embedding', 'FP64', { ...optional, shape: [2] }),
  field('mixed', 'INT64', optional),
];
const otherFields = [
  field('mixed', 'STRING', optional),
  field('flag', 'BOOL', optional),
  field('amount', 'FP32', { ...optional, default: 3 }),
];

const model = unique('model');
const dataset = {
  role: 'TRAINING',
  snapshot: {
    definition: {
      name: 'training',
      contentDigest: sha256(randomUUID()),
      location: 's3://d/t',
      statistics,
    },
  },
};
const first = await register(hindcast, registration(fields, { model, datasets: [dataset] }));
const second = await register(
  hindcast,
  registration(otherFields, { model, semver: '2.0.0', datasets: [dataset] }),
);
const endpoint = await insertEndpoint(database);

let sent = 0;
/** A prediction on a day of January 2026; each day is a cohort. */
const line = (day: number, features: Json, more: Json = {}): Json => {
  sent += 1;
  return {
    requestId: `r${sent}`,
    occurredAt: `2026-01-${String(day).padStart(2, '0')}T12:00:${String(sent % 60).padStart(2, '0')}Z`,
    endpoint: { name: endpoint.name, environment: endpoint.environment },
    modelVersion: first.digest,
    features,
    ...more,
  };
};

const on = (day: number): Json => ({
  occurredAt: {
    from: `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`,
    to: `2026-01-${String(day + 1).padStart(2, '0')}T00:00:00Z`,
  },
});

const outcome = (of: Json, observedAt: string, more: Json): string =>
  JSON.stringify({ requestId: of.requestId, endpoint: of.endpoint, observedAt, ...more });

const recordOutcomes = async (lines: readonly string[]): Promise<void> => {
  const answer = await post(hindcast, '/v1/outcomes', lines.join('\n'));
  expect(answer.lines.at(-1)).toMatchObject({ summary: { stored: lines.length } });
};

const QUERY = `query (
  $base: PredictionLogFilter!, $head: PredictionLogFilter!, $baseline: ModelVersionReference,
  $features: [String!], $positiveLabel: String, $first: Int, $after: String, $bins: Int! = 20
) {
  compareCohorts(base: $base, head: $head, baseline: $baseline, features: $features, positiveLabel: $positiveLabel) {
    base { ...C } head { ...C } baseline { semver } scoreKs latencyKs labelDistance notes
    features(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        name isRedacted isSameMeaning isSmall psi ks totalVariation movement movementUnderNoChange note
        base { ...F } head { ...F }
        bins(first: $bins) { kind lower upper category baseCount headCount trainingCount }
      }
    }
  }
}
fragment C on Cohort {
  size isSmall firstAt lastAt unlabelledCount
  modelVersions { modelVersion { semver } predictionCount } featureSchemas { predictionCount }
  score { count nullCount nanCount infiniteCount mean standardDeviation quantiles { probability value } }
  latencyMs { count nullCount }
  labels { label predictionCount share }
  quality {
    outcomeCount comparedLabelCount accuracy incomparableCount
    confusion { predicted observed count }
    labels { label predictedCount observedCount correctCount precision recall }
    ranking { auc positiveLabel positiveCount negativeCount unscoredCount }
    error { count meanError meanAbsoluteError rootMeanSquareError }
  }
}
fragment F on FeatureInCohort {
  presentCount defaultedCount nullCount missingCount undeclaredCount erasedCount unreadableCount staleCount nanCount
  infiniteCount nullElementCount unseenCount absentRate nanRate unseenRate isAsTrained psiFromTraining
}`;

interface Feature extends Json {
  readonly name: string;
  readonly base: Json;
  readonly head: Json;
  readonly bins: readonly Json[];
}

interface Comparison extends Json {
  readonly base: Json & { readonly score: Json; readonly quality: Json };
  readonly head: Json & { readonly score: Json; readonly quality: Json };
  readonly notes: readonly string[];
  readonly features: { readonly nodes: readonly Feature[]; readonly pageInfo: Json };
}

const compare = async (base: Json, head: Json, more: Json = {}): Promise<Comparison> =>
  (await ask<{ compareCohorts: Comparison }>(QUERY, { base, head, ...more })).compareCohorts;

const featureOf = ({ features }: Comparison, name: string): Feature => {
  const found = features.nodes.find((node) => node.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

const refusal = async (base: Json, head: Json, more: Json = {}): Promise<string> => {
  const { errors } = await respond(QUERY, { base, head, ...more });
  expect(errors).toHaveLength(1);
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  return String(errors?.[0]?.message);
};

const nothing = {
  presentCount: 0,
  defaultedCount: 0,
  nullCount: 0,
  missingCount: 0,
  undeclaredCount: 0,
  erasedCount: 0,
  unreadableCount: 0,
  staleCount: 0,
  nanCount: 0,
  infiniteCount: 0,
  nullElementCount: 0,
  unseenCount: 0,
};

const plain = {
  amount: 5,
  steps: 3,
  kind: 'a',
  flag: true,
  email: 'x',
  embedding: [1, 2],
  mixed: 1,
};

await appendAll(hindcast, [
  // Day 1: every way in which a value can be there or not.
  line(1, { ...plain, amount: 10 }),
  line(1, { ...plain, amount: 20, kind: '', flag: false }),
  line(1, { ...plain, amount: 'NaN', kind: 'new' }),
  line(1, { ...plain, amount: 'Infinity', steps: 200, embedding: ['NaN', 1] }),
  line(1, { ...plain, amount: '-Infinity', embedding: ['Infinity', 1] }),
  line(1, { ...plain, amount: 0.5, embedding: [1, null] }),
  line(1, {
    ...plain,
    amount: null,
    steps: null,
    kind: null,
    flag: null,
    email: null,
    embedding: null,
    mixed: null,
  }),
  line(1, {}),
  line(1, { ...plain, amount: { value: 19.9, observedAt: '2026-01-01T11:00:00Z' } }),
  // Day 2: plain.
  ...Array.from({ length: 4 }, () => line(2, plain)),
  // Day 3: the other schema.
  line(3, { mixed: 'x', flag: true, amount: 5 }, { modelVersion: second.digest }),
  line(
    3,
    { mixed: null, flag: false, amount: { status: 'DEFAULTED', value: 3 } },
    { modelVersion: second.digest },
  ),
]);

describe('features of two cohorts', () => {
  it('count every value in one bin, absent ones and NaN in their own', async () => {
    const report = await compare(on(1), on(2));
    const amount = featureOf(report, 'amount');
    expect(amount.base).toEqual({
      ...nothing,
      presentCount: 7,
      nullCount: 1,
      missingCount: 1,
      staleCount: 1,
      nanCount: 1,
      infiniteCount: 2,
      unseenCount: 3,
      absentRate: 2 / 9,
      nanRate: 1 / 9,
      unseenRate: 3 / 9,
      isAsTrained: true,
      psiFromTraining: expect.any(Number),
    });
    expect(amount.head).toMatchObject({
      ...nothing,
      presentCount: 4,
      absentRate: 0,
      unseenRate: 0,
    });
    const bins = [...amount.bins].sort((a, b) => Number(a.lower ?? -1e9) - Number(b.lower ?? -1e9));
    expect(bins).toEqual(
      expect.arrayContaining([
        {
          kind: 'RANGE',
          lower: null,
          upper: 0,
          category: null,
          baseCount: 1,
          headCount: 0,
          trainingCount: 0,
        },
        {
          kind: 'RANGE',
          lower: 0,
          upper: 10,
          category: null,
          baseCount: 1,
          headCount: 4,
          trainingCount: 5,
        },
        // 20 is in the last bin, which is closed.
        {
          kind: 'RANGE',
          lower: 10,
          upper: 20,
          category: null,
          baseCount: 3,
          headCount: 0,
          trainingCount: 5,
        },
        {
          kind: 'RANGE',
          lower: 20,
          upper: null,
          category: null,
          baseCount: 1,
          headCount: 0,
          trainingCount: 0,
        },
        {
          kind: 'NAN',
          lower: null,
          upper: null,
          category: null,
          baseCount: 1,
          headCount: 0,
          trainingCount: 0,
        },
        {
          kind: 'ABSENT',
          lower: null,
          upper: null,
          category: null,
          baseCount: 2,
          headCount: 0,
          trainingCount: 2,
        },
      ]),
    );
    expect(bins).toHaveLength(6);
    // Values that can be ordered: 1, 1, 3, 1 of six, and all four in the second bin.
    expect(amount.ks).toBeCloseTo(1 - 2 / 6, 12);
    // Shares 1/9, 1/9, 3/9, 1/9, 1/9, 2/9 against 1 in the second bin.
    expect(amount.totalVariation).toBeCloseTo(8 / 9, 12);
    const term = (base: number, head: number) => (head - base) * Math.log(head / base);
    const low = 0.0001;
    expect(amount.psi).toBeCloseTo(
      3 * term(1 / 9, low) + term(1 / 9, 1) + term(3 / 9, low) + term(2 / 9, low),
      9,
    );
    expect(amount.movementUnderNoChange).toBeCloseTo(5 * (1 / 9 + 1 / 4), 12);
    expect(amount).toMatchObject({
      isSmall: true,
      isSameMeaning: true,
      isRedacted: false,
      note: null,
    });
  });

  it('count categories, the empty text and BOOL among them, and those never seen', async () => {
    const report = await compare(on(1), on(2));
    const kind = featureOf(report, 'kind');
    expect(kind.bins.map((bin) => [bin.kind, bin.category, bin.baseCount, bin.headCount])).toEqual(
      expect.arrayContaining([
        ['CATEGORY', 'a', 5, 4],
        ['CATEGORY', '', 1, 0],
        ['OTHER_CATEGORY', null, 1, 0],
        ['NAN', null, 0, 0],
        ['ABSENT', null, 2, 0],
      ]),
    );
    expect(kind.base).toMatchObject({ unseenCount: 1, nullCount: 1, missingCount: 1 });
    const flag = featureOf(report, 'flag');
    expect(
      flag.bins.map((bin) => [bin.kind, bin.category, bin.baseCount, bin.trainingCount]),
    ).toEqual(
      expect.arrayContaining([
        ['CATEGORY', 'true', 6, 3],
        ['CATEGORY', 'false', 1, 7],
        ['ABSENT', null, 2, 0],
      ]),
    );
    expect([kind.ks, flag.ks]).toEqual([null, null]);
  });

  it('without frozen bins compare presence, and say why', async () => {
    const report = await compare(on(1), on(2));
    const steps = featureOf(report, 'steps');
    const release = `${model}@1.0.0`;
    expect(steps).toMatchObject({
      psi: null,
      ks: null,
      note: `${release} has no frozen histogram of it; its presence is compared.`,
      base: { unseenCount: 1, presentCount: 7 },
    });
    expect(steps.bins.map((bin) => [bin.kind, bin.baseCount, bin.headCount])).toEqual(
      expect.arrayContaining([
        ['VALUE', 7, 4],
        ['NAN', 0, 0],
        ['ABSENT', 2, 0],
      ]),
    );
    expect(Number(steps.movement)).toBeGreaterThan(0);
    expect(featureOf(report, 'embedding')).toMatchObject({
      psi: null,
      note: 'A feature with a shape has no bins; its presence is compared.',
      base: {
        presentCount: 7,
        nanCount: 1,
        infiniteCount: 1,
        nullElementCount: 1,
        nullCount: 1,
        missingCount: 1,
      },
    });
    expect(featureOf(report, 'email')).toMatchObject({
      note: `${release} has no frozen statistics of it; its presence is compared.`,
    });
  });

  it('that only one schema declares are absent in the other, and types may differ', async () => {
    const report = await compare(on(2), on(3), { baseline: { digest: first.digest } });
    expect(featureOf(report, 'kind')).toMatchObject({
      isSameMeaning: null,
      head: { undeclaredCount: 2, presentCount: 0, absentRate: 1, isAsTrained: null },
    });
    expect(featureOf(report, 'mixed')).toMatchObject({
      isSameMeaning: false,
      base: { presentCount: 4, isAsTrained: true },
      head: { presentCount: 1, nullCount: 1, isAsTrained: false },
    });
    expect(featureOf(report, 'amount')).toMatchObject({
      isSameMeaning: false,
      head: { presentCount: 1, defaultedCount: 1, unseenCount: 0 },
      psi: 0,
    });
    expect(featureOf(report, 'flag')).toMatchObject({ isSameMeaning: true });
  });

  it('of one cohort with several schemas are read by the schema of each row', async () => {
    const both = { occurredAt: { from: '2026-01-02T00:00:00Z', to: '2026-01-04T00:00:00Z' } };
    const report = await compare(both, on(2));
    expect(report.base).toMatchObject({
      size: 6,
      featureSchemas: [{ predictionCount: 4 }, { predictionCount: 2 }],
      modelVersions: [
        { modelVersion: { semver: '1.0.0' }, predictionCount: 4 },
        { modelVersion: { semver: '2.0.0' }, predictionCount: 2 },
      ],
    });
    expect(featureOf(report, 'amount').base).toMatchObject({ presentCount: 5, defaultedCount: 1 });
    expect(featureOf(report, 'mixed').base).toMatchObject({
      presentCount: 5,
      nullCount: 1,
      isAsTrained: false,
    });
    expect(featureOf(report, 'kind').base).toMatchObject({ presentCount: 4, undeclaredCount: 2 });
    expect(featureOf(report, 'flag').bins).toEqual(
      expect.arrayContaining([expect.objectContaining({ category: 'false', baseCount: 1 })]),
    );
  });

  it('of equal cohorts do not move', async () => {
    const report = await compare(on(1), on(1));
    for (const node of report.features.nodes) {
      expect(node).toMatchObject({ movement: 0, totalVariation: 0, base: node.head });
    }
    expect(report).toMatchObject({ scoreKs: null, labelDistance: 0 });
  });

  it('come in the order of movement, page by page', async () => {
    const all = (await compare(on(1), on(2))).features.nodes;
    expect(all.map(({ movement }) => movement)).toEqual(
      all.map(({ movement }) => Number(movement)).sort((a, b) => b - a),
    );
    const page = await compare(on(1), on(2), { first: 3, bins: 1 });
    expect(page.features.nodes.map(({ name }) => name)).toEqual(
      all.slice(0, 3).map(({ name }) => name),
    );
    expect(page.features.nodes[0]?.bins).toEqual(all[0]?.bins.slice(0, 1));
    const next = await compare(on(1), on(2), { after: page.features.pageInfo.endCursor });
    expect(next.features.nodes.map(({ name }) => name)).toEqual(
      all.slice(3).map(({ name }) => name),
    );
  });

  it('may be chosen', async () => {
    const report = await compare(on(1), on(2), { features: ['flag', 'amount', 'flag'] });
    expect(report.features.nodes.map(({ name }) => name).sort()).toEqual(['amount', 'flag']);
  });

  it('that are sensitive are listed without anything about them to a caller without the scope', async () => {
    scopes.delete('features:sensitive');
    try {
      const report = await compare(on(1), on(2));
      expect(report.features.nodes.at(-1)).toEqual({
        name: 'email',
        isRedacted: true,
        isSameMeaning: null,
        isSmall: null,
        psi: null,
        ks: null,
        totalVariation: null,
        movement: null,
        movementUnderNoChange: null,
        note: null,
        base: null,
        head: null,
        bins: null,
      });
      expect(report.features.nodes).toHaveLength(7);
    } finally {
      scopes.add('features:sensitive');
    }
  });

  it('of a row that was altered are unreadable, and in no bin', async () => {
    const altered = line(4, plain);
    await appendAll(hindcast, [altered, line(4, plain)]);
    await database.query({
      text: `UPDATE prediction_log SET numbers = '{1}' WHERE request_id = $1`,
      values: [altered.requestId],
    });
    const report = await compare(on(4), on(2));
    for (const node of report.features.nodes) {
      expect(node.base).toMatchObject({ unreadableCount: 1, presentCount: 1 });
      expect(node.bins.reduce((sum, bin) => sum + Number(bin.baseCount), 0)).toBe(1);
    }
  });
});

describe('answers of two cohorts', () => {
  it('are compared by label with the outcome observed last', async () => {
    const lines = [
      line(10, plain, { score: 0.9, label: 'YES', latencyMs: 1 }),
      line(10, plain, { score: 0.8, label: 'YES', latencyMs: 2 }),
      line(10, plain, { score: 0.3, label: 'NO', latencyMs: 3 }),
      line(10, plain, { score: 'NaN', label: 'NO' }),
      line(10, plain, { score: 'Infinity', label: 'YES' }),
      line(10, plain, { score: 0.1, label: 'NO' }),
      line(10, plain, {}),
    ];
    await appendAll(hindcast, lines);
    const observed = ['YES', 'NO', 'NO', 'NO', 'YES'];
    await recordOutcomes([
      ...observed.map((label, at) => outcome(lines[at] ?? {}, '2026-01-11T00:00:00Z', { label })),
      // Observed before: it does not count.
      outcome(lines[0] ?? {}, '2026-01-10T13:00:00Z', { label: 'NO' }),
    ]);
    const report = await compare(on(10), on(2));
    expect(report.base).toMatchObject({
      size: 7,
      isSmall: true,
      unlabelledCount: 1,
      score: {
        count: 5,
        nullCount: 1,
        nanCount: 1,
        infiniteCount: 1,
        mean: expect.closeTo(0.525, 12),
      },
      latencyMs: { count: 3, nullCount: 4 },
      labels: [
        { label: 'NO', predictionCount: 3, share: 3 / 7 },
        { label: 'YES', predictionCount: 3, share: 3 / 7 },
      ],
      quality: {
        outcomeCount: 5,
        comparedLabelCount: 5,
        accuracy: 0.8,
        confusion: [
          { predicted: 'NO', observed: 'NO', count: 2 },
          { predicted: 'YES', observed: 'YES', count: 2 },
          { predicted: 'YES', observed: 'NO', count: 1 },
        ],
        labels: [
          {
            label: 'NO',
            predictedCount: 2,
            observedCount: 3,
            correctCount: 2,
            precision: 1,
            recall: 2 / 3,
          },
          {
            label: 'YES',
            predictedCount: 3,
            observedCount: 2,
            correctCount: 2,
            precision: 2 / 3,
            recall: 1,
          },
        ],
        // 0.9 and infinity against 0.8 and 0.3; the NaN is left out, and counted.
        ranking: {
          auc: 1,
          positiveLabel: 'YES',
          positiveCount: 2,
          negativeCount: 2,
          unscoredCount: 1,
        },
        error: null,
      },
    });
    // The largest of the scores is infinite.
    expect(report.base.score.quantiles).toEqual(
      [0.1, 0.1, 0.1, 0.3, 0.8, 0.9, null, null, null].map((value, at) => ({
        probability: [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1][at],
        value,
      })),
    );
    expect(report.labelDistance).toBeCloseTo(6 / 7, 12);
    expect(report.notes).toEqual([]);
    const reversed = await compare(on(10), on(2), { positiveLabel: 'NO' });
    expect(reversed.base.quality.ranking).toMatchObject({ auc: 0, positiveLabel: 'NO' });
  });

  it('have no AUC where no label stands for high scores, and say so', async () => {
    const lines = [
      line(12, plain, { score: 0.9, label: 'A' }),
      line(12, plain, { score: 0.1, label: 'A' }),
      line(12, plain, { score: 0.5, label: 'B' }),
    ];
    await appendAll(hindcast, lines);
    await recordOutcomes(
      ['A', 'B', 'A'].map((label, at) =>
        outcome(lines[at] ?? {}, '2026-01-13T00:00:00Z', { label }),
      ),
    );
    const report = await compare(on(12), on(2));
    expect(report.base.quality.ranking).toBeNull();
    expect(report.notes).toEqual([
      'No AUC: no label stands for high scores: a version gave both labels to the same scores, gave only one, or the versions disagree. Give `positiveLabel`.',
    ]);
    const given = await compare(on(12), on(2), { positiveLabel: 'A' });
    // 0.9 wins and 0.5 wins against 0.1.
    expect(given.base.quality.ranking).toMatchObject({
      auc: 1,
      positiveCount: 2,
      negativeCount: 1,
    });
    expect(given.notes).toEqual([]);
  });

  it('are errors where the output is a number', async () => {
    const lines = [
      line(14, plain, { score: 3 }),
      line(14, plain, { score: 1 }),
      line(14, plain, { score: 'Infinity' }),
      line(14, plain, {}),
      line(14, plain, { score: 1, label: 'YES' }),
    ];
    await appendAll(hindcast, lines);
    await recordOutcomes(
      [1, 5, 1, 1, 1].map((value, at) =>
        outcome(lines[at] ?? {}, '2026-01-15T00:00:00Z', { value }),
      ),
    );
    const { quality } = (await compare(on(14), on(2))).base;
    expect(quality).toMatchObject({
      outcomeCount: 5,
      comparedLabelCount: 0,
      accuracy: null,
      ranking: null,
      incomparableCount: 2,
      error: { count: 2, meanError: -1, meanAbsoluteError: 3, rootMeanSquareError: Math.sqrt(10) },
    });
  });
});

describe('cohorts', () => {
  it('may be empty: then nothing is said', async () => {
    const report = await compare(on(2), on(25));
    expect(report.head).toMatchObject({
      size: 0,
      isSmall: true,
      firstAt: null,
      lastAt: null,
      labels: [],
      modelVersions: [],
      score: { count: 0, mean: null, standardDeviation: null, quantiles: [] },
      quality: { outcomeCount: 0, accuracy: null, ranking: null, error: null, confusion: [] },
    });
    expect(report).toMatchObject({
      scoreKs: null,
      latencyKs: null,
      labelDistance: null,
      baseline: { semver: '1.0.0' },
    });
    for (const node of report.features.nodes) {
      expect(node).toMatchObject({
        psi: null,
        movement: null,
        ks: null,
        isSameMeaning: null,
        isSmall: true,
      });
      expect(node.head).toMatchObject({
        ...nothing,
        absentRate: null,
        nanRate: null,
        psiFromTraining: null,
      });
    }
  });

  it('may both be empty', async () => {
    const report = await compare(on(24), on(25));
    expect(report).toMatchObject({ baseline: null, features: { nodes: [] }, notes: [] });
  });

  it('need a version to compare with where the head has several', async () => {
    const both = { occurredAt: { from: '2026-01-02T00:00:00Z', to: '2026-01-04T00:00:00Z' } };
    expect(await refusal(on(2), both)).toBe(
      'baseline: is needed: the predictions are of 2 model versions. Name the one whose training data give the bins.',
    );
    const absent = { release: { model, semver: '9.9.9' } };
    expect(await refusal(on(2), on(2), { baseline: absent })).toBe(
      'baseline: There is no such model version.',
    );
  });

  it('are refused without a bound, under the name of the argument', async () => {
    expect(await refusal({}, on(2))).toMatch(/^base: does not bound the search\./);
    expect(await refusal(on(2), { ...on(2), requestIds: [] })).toMatch(/^head\.requestIds: /);
    const nowhere = { ...on(2), endpoint: { route: { name: 'nowhere', environment: 'test' } } };
    expect(await refusal(on(2), nowhere)).toBe('head.endpoint: There is no such endpoint.');
  });

  it('refuse features that nothing declares, and lists that are too long', async () => {
    expect(await refusal(on(1), on(2), { features: ['amuont', 'flag'] })).toBe(
      `features: No schema of these predictions, nor the baseline's, declares "amuont". Did you mean "amount"?`,
    );
    expect(await refusal(on(1), on(2), { bins: -1, first: 1 })).toBe('first: -1; give 0 to 100.');
  });

  it('cost three statements each that read the log, however many predictions there are', async () => {
    const statements = await statementsOf(() => compare(on(1), on(2)));
    expect(statements.filter((sql) => sql.includes('prediction_log l'))).toHaveLength(6);
  });
});
