import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { oidOf, record, rowCounts, sha256 } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { ask, database } = hindcast;

describe('a code commit', () => {
  it('is addressed by repository, object name and cleanliness, and recorded once', async () => {
    const name = unique('fraud');
    const oid = oidOf(name);
    const digest = sha256(
      `{"isDirty":false,"oid":"${oid}","repository":"https://github.com/acme/${name}"}`,
    );
    const input = { repository: `https://GitHub.com/acme/${name}.git/`, oid };
    const fields = 'repository displayName url isDirty';
    expect(await record(hindcast, 'recordCodeCommit', input, fields)).toEqual({
      __typename: 'RecordCodeCommitPayload',
      isNew: true,
      object: {
        digest,
        repository: `https://github.com/acme/${name}`,
        displayName: `acme/${name}@${oid.slice(0, 7)}`,
        url: `https://github.com/acme/${name}/commit/${oid}`,
        isDirty: false,
      },
    });
    const again = { repository: `https://github.com/acme/${name}`, oid, isDirty: false };
    expect(await record(hindcast, 'recordCodeCommit', again)).toEqual({
      __typename: 'RecordCodeCommitPayload',
      isNew: false,
      object: { digest },
    });
    const dirty = await record(hindcast, 'recordCodeCommit', { ...again, isDirty: true });
    expect(dirty.object?.digest).toBe(
      sha256(`{"isDirty":true,"oid":"${oid}","repository":"https://github.com/acme/${name}"}`),
    );
  });

  it.each([
    ['ssh://git@GitHub.com/acme/fraud.git', 'ssh://git@github.com/acme/fraud'],
    ['https://Example.org:8443/Team/Repo/', 'https://example.org:8443/Team/Repo'],
    ['https://example.org/Team/Repo.git//', 'https://example.org/Team/Repo'],
    ['file:///srv/git/fraud.git', 'file:///srv/git/fraud'],
  ])('has one spelling for the repository %s', async (repository, normalized) => {
    const { object } = await record(
      hindcast,
      'recordCodeCommit',
      { repository, oid: oidOf(repository) },
      'repository',
    );
    expect(object?.repository).toBe(normalized);
  });

  it('keeps what was first said of it, and refuses what contradicts that', async () => {
    const name = unique('fraud');
    const input = { repository: `https://example.org/${name}`, oid: oidOf(name) };
    const first = await record(hindcast, 'recordCodeCommit', { ...input, author: 'Ada' });
    const digest = first.object?.digest;
    const later = { ...input, messageHeadline: 'Fit', committedAt: '2001-01-31T12:00:00Z' };
    expect(
      await record(hindcast, 'recordCodeCommit', later, 'author messageHeadline committedAt'),
    ).toEqual({
      __typename: 'RecordCodeCommitPayload',
      isNew: false,
      object: { digest, author: 'Ada', messageHeadline: null, committedAt: null },
    });
    expect(await record(hindcast, 'recordCodeCommit', { ...input, author: 'Eve' })).toEqual({
      __typename: 'EvidenceConflictError',
      message: `Commit ${oidOf(name).slice(0, 12)} is on record with another author: "Ada", not "Eve". A commit cannot change: correct the value, or leave it out.`,
      path: ['input', 'author'],
      existingDigest: digest,
      submittedDigest: digest,
      differences: [{ kind: 'CHANGED', pointer: '/author', before: 'Ada', after: 'Eve' }],
    });
  });

  it('has the time of the database as its time of recording', async () => {
    const [before] = await database.query<{ now: number }>({
      text: "SELECT date_trunc('milliseconds', clock_timestamp()) AS now",
    });
    const name = unique('clock');
    const input = { repository: `https://example.org/${name}`, oid: oidOf(name) };
    const sent = await hindcast.statementsOf(() => record(hindcast, 'recordCodeCommit', input));
    expect(sent.filter((sql) => sql.includes('clock_timestamp()'))).toHaveLength(1);
    const rows = await database.query<{ recorded_at: number }>({
      text: 'SELECT recorded_at FROM code_commit WHERE oid = $1',
      values: [input.oid],
    });
    expect(rows).toHaveLength(1);
    expect(rows[0]?.recorded_at).toBeGreaterThanOrEqual(before?.now ?? Number.NaN);
  });
});

describe('a feature schema', () => {
  const fields = [
    {
      name: 'distance',
      type: 'FP64',
      default: 'NaN',
      maxAgeSeconds: 60,
      description: 'Kilometres.',
      transformations: [{ function: 'scale', version: '2', inputs: ['miles'] }],
    },
    { name: 'origin', type: 'STRING', isNullable: true, categories: ['SEA', 'SFO'] },
    {
      name: 'window',
      type: 'INT64',
      shape: [2, 2],
      default: [
        [1, 2],
        ['3', 4],
      ],
    },
  ];

  it('is addressed by all of its content', async () => {
    const name = unique('features');
    const commit = { repository: `https://example.org/${name}`, oid: oidOf(name) };
    const commitDigest = sha256(
      `{"isDirty":false,"oid":"${commit.oid}","repository":"${commit.repository}"}`,
    );
    const [distance, ...others] = fields;
    const step = { function: 'scale', version: '2', inputs: ['miles'], parameters: { by: 1.609 } };
    const input = {
      name,
      semver: '1.0.0',
      fields: [{ ...distance, transformations: [{ ...step, commit }] }, ...others],
    };
    const content = [
      '{"fields":[{"categories":null,"default":"NaN","description":"Kilometres.","isNullable":false,',
      '"isSensitive":false,"maxAgeSeconds":60,"name":"distance","shape":[],"transformations":[',
      `{"commit":"${commitDigest}","function":"scale","inputs":["miles"],"parameters":{"by":1.609},"version":"2"}`,
      '],"type":"FP64"},{"categories":["SEA","SFO"],"default":null,"description":null,"isNullable":true,',
      '"isSensitive":false,"maxAgeSeconds":null,"name":"origin","shape":[],"transformations":[],"type":"STRING"},',
      '{"categories":null,"default":[[1,2],["3",4]],"description":null,"isNullable":false,',
      '"isSensitive":false,"maxAgeSeconds":null,"name":"window","shape":[2,2],"transformations":[],"type":"INT64"}],',
      `"name":"${name}","semver":"1.0.0"}`,
    ].join('');
    const selection =
      'displayName fields { name position default shape transformations { position parameters commit { oid } } } field(name: "origin") { categories isNullable }';
    const digest = sha256(content);
    const expected = {
      digest,
      displayName: `${name} 1.0.0 (${digest.slice(7, 19)})`,
      fields: [
        {
          name: 'distance',
          position: 0,
          default: 'NaN',
          shape: [],
          transformations: [
            { position: 0, parameters: { by: 1.609 }, commit: { oid: commit.oid } },
          ],
        },
        { name: 'origin', position: 1, default: null, shape: [], transformations: [] },
        {
          name: 'window',
          position: 2,
          default: [
            [1, 2],
            ['3', 4],
          ],
          shape: [2, 2],
          transformations: [],
        },
      ],
      field: { categories: ['SEA', 'SFO'], isNullable: true },
    };
    const recorded = await record(hindcast, 'recordFeatureSchema', input, selection);
    expect(recorded).toEqual({
      __typename: 'RecordFeatureSchemaPayload',
      isNew: true,
      object: expected,
    });
    const again = await record(hindcast, 'recordFeatureSchema', input, selection);
    expect(again).toEqual({ ...recorded, isNew: false });
    const { object } = await ask<{ object: unknown }>(
      `query ($digest: Digest!) { object(digest: $digest) { digest ... on FeatureSchema { ${selection} } } }`,
      { digest },
    );
    expect(object).toEqual(expected);
  });

  it('is refused under a name and version that other content holds, with the difference', async () => {
    const name = unique('features');
    const input = { name, semver: '1.0.0', fields };
    const first = await record(hindcast, 'recordFeatureSchema', input);
    const before = await rowCounts(database);
    const [distance, ...others] = fields;
    const changed = { ...input, fields: [{ ...distance, maxAgeSeconds: 90 }, ...others] };
    const second = await record(hindcast, 'recordFeatureSchema', changed);
    const renamed = await record(hindcast, 'recordFeatureSchema', { ...changed, semver: '1.0.1' });
    expect(second).toEqual({
      __typename: 'EvidenceConflictError',
      message: `Feature schema ${name} 1.0.0 is on record with other content. Give the changed schema another version.`,
      path: ['input', 'semver'],
      existingDigest: first.object?.digest,
      submittedDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      differences: [{ kind: 'CHANGED', pointer: '/fields/0/maxAgeSeconds', before: 60, after: 90 }],
    });
    expect(renamed.isNew).toBe(true);
    expect(await rowCounts(database)).toEqual({
      ...before,
      feature_schema: Number(before.feature_schema) + 1,
      feature_field: Number(before.feature_field) + 3,
      feature_transformation: Number(before.feature_transformation) + 1,
    });
  });

  it('refuses another description of a commit also when the schema is on record', async () => {
    const name = unique('features');
    const commit = { repository: `https://example.org/${name}`, oid: oidOf(name), author: 'Ada' };
    const schemaBy = (author: string) => ({
      name,
      semver: '1.0.0',
      fields: [
        {
          name: 'a',
          type: 'FP64',
          transformations: [
            { function: 'f', version: '1', inputs: [], commit: { ...commit, author } },
          ],
        },
      ],
    });
    expect((await record(hindcast, 'recordFeatureSchema', schemaBy('Ada'))).isNew).toBe(true);
    expect(await record(hindcast, 'recordFeatureSchema', schemaBy('Eve'))).toMatchObject({
      __typename: 'EvidenceConflictError',
      path: ['input', 'fields', '0', 'transformations', '0', 'commit', 'author'],
    });
  });

  it('may have 5000 fields', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({
      name: `feature ${index}`,
      type: 'FP32',
      default: 0.5,
      transformations: [{ function: 'scale', version: '1', inputs: [`column ${index}`] }],
    }));
    const input = { name: unique('wide'), semver: '1.0.0', fields: many };
    const recorded = await record(
      hindcast,
      'recordFeatureSchema',
      input,
      'field(name: "feature 4999") { position transformations { inputs } }',
    );
    expect(recorded.object?.field).toEqual({
      position: 4999,
      transformations: [{ inputs: ['column 4999'] }],
    });
    const again = await record(hindcast, 'recordFeatureSchema', input);
    expect(again).toMatchObject({ isNew: false, object: { digest: recorded.object?.digest } });
  });
});
