import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { oidOf, record, rowCounts, sha256 } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { ask, database } = hindcast;

describe('a dataset snapshot', () => {
  const snapshotOf = (name: string) => ({
    name,
    contentDigest: sha256(name),
    location: `s3://data/${name}`,
  });

  it('is addressed by what it holds and how it is described, not by where it is', async () => {
    const name = unique('payments');
    const source = await record(hindcast, 'recordDatasetSnapshot', snapshotOf(`${name}-raw`));
    const sourceDigest = sha256(
      `{"contentDigest":"${sha256(`${name}-raw`)}","derivedFrom":[],"eventTime":{"from":null,"to":null},"name":"${name}-raw","rowCount":null,"sizeBytes":null,"statistics":{}}`,
    );
    expect(source.object?.digest).toBe(sourceDigest);
    const numeric = {
      count: 3,
      missing: 1,
      min: -0.5,
      max: 2,
      mean: 0.75,
      quantiles: [
        { probability: 0, value: -0.5 },
        { probability: 0.5, value: 0.75 },
      ],
      histogram: { edges: [-1, 0, 1, 2], counts: [1, 1, 1] },
    };
    const categorical = {
      count: 4,
      missing: 0,
      categories: [
        { value: 'SEA', count: 3 },
        { value: 'é', count: 1 },
      ],
    };
    const input = {
      ...snapshotOf(name),
      rowCount: 4,
      sizeBytes: 9007199254740991,
      eventTime: { from: '2001-01-01T00:00:00Z', to: '2001-02-01T01:00:00+01:00' },
      derivedFrom: [sourceDigest, sourceDigest],
      statistics: [
        { feature: 'origin', categorical },
        { feature: 'delay', numeric },
      ],
    };
    const content = [
      `{"contentDigest":"${sha256(name)}","derivedFrom":["${sourceDigest}"],`,
      '"eventTime":{"from":"2001-01-01T00:00:00.000Z","to":"2001-02-01T00:00:00.000Z"},',
      `"name":"${name}","rowCount":4,"sizeBytes":9007199254740991,"statistics":{`,
      '"delay":{"numeric":{"count":3,"histogram":{"counts":[1,1,1],"edges":[-1,0,1,2]},"max":2,"mean":0.75,"min":-0.5,',
      '"missing":1,"quantiles":[{"probability":0,"value":-0.5},{"probability":0.5,"value":0.75}]}},',
      '"origin":{"categorical":{"categories":[{"count":3,"value":"SEA"},{"count":1,"value":"é"}],"count":4,"missing":0}}}}',
    ].join('');
    const selection = `location locations rowCount sizeBytes eventTimeFrom eventTimeTo derivedFrom { digest }
      statistics { feature numeric { count missing min max mean quantiles { probability value } histogram { edges counts } }
                   categorical { count missing categories { value count } } }
      some: statistics(names: ["origin", "nothing"]) { feature }`;
    const expected = {
      digest: sha256(content),
      location: `s3://data/${name}`,
      locations: [`s3://data/${name}`],
      rowCount: 4,
      sizeBytes: 9007199254740991,
      eventTimeFrom: '2001-01-01T00:00:00.000Z',
      eventTimeTo: '2001-02-01T00:00:00.000Z',
      derivedFrom: [{ digest: sourceDigest }],
      statistics: [
        { feature: 'delay', numeric, categorical: null },
        { feature: 'origin', numeric: null, categorical },
      ],
      some: [{ feature: 'origin' }],
    };
    expect(await record(hindcast, 'recordDatasetSnapshot', input, selection)).toEqual({
      __typename: 'RecordDatasetSnapshotPayload',
      isNew: true,
      object: expected,
    });
    const moved = { ...input, location: 'file:///mnt/data' };
    expect(await record(hindcast, 'recordDatasetSnapshot', moved, selection)).toEqual({
      __typename: 'RecordDatasetSnapshotPayload',
      isNew: false,
      object: { ...expected, locations: [`s3://data/${name}`, 'file:///mnt/data'] },
    });
  });

  it('is derived only from snapshots on record', async () => {
    const name = unique('payments');
    const unknown = sha256('nobody recorded this');
    const before = await rowCounts(database);
    expect(
      await record(hindcast, 'recordDatasetSnapshot', {
        ...snapshotOf(name),
        derivedFrom: [unknown],
      }),
    ).toEqual({
      __typename: 'NotFoundError',
      message: `No dataset snapshot ${unknown} is on record; record it first.`,
      path: ['input', 'derivedFrom'],
    });
    expect(await rowCounts(database)).toEqual(before);
  });

  it('takes the mean of a constant although summing rounds it', async () => {
    const numeric = { count: 3, missing: 0, min: 0.1, max: 0.1, mean: 0.10000000000000002 };
    const recorded = await record(hindcast, 'recordDatasetSnapshot', {
      ...snapshotOf(unique('constant')),
      statistics: [{ feature: 'a', numeric }],
    });
    expect(recorded.__typename).toBe('RecordDatasetSnapshotPayload');
  });
});

describe('a runtime environment', () => {
  it('is addressed by its description with canonical package URLs, in any order', async () => {
    const runtime = unique('cpython 3.12.4');
    const imageDigest = sha256('image');
    const input = {
      runtime,
      platform: 'linux/amd64',
      accelerator: 'cuda 12.6',
      imageDigest,
      threads: 1,
      packages: [
        'pkg:PyPI/Scikit_Learn@1.5.0',
        'pkg:npm/%40acme/flight@2.0.0',
        'pkg:pypi/numpy@2.1.0',
      ],
    };
    const digest = sha256(
      `{"accelerator":"cuda 12.6","imageDigest":"${imageDigest}","packages":["pkg:npm/%40acme/flight@2.0.0","pkg:pypi/numpy@2.1.0","pkg:pypi/scikit-learn@1.5.0"],"platform":"linux/amd64","runtime":"${runtime}","threads":1}`,
    );
    const recorded = await record(
      hindcast,
      'recordRuntimeEnvironment',
      input,
      'threads packages { name version purl }',
    );
    expect(recorded).toEqual({
      __typename: 'RecordRuntimeEnvironmentPayload',
      isNew: true,
      object: {
        digest,
        threads: 1,
        packages: [
          {
            name: 'pkg:npm/%40acme/flight',
            version: '2.0.0',
            purl: 'pkg:npm/%40acme/flight@2.0.0',
          },
          { name: 'pkg:pypi/numpy', version: '2.1.0', purl: 'pkg:pypi/numpy@2.1.0' },
          { name: 'pkg:pypi/scikit-learn', version: '1.5.0', purl: 'pkg:pypi/scikit-learn@1.5.0' },
        ],
      },
    });
    const reordered = { ...input, packages: [...input.packages, ...input.packages].reverse() };
    expect(await record(hindcast, 'recordRuntimeEnvironment', reordered)).toEqual({
      __typename: 'RecordRuntimeEnvironmentPayload',
      isNew: false,
      object: { digest },
    });
    const threaded = await record(hindcast, 'recordRuntimeEnvironment', { ...input, threads: 2 });
    expect(threaded.isNew).toBe(true);
  });

  it('may have 2000 packages', async () => {
    const packages = Array.from({ length: 2000 }, (_, index) => `pkg:pypi/p${index}@1.${index}`);
    const input = { runtime: unique('r'), platform: 'p', packages };
    const { object } = await record(
      hindcast,
      'recordRuntimeEnvironment',
      input,
      'packages { purl }',
    );
    expect(object?.packages).toEqual([...packages].sort().map((purl) => ({ purl })));
  });
});

describe('an artifact', () => {
  it('is addressed by its bytes, with one size and type, in many places', async () => {
    const digest = sha256(unique('weights'));
    const input = {
      digest,
      location: 's3://models/a/model.onnx',
      mediaType: 'application/x-onnx',
      sizeBytes: 10,
    };
    const fields = 'displayName location locations mediaType sizeBytes';
    const object = {
      digest,
      displayName: `model.onnx (${digest.slice(7, 19)})`,
      location: 's3://models/a/model.onnx',
      locations: ['s3://models/a/model.onnx'],
      mediaType: 'application/x-onnx',
      sizeBytes: 10,
    };
    const first = await record(hindcast, 'recordArtifact', input, fields);
    expect(first).toEqual({ __typename: 'RecordArtifactPayload', isNew: true, object });
    const copy = { ...input, location: 'file:///models/copy.onnx' };
    expect(await record(hindcast, 'recordArtifact', copy, fields)).toEqual({
      __typename: 'RecordArtifactPayload',
      isNew: false,
      object: { ...object, locations: ['s3://models/a/model.onnx', 'file:///models/copy.onnx'] },
    });
    const before = await rowCounts(database);
    const other = {
      ...input,
      location: 'file:///elsewhere',
      mediaType: 'text/plain',
      sizeBytes: 11,
    };
    expect(await record(hindcast, 'recordArtifact', other)).toEqual({
      __typename: 'EvidenceConflictError',
      message: `File ${digest.slice(7, 19)} is on record as application/x-onnx of 10 bytes, not text/plain of 11. One content has one size and type: correct the values.`,
      path: ['input', 'digest'],
      existingDigest: digest,
      submittedDigest: digest,
      differences: [
        {
          kind: 'CHANGED',
          pointer: '/mediaType',
          before: 'application/x-onnx',
          after: 'text/plain',
        },
        { kind: 'CHANGED', pointer: '/sizeBytes', before: 10, after: 11 },
      ],
    });
    expect(await rowCounts(database)).toEqual(before);
  });

  it('shows a place recorded later in the same request', async () => {
    const digest = sha256(unique('weights'));
    const step = (alias: string, location: string) =>
      `${alias}: recordArtifact(input: { digest: "${digest}", location: "${location}", mediaType: "a/b", sizeBytes: 1 }) {
         ... on RecordArtifactPayload { artifact { locations } }
       }`;
    expect(
      await ask(`mutation { ${step('one', 'file:///1')} ${step('two', 'file:///2')} }`),
    ).toEqual({
      one: { artifact: { locations: ['file:///1'] } },
      two: { artifact: { locations: ['file:///1', 'file:///2'] } },
    });
  });
});

describe('recorded evidence', () => {
  it('is found by its digest and by its global ID, and unknown names find nothing', async () => {
    const name = unique('found');
    const input = { repository: `https://example.org/${name}`, oid: oidOf(name) };
    const { object } = await record(hindcast, 'recordCodeCommit', input, 'id');
    const found = await ask<Record<string, unknown>>(
      `query ($digest: Digest!, $id: ID!, $unknown: Digest!) {
         object(digest: $digest) { __typename digest displayName }
         node(id: $id) { __typename ... on CodeCommit { digest } }
         unknown: object(digest: $unknown) { digest }
       }`,
      { digest: object?.digest, id: object?.id, unknown: sha256('unknown') },
    );
    expect(found).toEqual({
      object: {
        __typename: 'CodeCommit',
        digest: object?.digest,
        displayName: `${name}@${input.oid.slice(0, 7)}`,
      },
      node: { __typename: 'CodeCommit', digest: object?.digest },
      unknown: null,
    });
  });

  it('cannot be changed or deleted by SQL', async () => {
    const name = unique('fixed');
    const input = { repository: `https://example.org/${name}`, oid: oidOf(name) };
    await record(hindcast, 'recordCodeCommit', input);
    const values = [input.oid];
    await expect(
      database.query({ text: "UPDATE code_commit SET author = 'Eve' WHERE oid = $1", values }),
    ).rejects.toThrow('code_commit is append-only: UPDATE is refused');
    await expect(
      database.query({ text: 'DELETE FROM code_commit WHERE oid = $1', values }),
    ).rejects.toThrow('code_commit is append-only: DELETE is refused');
  });
});
