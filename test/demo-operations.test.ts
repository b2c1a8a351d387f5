import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EXAMPLE } from '../src/cli/demo.ts';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { readOperations } from '../src/server/operations.ts';
import { loadDemo } from './setup/demo.ts';
import { openTestHindcast } from './setup/hindcast.ts';

// What is expected is worked out here from the files of the example, not copied from what the program answered.

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
await loadDemo(hindcast);

const operations = new Map((await readOperations()).map((one) => [one.name, one]));

const run = async <Data>(name: string): Promise<Data> => {
  const operation = operations.get(name);
  if (operation === undefined) throw new Error(`operations/${name}.graphql is missing`);
  return hindcast.ask<Data>(operation.query, JSON.parse(operation.variables ?? '{}'));
};

type Json = Record<string, unknown>;

const lines = async (file: string): Promise<Json[]> =>
  gunzipSync(await readFile(`${EXAMPLE}${file}`))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);

const json = async (file: string): Promise<Json> =>
  JSON.parse(await readFile(`${EXAMPLE}${file}`, 'utf8')) as Json;

const predictions = await lines('predictions.ndjson.gz');
const outcomes = await lines('outcomes.ndjson.gz');
const { requestId } = (JSON.parse(operations.get('request')?.variables ?? '{}') as { by: Json }).by;
const raw = predictions.find((line) => line.requestId === requestId) ?? {};
const outcome = outcomes.find((line) => line.requestId === requestId) ?? {};

interface Field {
  readonly name: string;
  readonly transformations: readonly { readonly parameters: Json }[];
}

const fieldsOf = (version: Json): readonly Field[] =>
  (version.featureSchema as { definition: { fields: Field[] } }).definition.fields;

const [old, recent] = [
  await json('versions/flight-delay-1.0.0.json'),
  await json('versions/flight-delay-1.1.0.json'),
];

/** Features whose parameters differ between the two schemas. */
const changed = fieldsOf(old)
  .filter(({ name, transformations }) => {
    const other = fieldsOf(recent).find((field) => field.name === name);
    const parameters = (steps: Field['transformations']) =>
      JSON.stringify(steps.map((step) => Object.entries(step.parameters).sort()));
    return parameters(transformations) !== parameters(other?.transformations ?? []);
  })
  .map(({ name }) => name);

/** Deployments in force at an instant, by the order of the story: a later one ends those it replaces. */
const inForce = async (at: string): Promise<Json[]> => {
  const { deployments } = (await json('history.json')) as { deployments: Json[] };
  const begun = deployments.filter(({ startedAt }) => String(startedAt) <= at);
  const ended = new Set(begun.flatMap(({ replaces }): unknown[] => [replaces ?? []].flat()));
  return begun.filter(({ id }) => !ended.has(id));
};

describe('on the demo data', () => {
  it('every operation is answered without an error', async () => {
    for (const name of operations.keys()) await expect(run(name)).resolves.toBeDefined();
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
    expect(changed.length).toBeGreaterThan(1);
    for (const name of changed) expect(findings[0]?.message).toContain(`${name} (`);
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

  it('request finds the one prediction of the request, with its outcome', async () => {
    const { request } = await run<{ request: Json }>('request');
    expect(request).toMatchObject({
      isTruncated: false,
      gaps: [],
      predictions: [
        {
          requestId,
          modelVersion: { displayName: 'flight-delay@1.0.0' },
          score: raw.score,
          outcome: { label: outcome.label, value: outcome.value },
          conflicts: [],
        },
      ],
    });
  });

  it('served-at shows what the story put there, and what it replaced', async () => {
    const { servedAt } = await run<{ servedAt: { at: string; deployments: Json[] } }>('served-at');
    const expected = await inForce(servedAt.at);
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
    const { modelVersion } = await run<{ modelVersion: Json }>('made-of');
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
