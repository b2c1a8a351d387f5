import { describe, expect, it } from 'vitest';
import {
  fieldsOf,
  type Json,
  micros,
  old,
  openDemo,
  predictions,
  recent,
  semversOf,
  variablesOf,
} from './setup/example.ts';

const { run } = await openDemo();

const { request } = variablesOf('counterexample').prediction as { request: { requestId: string } };
const own = predictions.find((line) => line.requestId === request.requestId) ?? {};

interface Statistics {
  readonly feature: string;
  readonly numeric?: { readonly min: number; readonly max: number };
}

/** Ranges of the training data of the version that answered. */
const ranges = new Map(
  (old.datasets as { role: string; snapshot: { definition: { statistics?: Statistics[] } } }[])
    .filter(({ role }) => role === 'TRAINING')
    .flatMap(({ snapshot }) => snapshot.definition.statistics ?? [])
    .flatMap(({ feature, numeric }): [string, number][] =>
      numeric === undefined ? [] : [[feature, numeric.max - numeric.min]],
    ),
);

// What the pipeline built the features with is what is compared.
const compared = fieldsOf(recent).filter(
  ({ name, type }) => type === 'BOOL' || type === 'STRING' || ranges.has(name),
);

const sentValue = (line: Json, name: string): unknown => {
  const sent = (line.features as Json)[name];
  return typeof sent === 'object' && sent !== null && 'value' in sent ? sent.value : sent;
};

const distanceOf = (other: Json, name: string, type: string): number => {
  const [a, b] = [sentValue(own, name) ?? null, sentValue(other, name) ?? null];
  if (a === null || b === null) return a === b ? 0 : 1;
  if (type === 'BOOL' || type === 'STRING') return a === b ? 0 : 1;
  const number = (value: unknown) => (type === 'FP32' ? Math.fround(Number(value)) : Number(value));
  return Math.min(1, Math.abs(number(a) - number(b)) / (ranges.get(name) ?? 0));
};

describe('counterexample on the demo data', () => {
  it('finds the very nearest among all cases of the version with the other label', async () => {
    const WEEK = 7 * 86_400_000_000;
    const candidates = predictions.filter(
      (line) =>
        semversOf(line).version === '1.0.0' &&
        line.label !== own.label &&
        Math.abs(micros(line.occurredAt) - micros(own.occurredAt)) <= WEEK,
    );
    const ranked = candidates
      .map((line) => ({
        line,
        distance:
          compared.reduce((sum, { name, type }) => sum + distanceOf(line, name, type), 0) /
          compared.length,
      }))
      .sort((a, b) => a.distance - b.distance);
    expect(candidates.length).toBeGreaterThan(500);
    const { predictionLog } = await run<{
      predictionLog: { counterexamples: Json & { nearest: Json[] } };
    }>('counterexample');
    const { counterexamples: found } = predictionLog;
    expect(found).toMatchObject({
      comparedCount: candidates.length,
      skippedCount: 0,
      comparedFeatures: compared.map(({ name }) => name),
      excludedFeatures: [{ name: 'origin_last_delays', reason: 'It has a shape.' }],
    });
    expect(found.nearest.map(({ prediction }) => (prediction as Json).requestId)).toEqual(
      ranked.slice(0, 5).map(({ line }) => line.requestId),
    );
    for (const [index, { distance, differences }] of found.nearest.entries()) {
      const expected = ranked[index];
      expect(distance).toBeCloseTo(expected?.distance ?? -1, 12);
      const named = differences as { name: string; distance: number }[];
      expect(named.map(({ name }) => name).sort()).toEqual(
        compared
          .filter(({ name, type }) => distanceOf(expected?.line ?? {}, name, type) > 0)
          .map(({ name }) => name)
          .sort(),
      );
      const distances = named.map((one) => one.distance);
      expect(distances).toEqual([...distances].sort((a, b) => b - a));
    }
  });
});
