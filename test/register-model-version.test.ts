import { describe, expect, it } from 'vitest';
import { onRecorded } from '../src/platform/events.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { oidOf, record, register, registrationOf, rowCounts, sha256 } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { ask, database } = hindcast;

const announced: string[] = [];
onRecorded(async (_, keys) => {
  announced.push(...keys);
});

const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

const METRICS = 'metrics { name value dataset { digest } }';

describe('registerModelVersion', () => {
  it('addresses a version by its manifest of digests', async () => {
    const model = unique('flight-delay');
    const input = { ...registrationOf(model), description: 'Late arrivals.' };
    const { modelVersion, ...outcome } = await register(
      hindcast,
      input,
      'semver displayName recipeDigest manifest hyperparameters recordedBy parent { digest } model { name description }',
    );
    const commit = sha256(
      `{"isDirty":false,"oid":"${oidOf(model)}","repository":"https://github.com/acme/${model}"}`,
    );
    expect(modelVersion?.commit.digest).toBe(commit);
    const [dataset] = modelVersion?.datasets ?? [];
    const recipe = [
      `"artifacts":[{"digest":"${sha256(`${model} weights`)}","role":"WEIGHTS"}],"commit":"${commit}",`,
      `"datasets":[{"digest":"${dataset?.snapshot.digest}","role":"TRAINING"}],`,
      `"environment":"${modelVersion?.environment.digest}","featureSchema":"${modelVersion?.featureSchema.digest}",`,
      '"hyperparameters":{"depth":6}',
    ].join('');
    const manifest = `{${recipe},"model":"${model}","parent":null,"semver":"1.0.0"}`;
    expect(outcome).toEqual({ __typename: 'RegisterModelVersionPayload', isNew: true });
    expect(modelVersion).toEqual({
      ...modelVersion,
      digest: sha256(manifest),
      recipeDigest: sha256(`{${recipe},"parent":null}`),
      manifest: JSON.parse(manifest),
      semver: '1.0.0',
      displayName: `${model}@1.0.0`,
      hyperparameters: { depth: 6 },
      recordedBy: 'tester',
      parent: null,
      model: { name: model, description: 'Late arrivals.' },
    });
  });

  it('returns the version on record for the same content, in full or by digest, in any order', async () => {
    const model = unique('flight-delay');
    const extra = {
      role: 'REPORT',
      artifact: {
        definition: {
          digest: sha256(`${model} report`),
          location: 's3://reports/1',
          mediaType: 'text/html',
          sizeBytes: 1,
        },
      },
    };
    const base = registrationOf(model);
    const input = { ...base, artifacts: [...base.artifacts, extra] };
    const { modelVersion } = await register(hindcast, input);
    const before = await rowCounts(database);
    const byDigest = {
      ...input,
      commit: { digest: modelVersion?.commit.digest },
      featureSchema: { digest: modelVersion?.featureSchema.digest },
      environment: { digest: modelVersion?.environment.digest },
      datasets: modelVersion?.datasets.map(({ role, snapshot: { digest } }) => ({
        role,
        snapshot: { digest },
      })),
      artifacts: modelVersion?.artifacts
        .map(({ role, artifact: { digest } }) => ({ role, artifact: { digest } }))
        .reverse(),
      expectedDigest: modelVersion?.digest,
    };
    const repeated = { ...input, artifacts: [extra, ...input.artifacts], description: 'Other.' };
    for (const again of [input, byDigest, repeated]) {
      expect(await register(hindcast, again)).toEqual({
        __typename: 'RegisterModelVersionPayload',
        isNew: false,
        modelVersion,
      });
    }
    expect(await rowCounts(database)).toEqual(before);
  });

  it('writes one row of everything, and the first fact of the lifecycle', async () => {
    const model = unique('flight-delay');
    const before = await rowCounts(database);
    const input = { ...registrationOf(model), registeredAt: '2001-02-01T00:00:00.123456Z' };
    await register(hindcast, input);
    const after = await rowCounts(database);
    const written = Object.entries(after).map(([table, rows]) => [
      table,
      rows - Number(before[table]),
    ]);
    expect(Object.fromEntries(written)).toEqual({
      code_commit: 1,
      feature_schema: 1,
      feature_field: 2,
      feature_transformation: 0,
      dataset_snapshot: 1,
      dataset_derivation: 0,
      feature_statistics: 0,
      runtime_environment: 1,
      runtime_package: 1,
      artifact: 1,
      evidence_location: 2,
      model: 1,
      model_version: 1,
      dataset_use: 1,
      artifact_use: 1,
      metric: 0,
      lifecycle_transition: 1,
    });
    const facts = await database.query<{ recorded_at: number }>({
      text: `SELECT sequence, from_stage::text, to_stage::text, actor, occurred_at, t.previous_digest
               FROM lifecycle_transition t JOIN model_version v ON v.id = t.model_version_id
               JOIN model m ON m.id = v.model_id WHERE m.name = $1`,
      values: [model],
    });
    expect(facts).toEqual([
      {
        sequence: 1,
        from_stage: null,
        to_stage: 'REGISTERED',
        actor: 'tester',
        occurred_at: Date.UTC(2001, 1, 1, 0, 0, 0, 123) * 1000,
        previous_digest: null,
      },
    ]);
  });

  it('knows the version that another was fine-tuned from, and the same recipe under another name', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    const first = await register(hindcast, input, 'recipeDigest');
    const renamed = await register(hindcast, { ...input, semver: '1.0.1' }, 'recipeDigest');
    const parent = { release: { model, semver: '1.0.0' } };
    const tuned = { ...input, semver: '2.0.0', parent };
    const child = await register(hindcast, tuned, 'recipeDigest parent { digest }');
    expect(renamed.modelVersion?.recipeDigest).toBe(first.modelVersion?.recipeDigest);
    expect(renamed.modelVersion?.digest).not.toBe(first.modelVersion?.digest);
    expect(child.modelVersion?.recipeDigest).not.toBe(first.modelVersion?.recipeDigest);
    expect(child.modelVersion?.parent).toEqual({ digest: first.modelVersion?.digest });
  });

  it('adds each metric once, exactly, in the order given', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    const first = { name: 'auc', value: 0.1 + 0.2 };
    const tiny = { name: 'loss', value: 5e-324 };
    const large = { name: 'loss', value: 2.2680035250031883e170 };
    const largest = { name: 'loss', value: Number.MAX_VALUE };
    const { modelVersion } = await register(hindcast, { ...input, metrics: [first, first] });
    const dataset = modelVersion?.datasets[0]?.snapshot.digest;
    const onData = { ...first, dataset };
    const again = await register(
      hindcast,
      { ...input, metrics: [tiny, first, onData, large, largest] },
      METRICS,
    );
    const expected = [
      { ...first, dataset: null },
      { ...tiny, dataset: null },
      { ...first, dataset: { digest: dataset } },
      { ...large, dataset: null },
      { ...largest, dataset: null },
    ];
    expect(again).toMatchObject({ isNew: false, modelVersion: { metrics: expected } });
    expect(again.modelVersion?.digest).toBe(modelVersion?.digest);
    const { modelVersion: seen } = await ask<{ modelVersion: unknown }>(
      `query ($model: String!) { modelVersion(by: { release: { model: $model, semver: "1.0.0" } }) { ${METRICS} } }`,
      { model },
    );
    expect(seen).toEqual({ metrics: expected });
  });

  it('announces version and schema, also when they are on record already', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    const { modelVersion } = await register(hindcast, input);
    const keys = [
      `featureSchema:digest:${modelVersion?.featureSchema.digest}`,
      `featureSchema:release:${model}-features@1.0.0`,
      `modelVersion:digest:${modelVersion?.digest}`,
      `modelVersion:release:${model}@1.0.0`,
    ];
    expect(announced.splice(0).slice(-4)).toEqual(keys);
    await register(hindcast, input);
    expect(announced.splice(0)).toEqual(keys);
    const other = { ...input, hyperparameters: { depth: 7 } };
    expect((await register(hindcast, other)).__typename).toBe('VersionConflictError');
    expect(announced).toEqual([]);
  });
});

describe('several at once', () => {
  it('registers the same version once', async () => {
    const model = unique('flight-delay');
    const before = await rowCounts(database);
    const input = { ...registrationOf(model), metrics: [{ name: 'auc', value: 0.9 }] };
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => register(hindcast, input)));
    expect(outcomes.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(outcomes.map(({ modelVersion }) => modelVersion?.digest)).size).toBe(1);
    const after = await rowCounts(database);
    for (const table of ['code_commit', 'feature_schema', 'model', 'model_version', 'metric']) {
      expect([table, after[table]]).toEqual([table, Number(before[table]) + 1]);
    }
    expect(after.lifecycle_transition).toBe(Number(before.lifecycle_transition) + 1);
  });

  it('gives a version to one of the contents that claim it', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, depth) =>
        register(hindcast, { ...input, hyperparameters: { depth } }),
      ),
    );
    const [winner, ...others] = outcomes.filter(({ isNew }) => isNew);
    expect(others).toEqual([]);
    const losers = outcomes.filter(({ __typename }) => __typename === 'VersionConflictError');
    expect(losers).toHaveLength(7);
    for (const { existingDigest } of losers) {
      expect(existingDigest).toBe(winner?.modelVersion?.digest);
    }
  });

  it('adds new metrics of the same version once', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    await register(hindcast, input);
    const before = await rowCounts(database);
    const measured = { ...input, metrics: [{ name: 'auc', value: 0.9 }] };
    await Promise.all(Array.from({ length: 6 }, () => register(hindcast, measured)));
    expect(await rowCounts(database)).toEqual({ ...before, metric: Number(before.metric) + 1 });
  });

  it('records evidence that versions share in opposite orders', async () => {
    const names = Array.from({ length: 6 }, () => unique('shared'));
    const definitions = names.flatMap((name) => registrationOf(name).datasets);
    const outcomes = await Promise.all(
      names.map((name, index) =>
        register(hindcast, {
          ...registrationOf(name),
          datasets: index % 2 === 0 ? definitions : definitions.toReversed(),
        }),
      ),
    );
    expect(outcomes.map(({ isNew }) => isNew)).toEqual(names.map(() => true));
    const digests = outcomes.map(({ modelVersion }) =>
      modelVersion?.datasets.map(({ snapshot }) => snapshot.digest).sort(),
    );
    expect(new Set(digests.map((list) => JSON.stringify(list))).size).toBe(1);
  });
});

it('sends the statements of a transaction one after another', async () => {
  const model = unique('flight-delay');
  const [dataset] = registrationOf(model).datasets;
  const fields = Array.from({ length: 3000 }, (_, index) => ({ name: `f ${index}`, type: 'FP32' }));
  const wide = { definition: { name: unique('wide'), semver: '1.0.0', fields } };
  const first = await register(hindcast, { ...registrationOf(model), featureSchema: wide });
  const derivedFrom = first.modelVersion?.datasets.map(({ snapshot }) => snapshot.digest) ?? [];
  const snapshot = { ...dataset?.snapshot.definition, name: 'derived', derivedFrom };
  const recorded = await record(hindcast, 'recordDatasetSnapshot', snapshot);
  expect(recorded).toMatchObject({ isNew: true });
  const other = { ...registrationOf(model), hyperparameters: { depth: 7 } };
  expect((await register(hindcast, other)).__typename).toBe('VersionConflictError');
  // The driver warns once a process.
  expect(warnings.filter((message) => message.includes('client.query()'))).toEqual([]);
});
