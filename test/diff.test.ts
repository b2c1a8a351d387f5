import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { oidOf, type Registered, register, registrationOf, sha256 } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { ask, respond, statementsOf } = hindcast;

const model = unique('diffed');
const original = registrationOf(model);
const repository = `https://github.com/acme/${model}`;

const digestOf = ({ modelVersion, ...failure }: Registered): string => {
  if (modelVersion === undefined) throw new Error(JSON.stringify(failure));
  return modelVersion.digest;
};

const snapshotOf = (name: string, content: string) => ({
  definition: { name, contentDigest: sha256(content), location: `s3://data/${content}` },
});

const baseDigest = digestOf(
  await register(hindcast, {
    ...original,
    metrics: [
      { name: 'auc', value: 0.5 },
      { name: 'auc', value: 0.75 },
      { name: 'recall', value: 0.25 },
    ],
  }),
);

const headDigest = digestOf(
  await register(hindcast, {
    ...original,
    semver: '2.0.0',
    commit: { definition: { repository, oid: oidOf('second'), isDirty: true } },
    featureSchema: {
      definition: {
        name: `${model}-features`,
        semver: '2.0.0',
        fields: [
          {
            name: 'distance',
            type: 'FP32',
            transformations: [
              {
                function: 'scale',
                version: '2',
                inputs: ['km'],
                parameters: { by: 2, to: [0, 1] },
              },
            ],
          },
          { name: 'weekday', type: 'INT64' },
        ],
      },
    },
    datasets: [
      { role: 'TRAINING', snapshot: snapshotOf(`${model}-january`, 'January again') },
      { role: 'TEST', snapshot: snapshotOf(`${model}-february`, 'February') },
    ],
    environment: {
      definition: {
        runtime: 'cpython 3.13.0',
        platform: 'linux/amd64',
        accelerator: 'cuda 12.6',
        threads: 2,
        packages: [`pkg:pypi/${model}@2.0.0`, 'pkg:pypi/scipy@1.17.1'],
      },
    },
    artifacts: [
      {
        role: 'WEIGHTS',
        artifact: {
          definition: {
            digest: sha256(`${model} second weights`),
            location: 's3://models/second.onnx',
            mediaType: 'application/x-onnx',
            sizeBytes: 99,
          },
        },
      },
    ],
    hyperparameters: { depth: 8, layers: [1] },
    parent: { digest: baseDigest },
    metrics: [
      { name: 'auc', value: 1 },
      { name: 'brier', value: 0.125 },
    ],
  }),
);

const DIFF = `fragment Difference on ModelVersionDiff {
  base { displayName } head { displayName } isSameRecipe
  code { base { oid isDirty } head { oid isDirty } compareUrl }
  features {
    base { semver } head { semver } compatibility
    fields {
      kind name aspects severity before { type } after { type }
      transformations { kind pointer before after }
    }
  }
  datasets { kind role before { name } after { name } }
  environment { kind pointer before after }
  packages { kind name before after beforePurl afterPurl }
  artifacts { kind role before { sizeBytes } after { sizeBytes } }
  hyperparameters { kind pointer before after }
  parent { before { displayName } after { displayName } }
  metrics { name dataset { name } before after delta beforeValues afterValues }
}`;

const QUERY = `query ($base: ModelVersionReference!, $head: ModelVersionReference!) {
  modelVersionDiff(base: $base, head: $head) { ...Difference }
} ${DIFF}`;

const nothing = {
  isSameRecipe: true,
  code: null,
  features: { compatibility: 'IDENTICAL', fields: [] },
  datasets: [],
  environment: [],
  packages: [],
  artifacts: [],
  hyperparameters: [],
  parent: null,
};

const difference = {
  base: { displayName: `${model}@1.0.0` },
  head: { displayName: `${model}@2.0.0` },
  isSameRecipe: false,
  code: {
    base: { oid: oidOf(model), isDirty: false },
    head: { oid: oidOf('second'), isDirty: true },
    compareUrl: `${repository}/compare/${oidOf(model)}..${oidOf('second')}`,
  },
  features: {
    base: { semver: '1.0.0' },
    head: { semver: '2.0.0' },
    compatibility: 'INCOMPATIBLE',
    fields: [
      {
        kind: 'CHANGED',
        name: 'distance',
        aspects: ['TYPE', 'TRANSFORMATIONS', 'IMPLEMENTATION'],
        severity: 'ERROR',
        before: { type: 'FP64' },
        after: { type: 'FP32' },
        transformations: [
          {
            kind: 'ADDED',
            pointer: '/0',
            before: null,
            after: {
              function: 'scale',
              version: '2',
              inputs: ['km'],
              parameters: { by: 2, to: [0, 1] },
              commit: null,
            },
          },
        ],
      },
      {
        kind: 'REMOVED',
        name: 'origin',
        aspects: [],
        severity: 'WARNING',
        before: { type: 'STRING' },
        after: null,
        transformations: [],
      },
      {
        kind: 'ADDED',
        name: 'weekday',
        aspects: [],
        severity: 'ERROR',
        before: null,
        after: { type: 'INT64' },
        transformations: [],
      },
    ],
  },
  datasets: [
    { kind: 'ADDED', role: 'TEST', before: null, after: { name: `${model}-february` } },
    {
      kind: 'CHANGED',
      role: 'TRAINING',
      before: { name: `${model}-january` },
      after: { name: `${model}-january` },
    },
  ],
  environment: [
    { kind: 'CHANGED', pointer: '/runtime', before: 'cpython 3.12.4', after: 'cpython 3.13.0' },
    { kind: 'CHANGED', pointer: '/accelerator', before: null, after: 'cuda 12.6' },
    { kind: 'CHANGED', pointer: '/threads', before: null, after: 2 },
  ],
  packages: [
    {
      kind: 'CHANGED',
      name: `pkg:pypi/${model}`,
      before: '1.0.0',
      after: '2.0.0',
      beforePurl: `pkg:pypi/${model}@1.0.0`,
      afterPurl: `pkg:pypi/${model}@2.0.0`,
    },
    {
      kind: 'ADDED',
      name: 'pkg:pypi/scipy',
      before: null,
      after: '1.17.1',
      beforePurl: null,
      afterPurl: 'pkg:pypi/scipy@1.17.1',
    },
  ],
  artifacts: [
    { kind: 'CHANGED', role: 'WEIGHTS', before: { sizeBytes: 1234 }, after: { sizeBytes: 99 } },
  ],
  hyperparameters: [
    { kind: 'CHANGED', pointer: '/depth', before: 6, after: 8 },
    { kind: 'ADDED', pointer: '/layers', before: null, after: [1] },
  ],
  parent: { before: null, after: { displayName: `${model}@1.0.0` } },
  metrics: [
    {
      name: 'auc',
      dataset: null,
      before: 0.75,
      after: 1,
      delta: 0.25,
      beforeValues: [0.5, 0.75],
      afterValues: [1],
    },
    {
      name: 'recall',
      dataset: null,
      before: 0.25,
      after: null,
      delta: null,
      beforeValues: [0.25],
      afterValues: [],
    },
    {
      name: 'brier',
      dataset: null,
      before: null,
      after: 0.125,
      delta: null,
      beforeValues: [],
      afterValues: [0.125],
    },
  ],
};

describe('the difference of two versions', () => {
  it('names every part that changed, however the versions are named', async () => {
    const { modelVersionDiff } = await ask<{ modelVersionDiff: unknown }>(QUERY, {
      base: { digest: baseDigest },
      head: { release: { model, semver: '2.0.0' } },
    });
    expect(modelVersionDiff).toEqual(difference);
    const { modelVersion } = await ask<{ modelVersion: { diff: unknown } }>(
      `query ($by: ModelVersionReference!, $base: ModelVersionReference!) {
         modelVersion(by: $by) { diff(base: $base) { ...Difference } }
       } ${DIFF}`,
      { by: { digest: headDigest }, base: { release: { model, semver: '1.0.0' } } },
    );
    expect(modelVersion.diff).toEqual(difference);
  });

  it('of a version with itself is nothing but its metrics', async () => {
    const by = { digest: baseDigest };
    const { modelVersionDiff } = await ask<{ modelVersionDiff: unknown }>(QUERY, {
      base: by,
      head: by,
    });
    expect(modelVersionDiff).toMatchObject({
      ...nothing,
      metrics: [{ delta: 0 }, { delta: 0 }],
    });
  });

  it('of two names for one recipe shows only that', async () => {
    const renamed = unique('renamed');
    await register(hindcast, { ...original, model: renamed });
    const { modelVersionDiff } = await ask<{ modelVersionDiff: unknown }>(QUERY, {
      base: { digest: baseDigest },
      head: { release: { model: renamed, semver: '1.0.0' } },
    });
    expect(modelVersionDiff).toMatchObject({
      ...nothing,
      head: { displayName: `${renamed}@1.0.0` },
    });
  });

  it('takes a single statement once the versions are in memory: their metrics', async () => {
    const variables = { base: { digest: baseDigest }, head: { digest: headDigest } };
    await ask(QUERY, variables);
    const statements = await statementsOf(() => ask(QUERY, variables));
    expect(statements).toHaveLength(1);
    expect(statements[0]).toContain('metric');
  });

  it('refuses, naming each version that is not on record', async () => {
    const unknown = sha256('unknown');
    expect(
      await respond(QUERY, {
        base: { release: { model, semver: '9.0.0' } },
        head: { digest: unknown },
      }),
    ).toMatchObject({
      data: { modelVersionDiff: null },
      errors: [
        {
          message: `base: No model version ${model}@9.0.0 is on record; give the ID, digest or release of one that is.\nhead: No model version ${unknown} is on record; give the ID, digest or release of one that is.`,
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
    const { errors } = await respond(
      `query ($by: ModelVersionReference!, $base: ModelVersionReference!) {
         modelVersion(by: $by) { diff(base: $base) { isSameRecipe } }
       }`,
      { by: { digest: headDigest }, base: { digest: unknown } },
    );
    expect(errors).toMatchObject([
      {
        message: `base: No model version ${unknown} is on record; give the ID, digest or release of one that is.`,
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });
});

const SCHEMA_DIFF = `query ($by: ModelVersionReference!, $base: FeatureSchemaReference!) {
  modelVersion(by: $by) { featureSchema { diff(base: $base) {
    base { semver } head { semver } compatibility fields { kind name }
  } } }
}`;

describe('the difference of two feature schemas', () => {
  const by = { digest: headDigest };

  it('takes the base by release, and turns around with its sides', async () => {
    const base = { release: { name: `${model}-features`, semver: '1.0.0' } };
    const { modelVersion } = await ask<{ modelVersion: unknown }>(SCHEMA_DIFF, { by, base });
    expect(modelVersion).toEqual({
      featureSchema: {
        diff: {
          base: { semver: '1.0.0' },
          head: { semver: '2.0.0' },
          compatibility: 'INCOMPATIBLE',
          fields: [
            { kind: 'CHANGED', name: 'distance' },
            { kind: 'REMOVED', name: 'origin' },
            { kind: 'ADDED', name: 'weekday' },
          ],
        },
      },
    });
    const turned = await ask<{ modelVersion: unknown }>(SCHEMA_DIFF, {
      by: { digest: baseDigest },
      base: { release: { name: `${model}-features`, semver: '2.0.0' } },
    });
    expect(turned.modelVersion).toMatchObject({
      featureSchema: {
        diff: {
          fields: [
            { kind: 'CHANGED', name: 'distance' },
            { kind: 'REMOVED', name: 'weekday' },
            { kind: 'ADDED', name: 'origin' },
          ],
        },
      },
    });
  });

  it('refuses a base that is not on record', async () => {
    const { errors } = await respond(SCHEMA_DIFF, {
      by,
      base: { release: { name: 'nothing', semver: '1.0.0' } },
    });
    expect(errors).toMatchObject([
      {
        message:
          'base: No feature schema nothing@1.0.0 is on record; give the digest or release of one that is.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });
});
