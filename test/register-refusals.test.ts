import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { oidOf, register, registrationOf, rowCounts, sha256 } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { database } = hindcast;

/** Registers what must be refused, and shows that nothing is written. */
const refusalOf = async (input: object) => {
  const before = await rowCounts(database);
  const outcome = await register(hindcast, input);
  expect(await rowCounts(database)).toEqual(before);
  return outcome;
};

const refused = async (input: object, issues: readonly (readonly [string, string])[]) => {
  const list = issues.map(([path, message]) => ({ path: ['input', ...path.split('.')], message }));
  expect(await refusalOf(input)).toEqual({
    __typename: 'InvalidInputError',
    message: list[0]?.message,
    path: list[0]?.path,
    issues: list,
  });
};

describe('another content for a version on record', () => {
  it('is refused with both digests and every difference, and nothing of it is kept', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    const { modelVersion } = await register(hindcast, input);
    const commit = { definition: { ...input.commit.definition, oid: oidOf('another') } };
    const other = {
      ...input,
      commit,
      datasets: [],
      hyperparameters: { depth: 7, 'a/b~c': true },
    };
    const conflict = await refusalOf(other);
    const otherCommit = sha256(
      `{"isDirty":false,"oid":"${oidOf('another')}","repository":"${input.commit.definition.repository}"}`,
    );
    const [dataset] = modelVersion?.datasets ?? [];
    const submitted = sha256(
      `{"artifacts":[{"digest":"${sha256(`${model} weights`)}","role":"WEIGHTS"}],"commit":"${otherCommit}","datasets":[],"environment":"${modelVersion?.environment.digest}","featureSchema":"${modelVersion?.featureSchema.digest}","hyperparameters":{"a/b~c":true,"depth":7},"model":"${model}","parent":null,"semver":"1.0.0"}`,
    );
    expect(conflict).toEqual({
      __typename: 'VersionConflictError',
      message: `${model}@1.0.0 is on record as ${modelVersion?.digest}; what was submitted is ${submitted}. They differ in /commit, /datasets/0, /hyperparameters/depth, /hyperparameters/a~1b~0c. Give the changed version another semantic version.`,
      path: ['input', 'semver'],
      existing: { displayName: `${model}@1.0.0` },
      existingDigest: modelVersion?.digest,
      submittedDigest: submitted,
      differences: [
        {
          kind: 'CHANGED',
          pointer: '/commit',
          before: modelVersion?.commit.digest,
          after: otherCommit,
        },
        {
          kind: 'REMOVED',
          pointer: '/datasets/0',
          before: { role: 'TRAINING', digest: dataset?.snapshot.digest },
          after: null,
        },
        { kind: 'CHANGED', pointer: '/hyperparameters/depth', before: 6, after: 7 },
        { kind: 'ADDED', pointer: '/hyperparameters/a~1b~0c', before: null, after: true },
      ],
    });
  });

  it('names a few of many differences', async () => {
    const model = unique('flight-delay');
    await register(hindcast, registrationOf(model));
    const many = Object.fromEntries(
      Array.from({ length: 150 }, (_, index) => [`p${index}`, index]),
    );
    const outcome = await refusalOf({ ...registrationOf(model), hyperparameters: many });
    expect(outcome.message).toMatch(
      / They differ in \/hyperparameters\/depth, \/hyperparameters\/p0, .* and 146 more places\. Give/,
    );
    expect(outcome.differences).toHaveLength(100);
  });

  it('is refused too when the schema it brings claims a taken name', async () => {
    const model = unique('flight-delay');
    const input = registrationOf(model);
    const { modelVersion } = await register(hindcast, input);
    const [, origin] = input.featureSchema.definition.fields;
    const definition = { ...input.featureSchema.definition, fields: [origin] };
    const outcome = await refusalOf({ ...input, semver: '1.1.0', featureSchema: { definition } });
    expect(outcome).toMatchObject({
      __typename: 'EvidenceConflictError',
      message: `Feature schema ${model}-features 1.0.0 is on record with other content. Give the changed schema another version.`,
      path: ['input', 'featureSchema', 'definition', 'semver'],
      existingDigest: modelVersion?.featureSchema.digest,
    });
  });
});

describe('another digest than expected', () => {
  it('is refused with the canonical manifest, which hashes to the actual digest', async () => {
    const expectedDigest = sha256('something else');
    const input = { ...registrationOf(unique('flight-delay')), expectedDigest };
    const outcome = await refusalOf(input);
    const { canonicalManifest, actual } = outcome;
    if (typeof canonicalManifest !== 'string') throw new Error('There is no manifest.');
    expect(outcome).toEqual({
      __typename: 'DigestMismatchError',
      message: `The manifest's digest is ${actual}, not the expected ${expectedDigest}. Compare \`canonicalManifest\` with yours.`,
      path: ['input', 'expectedDigest'],
      expected: expectedDigest,
      actual: sha256(canonicalManifest),
      canonicalManifest,
    });
    const registered = await register(hindcast, { ...input, expectedDigest: actual });
    expect(registered).toMatchObject({ isNew: true, modelVersion: { digest: actual } });
  });
});

describe('a reference to what is not on record', () => {
  const unknown = sha256('unknown');
  const base = registrationOf('unregistered');
  const nothing = `Nothing of this kind is on record as ${unknown}; record it first, or give it in full.`;

  it.each([
    ['commit', { commit: { digest: unknown } }, nothing, 'commit.digest'],
    ['schema', { featureSchema: { digest: unknown } }, nothing, 'featureSchema.digest'],
    ['environment', { environment: { digest: unknown } }, nothing, 'environment.digest'],
    [
      'dataset',
      { datasets: [...base.datasets, { role: 'TEST', snapshot: { digest: unknown } }] },
      nothing,
      'datasets.1.snapshot.digest',
    ],
    [
      'artifact',
      { artifacts: [{ role: 'OTHER', artifact: { digest: unknown } }] },
      nothing,
      'artifacts.0.artifact.digest',
    ],
    [
      "metric's dataset",
      { metrics: [{ name: 'auc', value: 1, dataset: unknown }] },
      `No dataset snapshot ${unknown} is on record; record it first.`,
      'metrics.0.dataset',
    ],
    [
      'parent',
      { parent: { digest: unknown } },
      'The parent is not on record; register it first.',
      'parent',
    ],
    [
      'parent that no text names',
      { parent: { release: { model: 'a\0', semver: '1.0.0' } } },
      'The parent is not on record; register it first.',
      'parent',
    ],
  ])('is refused: %s', async (_, change, message, path) => {
    expect(await refusalOf({ ...base, ...change })).toEqual({
      __typename: 'NotFoundError',
      message,
      path: ['input', ...path.split('.')],
    });
  });

  it('takes an object of another kind for none', async () => {
    const input = registrationOf(unique('flight-delay'));
    const { modelVersion } = await register(hindcast, input);
    const outcome = await refusalOf({
      ...input,
      environment: { digest: modelVersion?.commit.digest },
    });
    expect(outcome).toMatchObject({
      __typename: 'NotFoundError',
      path: ['input', 'environment', 'digest'],
    });
  });
});

describe('an input that breaks rules', () => {
  const base = registrationOf('refused');

  it('is refused with everything that is wrong, wherever it is', async () => {
    const commit = { definition: { ...base.commit.definition, author: 'x'.repeat(501) } };
    const fields = [{ name: 'a', type: 'BOOL', default: 1 }];
    const featureSchema = { definition: { ...base.featureSchema.definition, fields } };
    const environment = { definition: { ...base.environment.definition, packages: ['numpy'] } };
    const [dataset] = base.datasets;
    const [artifact] = base.artifacts;
    const input = {
      ...base,
      model: 'refused@1',
      description: 'x'.repeat(2001),
      commit,
      featureSchema,
      environment,
      datasets: [
        {
          role: 'TEST',
          snapshot: { definition: { ...dataset?.snapshot.definition, rowCount: -1 } },
        },
      ],
      artifacts: [
        {
          role: 'OTHER',
          artifact: { definition: { ...artifact?.artifact.definition, sizeBytes: -1 } },
        },
      ],
      metrics: [{ name: '', value: 1 }],
      hyperparameters: [],
    };
    await refused(input, [
      ['model', 'model is "refused@1": "@" separates a model from its version; take it out.'],
      ['description', 'description has 2001 characters; give at most 2000.'],
      ['commit.definition.author', 'author has 501 characters; give at most 500.'],
      [
        'featureSchema.definition.fields.0.default',
        'The default 1 is not a BOOL; give true or false.',
      ],
      [
        'environment.definition.packages.0',
        '"numpy" is not a package URL with a version, such as pkg:pypi/numpy@2.1.0, of at most 1000 characters.',
      ],
      ['datasets.0.snapshot.definition.rowCount', 'rowCount is -1; give 0 or more.'],
      ['artifacts.0.artifact.definition.sizeBytes', 'sizeBytes is -1; give 0 or more.'],
      ['metrics.0.name', 'name is "": give 1 to 200 characters without white space around them.'],
      ['hyperparameters', 'hyperparameters must be a JSON object of name to value.'],
    ]);
  });

  it('is refused beyond the limits of its lists', async () => {
    const digest = sha256('x');
    const input = {
      ...base,
      datasets: Array(101).fill({ role: 'TEST', snapshot: { digest } }),
      artifacts: Array(1001).fill({ role: 'OTHER', artifact: { digest } }),
      metrics: Array(1001).fill({ name: 'auc', value: 1 }),
    };
    await refused(input, [
      ['datasets', '101 datasets were given; give at most 100.'],
      ['artifacts', '1001 artifacts were given; give at most 1000.'],
      ['metrics', '1001 metrics were given; give at most 1000.'],
    ]);
  });

  it('is refused for hyperparameters that canonical JSON cannot hold', async () => {
    const canonical = 'hyperparameters has no canonical form. At $.seed';
    await refused({ ...base, hyperparameters: { seed: 2n ** 53n } }, [
      [
        'hyperparameters',
        `${canonical}: 9007199254740992 is an integer beyond ±(2^53 − 1); write it as a string.`,
      ],
    ]);
    await refused({ ...base, hyperparameters: { seed: '\ud800' } }, [
      [
        'hyperparameters',
        `${canonical}: "\\ud800" holds half a surrogate pair, which is not Unicode.`,
      ],
    ]);
  });

  it('is refused for a registration in the future', async () => {
    await refused({ ...base, registeredAt: '2200-01-01T00:00:00Z' }, [
      [
        'registeredAt',
        'registeredAt is 2200-01-01T00:00:00.000Z, more than 5 minutes ahead; register a version when it exists.',
      ],
    ]);
  });

  it.each([
    ['neither', {}],
    ['both', { digest: sha256('x'), definition: base.commit.definition }],
    ['null', { digest: null }],
  ])('is no request with %s of a digest and a definition', async (_, commit) => {
    const { errors } = await hindcast.respond(
      'mutation ($input: RegisterModelVersionInput!) { registerModelVersion(input: $input) { __typename } }',
      { input: { ...base, commit } },
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toMatch(/^Variable "\$input" got invalid value .*input\.commit/);
  });
});

describe('hyperparameters', () => {
  it('keep every name and text that JSON can hold, in canonical form', async () => {
    const hyperparameters: unknown = JSON.parse(
      '{"rate":1e-7,"__proto__":{"a":1},"constructor":null,"":"\\u0000 é \\ud83d\\ude00","large":1e300}',
    );
    const model = unique('flight-delay');
    await register(hindcast, { ...registrationOf(model), hyperparameters });
    const rows = await database.query({
      text: 'SELECT hyperparameters FROM model_version JOIN model m ON m.id = model_id WHERE m.name = $1',
      values: [model],
    });
    expect(rows).toEqual([
      {
        hyperparameters:
          '{"":"\\u0000 é 😀","__proto__":{"a":1},"constructor":null,"large":1e+300,"rate":1e-7}',
      },
    ]);
  });
});
