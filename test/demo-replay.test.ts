import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXAMPLE } from '../src/cli/demo.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import {
  type Json,
  micros,
  old,
  openDemo,
  outcomes,
  predictions,
  predictionsBetween,
  variablesOf,
} from './setup/example.ts';

const demo = await openDemo();
const { run, ask } = demo;

interface Replay {
  readonly modelVersion: Json;
  readonly verdict: string;
  readonly reason: string | null;
  readonly message: string | null;
  readonly outputs: readonly Json[];
  readonly score: { readonly logged: string; readonly replayed: string } | null;
  readonly suspects: readonly string[];
  readonly runner: Json | null;
}

const { request } = variablesOf('replay').prediction as { request: { requestId: string } };
const raw = predictions.find((line) => line.requestId === request.requestId) ?? {};

const { highlight } = JSON.parse(await readFile(`${EXAMPLE}story-figures.json`, 'utf8')) as {
  highlight: { requestId: string; servedScore: number; 'scoreOf1.1.0': number };
};

const endpoint = { name: 'flight-delay', environment: 'production' };

const replayOf = (requestId: unknown, rest = '') =>
  ask<{ predictionLog: { replay: Replay } }>(
    `query ($by: PredictionLogReference!) { predictionLog(by: $by) { replay${rest} {
      verdict reason message suspects score { logged replayed } outputs { output index logged replayed verdict }
      modelVersion { displayName } runner { name version platform threads } } } }`,
    { by: { request: { endpoint, requestId } } },
  ).then(({ predictionLog }) => predictionLog.replay);

describe('replay on the demo data', () => {
  it('gives the logged answer to the bit, and says what the other version would have said', async () => {
    const { predictionLog } = await run<{ predictionLog: { again: Replay; otherwise: Replay } }>(
      'replay',
    );
    const { again, otherwise } = predictionLog;
    const { probabilities } = raw.output as { probabilities: number[] };
    expect(again).toMatchObject({
      modelVersion: { displayName: 'flight-delay@1.0.0' },
      verdict: 'EXACT',
      reason: null,
      suspects: [],
      outputs: probabilities.map((value, index) => ({
        output: 'probabilities',
        index,
        logged: String(value),
        replayed: String(value),
        verdict: 'EXACT',
        ulps: '0',
      })),
      score: { logged: String(raw.score), replayed: String(highlight.servedScore) },
      runner: { name: 'onnxruntime-node', threads: 1 },
    });
    expect(otherwise).toMatchObject({
      modelVersion: { displayName: 'flight-delay@1.1.0' },
      verdict: 'MISMATCH',
      suspects: ['MODEL'],
      score: { logged: String(raw.score), replayed: String(highlight['scoreOf1.1.0']) },
    });
  });

  it('is exact for predictions of both versions, on every schema', async () => {
    const sample = predictions.filter((_, index) => index % 400 === 0);
    expect(
      new Set(sample.map((line) => JSON.stringify([line.modelVersion, line.featureSchema]))).size,
    ).toBe(3);
    for (const { requestId } of sample) {
      expect([requestId, (await replayOf(requestId)).verdict]).toEqual([requestId, 'EXACT']);
    }
  });

  it('does not run a version on features that mean something else to it, unless told to', async () => {
    const [line] = predictionsBetween('2001-05-01T00:00:00Z', '2001-05-02T00:00:00Z');
    const other = '(with: { release: { model: "flight-delay", semver: "1.0.0" } })';
    const refused = await replayOf(line?.requestId, other);
    expect(refused).toMatchObject({
      verdict: 'NOT_REPLAYABLE',
      reason: 'SCHEMA_UNSATISFIED',
      outputs: [],
      runner: null,
    });
    expect(refused.message).toContain('distance (implementation; unit "km" → "mi")');
    const accepted = await replayOf(
      line?.requestId,
      other.replace(')', ', acceptOtherMeanings: true)'),
    );
    expect(accepted).toMatchObject({ verdict: 'MISMATCH', suspects: ['INPUT', 'MODEL'] });
  });

  it('rollback-check runs the last predictions through the target, and counts what flips', async () => {
    const { at, decision } = variablesOf('rollback-check') as {
      at: string;
      decision: { threshold: number; above: string; otherwise: string };
    };
    const before = predictionsBetween('2001-01-01T00:00:00Z', at).slice(0, 200);
    const observed = new Map(outcomes.map((line) => [line.requestId, line.label]));
    const known = before.filter(({ requestId }) => observed.has(requestId));
    const right = known.filter(({ requestId, label }) => observed.get(requestId) === label);
    const { endpoint: found } = await run<{ endpoint: { rollbackCheck: Json } }>('rollback-check');
    const { verdict, checks, dryRun, sent } = found.rollbackCheck as {
      verdict: string;
      checks: { code: string; verdict: string }[];
      dryRun: Json;
      sent: Json[];
    };
    expect(verdict).toBe('BLOCKED');
    expect(checks.filter((check) => check.verdict !== 'SAFE').map(({ code }) => code)).toEqual([
      'FEATURE_SCHEMA_COMPATIBLE',
      'DRY_RUN',
    ]);
    expect(sent).toMatchObject([
      { predictionCount: 200, featureSchema: { semver: '1.1.0' }, lastAt: before[0]?.occurredAt },
    ]);
    expect(dryRun).toMatchObject({
      attempted: 200,
      replayed: 200,
      obstacles: [],
      outcomesKnown: known.length,
      accuracyBefore: right.length / known.length,
    });
    // What the target says is taken from single replays, one by one.
    const shifts: number[] = [];
    const flips: unknown[] = [];
    let rightAfter = 0;
    for (const line of before) {
      const { score } = await replayOf(
        line.requestId,
        '(with: { release: { model: "flight-delay", semver: "1.0.0" } }, acceptOtherMeanings: true)',
      );
      const after = Number(score?.replayed);
      shifts.push(Math.abs(after - Number(line.score)));
      const label = after > decision.threshold ? decision.above : decision.otherwise;
      if (label !== line.label) flips.push(line.requestId);
      if (label === observed.get(line.requestId)) rightAfter += 1;
    }
    expect(dryRun.flipCount).toBe(flips.length);
    expect(flips.length).toBeGreaterThan(10);
    expect(
      (dryRun.flips as { nodes: { prediction: Json }[] }).nodes.map(
        ({ prediction }) => prediction.requestId,
      ),
    ).toEqual(flips.slice(0, 5));
    expect(dryRun.accuracyAfter).toBe(rightAfter / known.length);
    expect(dryRun.largestShift).toBe(Math.max(...shifts));
    expect(dryRun.meanShift).toBeCloseTo(shifts.reduce((a, b) => a + b, 0) / shifts.length, 12);
    expect(micros(before[0]?.occurredAt)).toBeLessThan(micros(at));
  });

  it('says when the file is gone or altered, and names the remedy', async () => {
    const [{ artifact }] = old.artifacts as [{ artifact: { definition: { digest: string } } }];
    const { digest } = artifact.definition;
    const { location } = demo.artifacts;
    const path = join(location, storeKey(digest));
    const bytes = await readFile(path);
    await writeFile(path, 'altered');
    const altered = await replayOf(highlight.requestId);
    expect(altered).toMatchObject({ verdict: 'NOT_REPLAYABLE', reason: 'ARTIFACT_ALTERED' });
    expect(altered.message).toContain(`The file stored as ${digest} in ${location} was altered`);
    await writeFile(path, bytes);
    expect(await replayOf(highlight.requestId)).toMatchObject({ verdict: 'EXACT' });
  });
});

describe('replay of a cohort on the demo data', () => {
  interface Summary {
    readonly attempted: number;
    readonly replayed: number;
    readonly exact: number;
    readonly obstacles: readonly Json[];
    readonly flipCount: number | null;
    readonly outcomesKnown: number;
    readonly accuracyBefore: number | null;
    readonly accuracyAfter: number | null;
    readonly meanShift: number | null;
    readonly flips: {
      readonly nodes: readonly { before: number; after: number; prediction: Json }[];
    } | null;
  }
  const cohort = async (variables: Json = {}) =>
    (
      await run<{ replayCohort: { isTruncated: boolean; summary: Summary } }>(
        'replay-cohort',
        variables,
      )
    ).replayCohort;
  const { filter } = variablesOf('replay-cohort') as {
    filter: { occurredAt: { from: string; to: string } };
  };
  const wrong = predictionsBetween(filter.occurredAt.from, filter.occurredAt.to);

  it('gives every logged score to the bit, run through the version that answered', async () => {
    const { isTruncated, summary } = await cohort({ with: null });
    expect(wrong.length).toBeGreaterThan(1000);
    expect(isTruncated).toBe(false);
    expect(summary).toMatchObject({
      attempted: wrong.length,
      replayed: wrong.length,
      exact: wrong.length,
      obstacles: [],
      flipCount: 0,
      meanShift: 0,
    });
  });

  it('shows that the version rolled back from would have been right more often', async () => {
    const { summary } = await cohort();
    const observed = new Map(outcomes.map((line) => [line.requestId, line.label]));
    const known = wrong.filter(({ requestId }) => observed.has(requestId));
    const right = known.filter(({ requestId, label }) => observed.get(requestId) === label).length;
    expect(summary.attempted).toBe(wrong.length);
    expect(summary.outcomesKnown).toBe(known.length);
    expect(summary.accuracyBefore).toBe(right / known.length);
    // The files of the example state these of all flights of that time; the sample is near to them.
    const { answers } = JSON.parse(await readFile(`${EXAMPLE}story-figures.json`, 'utf8')) as {
      answers: Record<string, { accuracy: number }>;
    };
    expect(summary.accuracyBefore).toBeCloseTo(
      answers['served: 1.0.0 on features of schema 1.1.0']?.accuracy ?? 0,
      1,
    );
    expect(summary.accuracyAfter).toBeCloseTo(
      answers['1.1.0 on features of schema 1.1.0']?.accuracy ?? 0,
      1,
    );
    for (const { before, after, prediction } of summary.flips?.nodes ?? []) {
      expect(before > 0.25).not.toBe(after > 0.25);
      const single = await replayOf(
        prediction.requestId,
        '(with: { release: { model: "flight-delay", semver: "1.1.0" } })',
      );
      expect(single.score).toEqual({ logged: String(before), replayed: String(after) });
    }
  });

  it('counts no flips without a decision, says when it stopped, and what could not be run', async () => {
    const few = await cohort({ limit: 7, decision: null });
    expect(few).toMatchObject({
      isTruncated: true,
      summary: { attempted: 7, flipCount: null, flips: null, accuracyBefore: null },
    });
    const later = { occurredAt: { from: '2001-05-01T00:00:00Z', to: '2001-05-03T00:00:00Z' } };
    const { summary } = await cohort({
      filter: later,
      with: { release: { model: 'flight-delay', semver: '1.0.0' } },
    });
    const count = predictionsBetween(later.occurredAt.from, later.occurredAt.to).length;
    expect(summary).toMatchObject({
      attempted: count,
      replayed: 0,
      obstacles: [{ reason: 'SCHEMA_UNSATISFIED', count }],
      meanShift: null,
    });
  });
});
