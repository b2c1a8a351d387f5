import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import {
  field,
  moveTo,
  type RegisteredVersion,
  register,
  registration,
} from './setup/registration.ts';

const hindcast = await openTestHindcast();
const { ask, respond, statementsOf } = hindcast;

type Json = Record<string, unknown>;

interface Page {
  readonly nodes: readonly Json[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly endCursor: string;
    readonly startCursor: string;
  };
}

const PAGING = 'first: $first, after: $after, last: $last, before: $before';
const PAGE_VARIABLES = '$first: Int, $after: String, $last: Int, $before: String';
const PAGE_INFO = 'pageInfo { hasNextPage endCursor startCursor }';

const production = async (more: Json = {}): Promise<RegisteredVersion> => {
  const version = await register(hindcast, registration([field('a')], more));
  await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
  await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
  return version;
};

describe('versions of a model', () => {
  it('are filtered by stage, registration and recipe, and paged in any order', async () => {
    const model = unique('model');
    const one = await production({ model, semver: '1.10.0' });
    const two = await register(hindcast, registration([field('a')], { model, semver: '1.9.0' }));
    const document = `query ($name: String!, $filter: ModelVersionFilter, $orderBy: ModelVersionOrder, $first: Int, $after: String) {
      model(name: $name) { versions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
        nodes { semver recipeDigest } pageInfo { hasNextPage endCursor startCursor } } } }`;
    const page = async (more: Json) =>
      (await ask<{ model: { versions: Page } }>(document, { name: model, ...more })).model.versions;
    const semvers = async (more: Json) => (await page(more)).nodes.map(({ semver }) => semver);
    expect(await semvers({})).toEqual([two.semver, one.semver]);
    expect(await semvers({ orderBy: 'RECORDED_AT_ASC' })).toEqual([one.semver, two.semver]);
    expect(await semvers({ orderBy: 'SEMVER_ASC' })).toEqual([two.semver, one.semver]);
    expect(await semvers({ orderBy: 'SEMVER_DESC' })).toEqual([one.semver, two.semver]);
    expect(await semvers({ filter: { stages: ['PRODUCTION'] } })).toEqual([one.semver]);
    expect(await semvers({ filter: { stages: [] } })).toEqual([]);
    expect(await semvers({ filter: { recordedBy: 'tester' } })).toHaveLength(2);
    expect(await semvers({ filter: { recordedAt: { to: '2020-01-01T00:00:00Z' } } })).toEqual([]);
    const [newest] = (await page({})).nodes;
    expect(await semvers({ filter: { recipeDigest: newest?.recipeDigest } })).toEqual([two.semver]);
    for (const orderBy of ['RECORDED_AT_ASC', 'SEMVER_ASC']) {
      const first = await page({ orderBy, first: 1 });
      const second = await page({ orderBy, first: 1, after: first.pageInfo.endCursor });
      expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
      expect([...first.nodes, ...second.nodes].map(({ semver }) => semver)).toEqual(
        await semvers({ orderBy }),
      );
    }
  });

  it('are filtered by the evidence they were made from, and by the stage that holds now', async () => {
    const model = unique('model');
    const one = await production({ model });
    const two = await production({ model, semver: '2.0.0' });
    await ask(
      `mutation ($input: TransitionModelVersionInput!) {
         transitionModelVersion(input: $input) { __typename }
       }`,
      {
        input: {
          modelVersion: { digest: two.digest },
          to: 'ARCHIVED',
          occurredAt: '2026-01-01T02:00:00Z',
          corrects: 3,
          reason: 'It never served.',
        },
      },
    );
    const document = `query ($name: String!, $filter: ModelVersionFilter) {
      model(name: $name) { versions(filter: $filter) { nodes {
        semver recordedAt commit { digest } featureSchema { digest } environment { digest } } } } }`;
    const find = async (filter: Json): Promise<Json[]> =>
      (await ask<{ model: { versions: { nodes: Json[] } } }>(document, { name: model, filter }))
        .model.versions.nodes;
    const semvers = async (filter: Json) => (await find(filter)).map(({ semver }) => semver);
    expect(await semvers({ stages: ['PRODUCTION'] })).toEqual([one.semver]);
    expect(await semvers({ stages: ['ARCHIVED'] })).toEqual([two.semver]);
    expect(await semvers({ stages: ['ARCHIVED', 'PRODUCTION'] })).toEqual(['2.0.0', '1.0.0']);
    expect(await semvers({ stages: ['STAGING', 'REGISTERED'] })).toEqual([]);
    const [newer, older] = await find({});
    const digestOf = (part: unknown) => (part as { digest: string }).digest;
    for (const part of ['commit', 'featureSchema', 'environment']) {
      const digest = digestOf(newer?.[part]);
      const others = digest === digestOf(older?.[part]) ? ['1.0.0'] : [];
      expect(await semvers({ [part]: digest })).toEqual(['2.0.0', ...others]);
      expect(await semvers({ [part]: digest, stages: ['PRODUCTION'] })).toEqual(others);
      expect(await semvers({ [part]: one.digest })).toEqual([]);
    }
    const recordedAt = String(newer?.recordedAt);
    const finer = (digits: string) => recordedAt.replace('Z', `${digits}Z`);
    expect(await semvers({ recordedAt: { from: recordedAt } })).toEqual(['2.0.0']);
    expect(await semvers({ recordedAt: { from: finer('001') } })).toEqual([]);
    expect(await semvers({ recordedAt: { to: recordedAt } })).toEqual(['1.0.0']);
    expect(await semvers({ recordedAt: { to: finer('001') } })).toEqual(['2.0.0', '1.0.0']);
    const { errors } = await respond(document, { name: model, filter: { recordedAt: {} } });
    expect(errors).toMatchObject([
      {
        message: 'filter.recordedAt: has no bound; give `from`, `to` or both.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  it('are found by the package they run with', async () => {
    const name = `pkg:pypi/${unique('package').toLowerCase().replaceAll('_', '-')}`;
    const environment = (version: string) => ({
      environment: {
        definition: { runtime: 'cpython', platform: 'linux', packages: [`${name}@${version}`] },
      },
    });
    const one = await register(hindcast, registration([field('a')], environment('1.0')));
    const two = await register(hindcast, registration([field('a')], environment('2.0')));
    const users = async (versions?: string[]) => {
      const { usesPackage } = await ask<{ usesPackage: { nodes: Json[] } }>(
        `query ($name: String!, $versions: [String!]) {
          usesPackage(name: $name, versions: $versions) { nodes { digest } } }`,
        { name, versions },
      );
      return usesPackage.nodes.map(({ digest }) => digest);
    };
    expect(await users()).toEqual([two.digest, one.digest]);
    expect(await users(['1.0'])).toEqual([one.digest]);
    expect(await users(['3.0', '\0'])).toEqual([]);
    const refusal = async (args: string) =>
      (await respond(`{ usesPackage(${args}) { nodes { digest } } }`)).errors?.map(
        ({ message }) => message,
      );
    for (const text of ['numpy', `${name}@1.0`, 'pkg:numpy']) {
      expect(await refusal(`name: "${text}"`)).toEqual([
        `name: "${text}" is not a package URL without version, such as pkg:pypi/numpy; give versions in \`versions\`.`,
      ]);
    }
    expect(await refusal(`name: "${name}x"`)).toEqual([
      `name: No environment has "${name}x" installed. Did you mean "${name}"?`,
    ]);
    expect(await refusal('name: "pkg:maven/com.example/other"')).toEqual([
      'name: No environment has "pkg:maven/com.example/other" installed.',
    ]);
    expect(await refusal(`name: "${name}", versions: []`)).toEqual([
      'versions: Give 1 to 100 versions; 0 were given.',
    ]);
  });

  it('are found by package a page at a time, both ways', async () => {
    const name = `pkg:npm/${unique('paged').toLowerCase()}`;
    const expected: string[] = [];
    for (const version of ['1.0', '2.0', '3.0']) {
      const definition = { runtime: 'r', platform: 'p', packages: [`${name}@${version}`] };
      const environment = { definition };
      expected.unshift(
        (await register(hindcast, registration([field('a')], { environment }))).digest,
      );
    }
    const page = async (paging: Json) => {
      const document = `query ($name: String!, ${PAGE_VARIABLES}) {
        usesPackage(name: $name, ${PAGING}) { nodes { digest } ${PAGE_INFO} } }`;
      return (await ask<{ usesPackage: Page }>(document, { name, ...paging })).usesPackage;
    };
    const digests = ({ nodes }: Page) => nodes.map(({ digest }) => digest);
    const first = await page({ first: 2 });
    const second = await page({ first: 2, after: first.pageInfo.endCursor });
    const back = await page({ last: 2, before: second.pageInfo.startCursor });
    expect([...digests(first), ...digests(second)]).toEqual(expected);
    expect(digests(back)).toEqual(expected.slice(0, 2));
    expect(await statementsOf(() => page({ first: 2 }))).toHaveLength(1);
  });
});
