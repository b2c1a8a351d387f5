import { describe, expect, it } from 'vitest';
import {
  changedFeatures,
  fieldsOf,
  type Json,
  micros,
  old,
  openDemo,
  predictions,
  predictionsBetween,
  semversOf,
  variablesOf,
} from './setup/example.ts';

const { run, statementsOf } = await openDemo();

interface Difference {
  readonly name: string;
  readonly text: string | null;
  readonly otherText: string | null;
  readonly contribution: number;
}

interface Report {
  readonly predictionLog: {
    readonly requestId: string;
    readonly label: string;
    readonly counterexamples: {
      readonly measuredCount: number;
      readonly skipped: readonly Json[];
      readonly comparedFeatures: readonly string[];
      readonly excludedFeatures: readonly Json[];
      readonly from: string;
      readonly to: string;
      readonly nearest: readonly {
        readonly distance: number;
        readonly prediction: { readonly requestId: string; readonly label: string };
        readonly differenceCount: number;
        readonly differences: readonly Difference[];
      }[];
    };
  };
}

const { request } = variablesOf('counterexample').prediction as {
  request: { requestId: string };
};
const [subject = {}] = predictions.filter(({ requestId }) => requestId === request.requestId);

const statistics = (
  old.datasets as {
    role: string;
    snapshot: {
      definition: { statistics?: { feature: string; numeric?: { min: number; max: number } }[] };
    };
  }[]
)
  .filter(({ role }) => role === 'TRAINING')
  .flatMap(({ snapshot }) => snapshot.definition.statistics ?? []);
const ranges = new Map(
  statistics.flatMap(({ feature, numeric }) =>
    numeric === undefined ? [] : [[feature, numeric.max - numeric.min] as const],
  ),
);

// The one feature with a shape has no statistics.
const compared = fieldsOf(old).filter(({ name }) =>
  statistics.some(({ feature }) => feature === name),
);

type Raw = number | string | boolean | null;

const sentValue = (line: Json, name: string, type: string): Raw => {
  const sent = (line.features as Json)[name];
  const value = (
    typeof sent === 'object' && sent !== null ? (sent as { value: Raw }).value : sent
  ) as Raw;
  return type === 'FP32' && typeof value === 'number' ? Math.fround(value) : value;
};

const partsOf = (line: Json, other: Json, fields = compared) =>
  fields.map(({ name, type }) => {
    const one = sentValue(line, name, type);
    const two = sentValue(other, name, type);
    const range = ranges.get(name);
    if (one === null || two === null) return { name, part: one === two ? 0 : 1 };
    if (range === undefined) return { name, part: one === two ? 0 : 1 };
    return { name, part: Math.min(1, Math.abs(Number(one) - Number(two)) / range) };
  });

const distanceOf = (line: Json, other: Json, fields = compared): number =>
  partsOf(line, other, fields).reduce((sum, { part }) => sum + part, 0) / fields.length;

const ranked = (candidates: readonly Json[], fields = compared) =>
  candidates
    .map((line) => ({ line, distance: distanceOf(subject, line, fields) }))
    .sort(
      (a, b) => a.distance - b.distance || micros(a.line.occurredAt) - micros(b.line.occurredAt),
    );

const DAY = 86_400_000_000;
const around = (days: number): readonly Json[] => {
  const at = micros(subject.occurredAt);
  return predictions.filter(
    ({ occurredAt }) =>
      micros(occurredAt) >= at - days * DAY && micros(occurredAt) < at + days * DAY,
  );
};

describe('the nearest cases that went the other way', () => {
  it('are those that a comparison with every one of them finds', async () => {
    const { predictionLog: found } = await run<Report>('counterexample');
    const candidates = around(7).filter(
      (line) => semversOf(line).version === '1.0.0' && line.label !== subject.label,
    );
    const expected = ranked(candidates).slice(0, 5);
    const { nearest, ...search } = found.counterexamples;
    expect(nearest.map(({ prediction }) => prediction.requestId)).toEqual(
      expected.map(({ line }) => line.requestId),
    );
    for (const [at, { distance, prediction, differences, differenceCount }] of nearest.entries()) {
      const { line, distance: own } = expected[at] ?? { line: {}, distance: Number.NaN };
      expect(distance).toBeCloseTo(own, 12);
      expect(prediction.label).not.toBe(found.label);
      const parts = partsOf(subject, line)
        .filter(({ part }) => part > 0)
        .sort((a, b) => b.part - a.part);
      expect(differenceCount).toBe(parts.length);
      expect(differences.map(({ name }) => name)).toEqual(
        parts.slice(0, 5).map(({ name }) => name),
      );
      for (const [place, { contribution }] of differences.entries()) {
        expect(contribution).toBeCloseTo(Number(parts[place]?.part) / compared.length, 12);
      }
    }
    expect(search).toMatchObject({
      measuredCount: candidates.length,
      skipped: [],
      comparedFeatures: compared.map(({ name }) => name),
      excludedFeatures: [{ name: 'origin_last_delays', reason: 'NO_RANGE' }],
    });
    expect([micros(search.from), micros(search.to)]).toEqual([
      micros(subject.occurredAt) - 7 * DAY,
      micros(subject.occurredAt) + 7 * DAY,
    ]);
  });

  it('of features built another way are skipped, unless those are left out', async () => {
    const during = { from: '2001-03-01T00:00:00Z', to: '2001-03-20T00:00:00Z' };
    const candidates = predictionsBetween(during.from, during.to).filter(
      (line) => semversOf(line).version === '1.0.0' && line.label !== subject.label,
    );
    const all = await run<Report>('counterexample', { during });
    expect(all.predictionLog.counterexamples).toMatchObject({
      measuredCount: 0,
      skipped: [
        {
          featureSchema: { name: 'flight-delay-features', semver: '1.0.0' },
          reason: 'OTHER_MEANING',
          candidateCount: candidates.length,
        },
      ],
      nearest: [],
    });
    const fields = compared.filter(({ name }) => !changedFeatures.includes(name));
    const features = fields.map(({ name }) => name);
    const rest = await run<Report>('counterexample', { during, features, first: 10 });
    expect(rest.predictionLog.counterexamples).toMatchObject({
      measuredCount: candidates.length,
      skipped: [],
      comparedFeatures: features,
      excludedFeatures: [],
    });
    expect(
      rest.predictionLog.counterexamples.nearest.map(({ prediction }) => prediction.requestId),
    ).toEqual(
      ranked(candidates, fields)
        .slice(0, 10)
        .map(({ line }) => line.requestId),
    );
  });

  it('may be of another version, and have another score instead of another label', async () => {
    const version = { release: { model: 'flight-delay', semver: '1.1.0' } };
    const margin = 0.2;
    const score = Number(subject.score);
    const candidates = around(7).filter(
      (line) =>
        semversOf(line).version === '1.1.0' &&
        (Number(line.score) <= score - margin || Number(line.score) >= score + margin),
    );
    expect(candidates.length).toBeGreaterThan(100);
    const { predictionLog } = await run<Report>('counterexample', {
      modelVersion: version,
      margin,
      first: 50,
    });
    const { measuredCount, nearest } = predictionLog.counterexamples;
    expect(measuredCount).toBe(candidates.length);
    expect(nearest.map(({ prediction }) => prediction.requestId)).toEqual(
      ranked(candidates)
        .slice(0, 50)
        .map(({ line }) => line.requestId),
    );
  });

  it('cost three statements that read the log, and one for the prediction', async () => {
    const statements = await statementsOf(() => run<Report>('counterexample', { first: 50 }));
    expect(statements.filter((sql) => sql.includes('prediction_log l'))).toHaveLength(4);
  });
});
