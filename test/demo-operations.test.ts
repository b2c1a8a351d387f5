import { describe, expect, it } from 'vitest';
import {
  changedFeatures,
  fieldsOf,
  history,
  type Json,
  old,
  openDemo,
  operationNames,
  outcomes,
  predictions,
  recent,
  variablesOf,
} from './setup/example.ts';

// What is expected is worked out here from the files of the example, not copied from what the program answered.

const { run } = await openDemo();

const { requestId } = variablesOf('request').by as Json;
const raw = predictions.find((line) => line.requestId === requestId) ?? {};
const outcome = outcomes.find((line) => line.requestId === requestId) ?? {};

/** Deployments in force at an instant, by the order of the story: a later one ends those it replaces. */
const inForce = (at: string): Json[] => {
  const { deployments } = history as { deployments: Json[] };
  const begun = deployments.filter(({ startedAt }) => String(startedAt) <= at);
  const ended = new Set(begun.flatMap(({ replaces }): unknown[] => [replaces ?? []].flat()));
  return begun.filter(({ id }) => !ended.has(id));
};

describe('on the demo data', () => {
  it('every operation is answered without an error', async () => {
    for (const name of operationNames) await expect(run(name)).resolves.toBeDefined();
  });

  it('trace finds the schema of the pipeline contradicting that of the version, and nothing else', async () => {
    const { trace } = await run<{ trace: Json }>('trace');
    expect(trace).toMatchObject({
      verdict: 'INCONSISTENT',
      stageAtPrediction: 'PRODUCTION',
      gaps: [],
      deployment: { role: 'PRIMARY', endReason: 'SUPERSEDED' },
      modelVersion: { displayName: 'flight-delay@1.0.0' },
      featureSchema: { semver: (raw.featureSchema as Json).semver },
      prediction: {
        requestId,
        entityKey: raw.entityKey,
        score: raw.score,
        label: raw.label,
        output: raw.output,
        outcome: { label: outcome.label, value: outcome.value },
      },
    });
    const findings = trace.findings as { code: string; message: string }[];
    expect(findings.map(({ code }) => code)).toEqual(['FEATURE_SCHEMA_MISMATCH']);
    expect(changedFeatures.length).toBeGreaterThan(1);
    for (const name of changedFeatures) expect(findings[0]?.message).toContain(`${name} (`);
  });

  it('values shows every feature that was logged, exactly', async () => {
    const { predictionLog } = await run<{ predictionLog: { features: Json[] } }>('values');
    const logged = raw.features as Record<string, unknown>;
    expect(predictionLog.features.map(({ name }) => name)).toEqual(
      fieldsOf(recent).map(({ name }) => name),
    );
    for (const { name, text, observedAt } of predictionLog.features) {
      const sent = logged[String(name)];
      const isWrapped = typeof sent === 'object' && sent !== null && 'value' in sent;
      const { value, observedAt: written } = (isWrapped ? sent : { value: sent }) as Json;
      const expected = Array.isArray(value) ? `[${value.join(', ')}]` : value;
      expect([name, text]).toEqual([name, expected === null ? null : String(expected)]);
      const instant = written === undefined ? null : Date.parse(String(written));
      expect(observedAt === null ? null : Date.parse(String(observedAt))).toBe(instant);
    }
  });

  it('request tells what happened: the answer, and then the truth', async () => {
    const { request } = await run<{ request: { events: Json[] } }>('request');
    expect(request).toMatchObject({ isTruncated: false, gaps: [] });
    expect(request.events).toMatchObject([
      {
        kind: 'PREDICTION',
        at: raw.occurredAt,
        answerKinds: [],
        attempt: 1,
        prediction: {
          requestId,
          modelVersion: { displayName: 'flight-delay@1.0.0' },
          score: raw.score,
          trace: { verdict: 'INCONSISTENT' },
        },
      },
      {
        kind: 'OUTCOME',
        at: new Date(String(outcome.observedAt)).toISOString(),
        answerKinds: [],
        attempt: null,
        outcome: { label: outcome.label, value: outcome.value },
      },
    ]);
  });

  it('served-at shows what the story put there, and what it replaced', async () => {
    const { servedAt } = await run<{ servedAt: { at: string; deployments: Json[] } }>('served-at');
    const expected = inForce(servedAt.at);
    expect(expected).toHaveLength(1);
    expect(servedAt.deployments).toMatchObject(
      expected.map(({ role, trafficShare, startedAt, reason }) => ({
        role,
        trafficShare,
        startedAt: new Date(String(startedAt)).toISOString(),
        reason,
        modelVersion: { displayName: 'flight-delay@1.0.0' },
        predecessor: {
          endReason: 'ROLLED_BACK',
          modelVersion: { displayName: 'flight-delay@1.1.0' },
        },
      })),
    );
  });

  it('made-of lists what the registration said, intact', async () => {
    const { modelVersion, usesPackage } = await run<{ modelVersion: Json; usesPackage: Json }>(
      'made-of',
    );
    const purls = (version: Json) =>
      (version.environment as { definition: { packages: string[] } }).definition.packages;
    const { package: name, packageVersions } = variablesOf('made-of') as {
      package: string;
      packageVersions: string[];
    };
    expect(usesPackage.nodes).toEqual(
      [recent, old]
        .filter((version) => purls(version).includes(`${name}@${packageVersions[0]}`))
        .map(({ semver }) => ({ displayName: `flight-delay@${semver}` })),
    );
    const { definition: commit } = old.commit as { definition: Json };
    expect(modelVersion).toMatchObject({
      displayName: 'flight-delay@1.0.0',
      integrity: { isIntact: true, computedDigest: modelVersion.digest, brokenReferences: [] },
      commit: { repository: commit.repository, oid: commit.oid, isDirty: false },
      hyperparameters: old.hyperparameters,
      artifacts: (old.artifacts as Json[]).map(({ role, artifact }) => {
        const { digest, sizeBytes } = (artifact as { definition: Json }).definition;
        return { role, artifact: { digest, sizeBytes } };
      }),
    });
    expect((modelVersion.featureSchema as { fields: unknown[] }).fields).toHaveLength(
      fieldsOf(old).length,
    );
  });

  it('search finds exactly the late flights that were promised to be on time', async () => {
    const { predictionLogs: found } = await run<{
      predictionLogs: { count: Json; pageInfo: Json; nodes: Json[] };
    }>('search');
    const observed = new Map(outcomes.map((line) => [line.requestId, line.label]));
    const distanceOf = ({ features }: Json) => Number((features as Json).distance);
    const expected = predictions
      .filter(
        (line) =>
          String(line.occurredAt) >= '2001-04-03' &&
          String(line.occurredAt) < '2001-04-05' &&
          (line.modelVersion as Json).semver === '1.0.0' &&
          distanceOf(line) > 1500 &&
          line.label === 'ON_TIME' &&
          observed.get(line.requestId) === 'LATE',
      )
      .sort((a, b) => Date.parse(String(b.occurredAt)) - Date.parse(String(a.occurredAt)));
    expect(expected.length).toBeGreaterThan(20);
    expect(found.count).toEqual({ value: expected.length, isExact: true });
    expect(found.pageInfo).toMatchObject({ hasNextPage: true });
    expect(found.nodes).toMatchObject(
      expected.slice(0, 20).map((line) => ({
        requestId: line.requestId,
        score: line.score,
        label: 'ON_TIME',
        features: [{ name: 'distance', text: String(distanceOf(line)) }],
        outcome: { label: 'LATE' },
      })),
    );
  });
});
