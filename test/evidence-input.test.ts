import { describe, expect, it } from 'vitest';
import { openTestHindcast } from './setup/hindcast.ts';
import { oidOf, record, rowCounts, sha256 } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const empty = await rowCounts(hindcast.database);

type Mutation = Parameters<typeof record>[1];

/** Sends an input that breaks rules, and shows that each is named and nothing is written. */
const refused = async (
  mutation: Mutation,
  input: object,
  issues: readonly (readonly [path: string, message: string])[],
): Promise<void> => {
  const list = issues.map(([path, message]) => ({ path: ['input', ...path.split('.')], message }));
  expect(await record(hindcast, mutation, input)).toEqual({
    __typename: 'InvalidInputError',
    message: list[0]?.message,
    path: list[0]?.path,
    issues: list,
  });
  expect(await rowCounts(hindcast.database)).toEqual(empty);
};

const NUL = 'contains U+0000, which no stored text may hold; remove it';

describe('a code commit is refused', () => {
  const oid = oidOf('commit');
  it.each([
    ['https://ada:secret@example.org/a', 'repository holds credentials; take them out of the URL.'],
    ['https://token@example.org/a', 'repository holds credentials; take them out of the URL.'],
    [
      'https://example.org/a?access_token=secret',
      'repository has a query or a fragment, which no clone URL needs; take it out of the URL.',
    ],
    [
      `https://example.org/${'a'.repeat(1000)}`,
      'repository has 1020 characters; give at most 1000.',
    ],
  ])('for the repository %s', async (repository, message) => {
    await refused('recordCodeCommit', { repository, oid }, [['repository', message]]);
  });

  it('for every text that is too long or cannot be stored', async () => {
    const input = {
      repository: 'https://example.org/a',
      oid,
      messageHeadline: 'x'.repeat(501),
      author: 'A\0',
    };
    await refused('recordCodeCommit', input, [
      ['messageHeadline', 'messageHeadline has 501 characters; give at most 500.'],
      ['author', `author cannot be stored: ${NUL}.`],
    ]);
  });

  it.each([
    ['git@github.com:acme/fraud.git', oid],
    ['https://example.org/a', 'abc'],
    ['https://example.org/a', oid.toUpperCase()],
  ])('as a request when %s or %s has no such form', async (repository, name) => {
    const { errors } = await hindcast.respond(
      'mutation ($input: CodeCommitInput!) { recordCodeCommit(input: $input) { __typename } }',
      { input: { repository, oid: name } },
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toMatch(/^Variable "\$input" got invalid value .* at "input\./);
  });
});

describe('a feature schema is refused', () => {
  const schemaOf = (...fields: object[]) => ({ name: 'features', semver: '1.0.0', fields });
  const wrong = (field: object, ...issues: (readonly [string, string])[]) =>
    refused(
      'recordFeatureSchema',
      schemaOf({ name: 'a', type: 'FP64', ...field }),
      issues.map(([path, message]) => [`fields.0.${path}`, message] as const),
    );

  it('without fields, and with too many', async () => {
    await refused('recordFeatureSchema', schemaOf(), [
      ['fields', 'A schema has 1 to 5000 fields; 0 were given.'],
    ]);
    const many = Array.from({ length: 5001 }, (_, index) => ({ name: `f${index}`, type: 'BOOL' }));
    await refused('recordFeatureSchema', schemaOf(...many), [
      ['fields', 'A schema has 1 to 5000 fields; 5001 were given.'],
    ]);
  });

  it('with everything that is wrong at once', async () => {
    const input = {
      ...schemaOf({ name: 'a', type: 'BOOL' }, { name: 'a', type: 'BOOL' }),
      name: ' features',
    };
    await refused('recordFeatureSchema', input, [
      ['name', 'name is " features": give 1 to 200 characters without white space around them.'],
      ['fields.1.name', 'Field "a" is declared twice; give each field its own name.'],
    ]);
  });

  it('for names that are no names', async () => {
    const blank = 'give 1 to 200 characters without white space around them.';
    await wrong({ name: '' }, ['name', `name is "": ${blank}`]);
    await wrong({ name: 'a\tb' }, [
      'name',
      'name is "a\\tb", which holds a control character; take it out.',
    ]);
    await wrong({ name: 'a'.repeat(201) }, ['name', 'name has 201 characters; give at most 200.']);
  });

  it('for shapes that no value has', async () => {
    const unusable = (shape: string) =>
      `Shape [${shape}] is not usable: give lengths from 1, at most 65536 elements in all.`;
    await wrong({ shape: [2, 0] }, ['shape', unusable('2,0')]);
    await wrong({ shape: [-1] }, ['shape', unusable('-1')]);
    await wrong({ shape: [65537] }, ['shape', unusable('65537')]);
    await wrong({ shape: [256, 257] }, ['shape', unusable('256,257')]);
  });

  it('for a negative age, misplaced or repeated categories, and long texts', async () => {
    await wrong({ maxAgeSeconds: -1 }, [
      'maxAgeSeconds',
      'maxAgeSeconds is -1; give 0 or more, or leave it out.',
    ]);
    await wrong({ categories: ['x'] }, [
      'categories',
      'Only STRING features have categories, and this one is FP64; leave them out.',
    ]);
    const once = 'Give at least one category, each once; leave them out when any text is allowed.';
    await wrong({ type: 'STRING', categories: [] }, ['categories', once]);
    await wrong({ type: 'STRING', categories: ['x', 'x'] }, ['categories', once]);
    await wrong({ description: 'x'.repeat(2001) }, [
      'description',
      'description has 2001 characters; give at most 2000.',
    ]);
  });

  it('for transformations beyond the limits or without canonical parameters', async () => {
    const step = { function: 'f', version: '1', inputs: [] as string[] };
    await wrong({ transformations: Array(101).fill(step) }, [
      'transformations',
      '101 transformations were given; give at most 100.',
    ]);
    await wrong({ transformations: [{ ...step, inputs: Array(201).fill('c') }] }, [
      'transformations.0.inputs',
      '201 inputs were given; give at most 200.',
    ]);
    await wrong({ transformations: [{ ...step, parameters: { mean: 2n ** 60n } }] }, [
      'transformations.0.parameters',
      'parameters has no canonical form. At $.mean: 1152921504606846976 is an integer beyond ±(2^53 − 1); write it as a string.',
    ]);
    const commit = { repository: 'https://a:b@example.org', oid: oidOf('x') };
    await wrong({ transformations: [{ ...step, commit }] }, [
      'transformations.0.commit.repository',
      'repository holds credentials; take them out of the URL.',
    ]);
  });

  it.each([
    ['BOOL', 1, '1 is not a BOOL; give true or false'],
    ['BOOL', null, 'null is not a BOOL; give true or false'],
    [
      'INT64',
      1.5,
      '1.5 is not an INT64; give an integer from -2^63 to 2^63 - 1, as a string beyond 2^53',
    ],
    [
      'INT64',
      2n ** 53n,
      '9007199254740992 is not an INT64; give an integer from -2^63 to 2^63 - 1, as a string beyond 2^53',
    ],
    [
      'INT64',
      '9223372036854775808',
      '"9223372036854775808" is not an INT64; give an integer from -2^63 to 2^63 - 1, as a string beyond 2^53',
    ],
    ['FP64', '1', '"1" is not an FP64; give a number, or "NaN", "Infinity", "-Infinity" or "-0"'],
    ['FP64', -0, '-0 loses its sign as a number; give "-0" as a string'],
    ['FP32', 1e39, '1e+39 is beyond the largest FP32; give a smaller number, or "Infinity"'],
    ['STRING', 5, '5 is not a STRING; put it in quotes'],
    ['STRING', 'a\0', `"a\\u0000" ${NUL}`],
    [
      'STRING',
      '\ud800',
      '"\\ud800" contains half of a surrogate pair, which is not Unicode; send both halves or neither',
    ],
    [
      'TIMESTAMP',
      '2001-01-31',
      '"2001-01-31" is not a TIMESTAMP; give RFC 3339 text with a UTC offset',
    ],
  ])('for the %s default %s', async (type, value, reason) => {
    await wrong({ type, default: value }, ['default', `The default ${reason}.`]);
  });

  it('for a default outside the categories, or of another shape', async () => {
    await wrong({ type: 'STRING', categories: ['x'], default: 'y' }, [
      'default',
      'The default "y" is not among the categories; declare it, or give one of them.',
    ]);
    const shape = (value: string) =>
      `The default ${value} is not of shape [2, 2]; nest arrays like that, or give all elements in one.`;
    await wrong({ shape: [2, 2], default: 1 }, ['default', shape('1')]);
    await wrong({ shape: [2, 2], default: [1, 2, 3] }, ['default', shape('[1,2,3]')]);
    await wrong({ shape: [2, 2], default: [[1, 2], [3]] }, ['default', shape('[[1,2],[3]]')]);
    await wrong({ shape: [2], default: [1, null] }, [
      'default',
      'The default [1,null] is not an FP64; give a number, or "NaN", "Infinity", "-Infinity" or "-0".',
    ]);
  });

  it.each(['1.0', 'v1.0.0', '1.0.0 ', '1.0.0\n', ''])('for the version %j', async (semver) => {
    const { errors } = await hindcast.respond(
      'mutation ($input: FeatureSchemaInput!) { recordFeatureSchema(input: $input) { __typename } }',
      { input: { ...schemaOf({ name: 'a', type: 'BOOL' }), semver } },
    );
    expect(errors?.[0]?.message).toBe(
      `Variable "$input" got invalid value ${JSON.stringify(semver)} at "input.semver"; SemVer cannot represent ${JSON.stringify(semver)}: it must look like 1.2.3 or 1.2.3-rc.1.`,
    );
  });
});

describe('a dataset snapshot is refused', () => {
  const snapshot = { name: 'data', contentDigest: sha256('data'), location: 's3://data' };

  it('for its own fields', async () => {
    const input = {
      ...snapshot,
      name: '',
      location: ' ',
      rowCount: -1,
      sizeBytes: -2,
      eventTime: { from: '2001-02-01T00:00:00Z', to: '2001-02-01T00:00:00Z' },
      derivedFrom: Array(101).fill(sha256('source')),
    };
    await refused('recordDatasetSnapshot', input, [
      ['name', 'name is "": give 1 to 200 characters without white space around them.'],
      ['location', 'location is empty; say where the bytes are.'],
      ['rowCount', 'rowCount is -1; give 0 or more.'],
      ['sizeBytes', 'sizeBytes is -2; give 0 or more.'],
      ['eventTime', 'eventTime ends before it starts; give a start before the end.'],
      ['derivedFrom', '101 sources were given; give at most 100.'],
    ]);
    await refused('recordDatasetSnapshot', { ...snapshot, location: 'é'.repeat(1001) }, [
      ['location', 'location has 2002 bytes; give at most 2000.'],
    ]);
  });

  const numeric = { count: 2, missing: 0, min: 0, max: 2, mean: 1 };
  const wrong = (statistics: object, path: string, message: string) =>
    refused(
      'recordDatasetSnapshot',
      { ...snapshot, statistics: [{ feature: 'a', ...statistics }] },
      [[`statistics.0${path}`, message]],
    );

  it('for statistics of neither kind, of both, or twice of one feature', async () => {
    const either = 'Statistics are either numeric or categorical: give exactly one of the two.';
    await wrong({}, '', either);
    const categorical = { count: 0, missing: 0, categories: [] };
    await wrong({ numeric, categorical }, '', either);
    await refused(
      'recordDatasetSnapshot',
      {
        ...snapshot,
        statistics: [
          { feature: 'a', numeric },
          { feature: 'a', numeric },
        ],
      },
      [['statistics', 'Give the statistics of each feature once, of at most 5000.']],
    );
  });

  it('for numeric statistics that cannot be', async () => {
    const place = '.numeric';
    await wrong(
      { numeric: { ...numeric, missing: -1 } },
      `${place}.missing`,
      'missing is -1; give 0 or more.',
    );
    await wrong(
      { numeric: { count: 2, missing: 0, min: 0, max: 2 } },
      place,
      'Of 2 present values, min, max and mean are known; give all three.',
    );
    await wrong(
      { numeric: { ...numeric, count: 0 } },
      place,
      'No value is present, so min, max and mean are not known; leave them out.',
    );
    await wrong(
      { numeric: { ...numeric, mean: 3 } },
      place,
      'min 0, mean 3 and max 2 are not in order.',
    );
    await wrong(
      { numeric: { ...numeric, min: 3 } },
      place,
      'min 3, mean 1 and max 2 are not in order.',
    );
  });

  it.each([
    [
      [
        [0.5, 1],
        [0.5, 2],
      ],
    ],
    [
      [
        [0.5, 2],
        [0.9, 1],
      ],
    ],
    [[[-0.1, 1]]],
    [[[1.1, 1]]],
  ])('for the quantiles %j', async (pairs) => {
    const quantiles = pairs.map(([probability, value]) => ({ probability, value }));
    await wrong(
      { numeric: { ...numeric, quantiles } },
      '.numeric.quantiles',
      'Quantiles need probabilities from 0 to 1 in increasing order and values that do not decrease; at most 1001.',
    );
  });

  it.each([
    [[0, 1, 1], [1, 1], 2],
    [[0, 1], [1, 1], 2],
    [[0, 1, 2], [3, -1], 2],
    [[0, 1, 2], [1, 2], 3],
    [[0], [], 0],
  ])('for the histogram %j %j', async (edges, counts, sum) => {
    await wrong(
      { numeric: { ...numeric, histogram: { edges, counts } } },
      '.numeric.histogram',
      `A histogram needs strictly increasing edges, one more than counts, at most 1000 counts from 0 that add up to count: ${edges.length} edges and ${counts.length} counts adding up to ${sum} were given for 2 values.`,
    );
  });

  it.each([
    [[['a', 1]], 1],
    [
      [
        ['a', 1],
        ['a', 1],
      ],
      2,
    ],
    [
      [
        ['a', 3],
        ['b', -1],
      ],
      2,
    ],
  ])('for the categories %j', async (pairs, sum) => {
    const categories = pairs.map(([value, count]) => ({ value, count }));
    await wrong(
      { categorical: { count: 2, missing: 0, categories } },
      '.categorical.categories',
      `The categories count ${sum} values, and count is 2; name each category once, at most 10 000, with counts from 0 that add up.`,
    );
  });
});

describe('a runtime environment is refused', () => {
  const environment = { runtime: 'r', platform: 'p', packages: [] as string[] };

  it('for its own fields', async () => {
    const input = { ...environment, runtime: '', platform: 'p ', accelerator: '', threads: 0 };
    const blank = 'give 1 to 200 characters without white space around them.';
    await refused('recordRuntimeEnvironment', input, [
      ['runtime', `runtime is "": ${blank}`],
      ['platform', `platform is "p ": ${blank}`],
      ['accelerator', `accelerator is "": ${blank}`],
      ['threads', 'threads is 0; give 1 to 4096, or leave it out.'],
    ]);
    const packages = Array(2001).fill('pkg:pypi/numpy@2.1.0');
    await refused('recordRuntimeEnvironment', { ...environment, packages }, [
      ['packages', '2001 packages were given; give at most 2000.'],
    ]);
  });

  it.each([
    'numpy==2.1.0',
    'pkg:pypi/numpy',
    'pkg:pypi/numpy@',
    'pkg:pypi/numpy@%00',
    '',
    `pkg:pypi/numpy@${'1'.repeat(1000)}`,
  ])('for the package %s', async (text) => {
    await refused('recordRuntimeEnvironment', { ...environment, packages: [text] }, [
      [
        'packages.0',
        `${JSON.stringify(text.slice(0, 100))} is not a package URL with a version, such as pkg:pypi/numpy@2.1.0, of at most 1000 characters.`,
      ],
    ]);
  });
});

describe('an artifact is refused', () => {
  it('for its own fields', async () => {
    const input = { digest: sha256('a'), location: '', mediaType: 'onnx', sizeBytes: -1 };
    await refused('recordArtifact', input, [
      ['location', 'location is empty; say where the bytes are.'],
      ['mediaType', '"onnx" is not a media type, such as application/x-onnx.'],
      ['sizeBytes', 'sizeBytes is -1; give 0 or more.'],
    ]);
    await refused(
      'recordArtifact',
      { ...input, location: 'a\0', mediaType: 'a/b; \0', sizeBytes: 0 },
      [
        ['location', `location cannot be stored: ${NUL}.`],
        ['mediaType', '"a/b; \\u0000" is not a media type, such as application/x-onnx.'],
      ],
    );
  });
});
