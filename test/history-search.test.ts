import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import {
  deploy,
  field,
  moveTo,
  type RegisteredVersion,
  register,
  registration,
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'));
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

const TRANSITIONS = `query ($filter: LifecycleTransitionFilter, ${PAGE_VARIABLES}) {
  lifecycleTransitions(filter: $filter, ${PAGING}) {
    nodes { id from to sequence corrects modelVersion { digest } } ${PAGE_INFO}
  }
}`;

const transitions = async (filter: Json, paging: Json = {}): Promise<Page> =>
  (await ask<{ lifecycleTransitions: Page }>(TRANSITIONS, { filter, ...paging }))
    .lifecycleTransitions;

const DEPLOYMENTS = `query ($filter: DeploymentSearchFilter, $knownAt: DateTime, ${PAGE_VARIABLES}) {
  deployments(filter: $filter, knownAt: $knownAt, ${PAGING}) {
    nodes { id role startedAt endedAt isRetracted } ${PAGE_INFO}
  }
}`;

const deployments = async (filter: Json, more: Json = {}): Promise<Page> =>
  (await ask<{ deployments: Page }>(DEPLOYMENTS, { filter, ...more })).deployments;

const production = async (more: Json = {}): Promise<RegisteredVersion> => {
  const version = await register(hindcast, registration([field('a')], more));
  await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
  await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
  return version;
};

const correct = (deployment: string, more: Json) =>
  ask(
    `mutation ($input: CorrectDeploymentInput!) { correctDeployment(input: $input) { __typename } }`,
    { input: { deployment, reason: 'Found out.', ...more } },
  );

describe('a search of lifecycle histories', () => {
  it('finds transitions by model, version, stages, time and actor', async () => {
    const model = unique('model');
    const [one, two] = [await production({ model }), await production({ model, semver: '2.0.0' })];
    const stages = (page: Page) => page.nodes.map(({ to }) => to);
    expect(stages(await transitions({ model }))).toEqual([
      'PRODUCTION',
      'STAGING',
      'REGISTERED',
      'PRODUCTION',
      'STAGING',
      'REGISTERED',
    ]);
    const ofOne = await transitions({ modelVersion: { digest: one.digest }, to: ['STAGING'] });
    expect(ofOne.nodes).toMatchObject([
      { from: 'REGISTERED', to: 'STAGING', modelVersion: { digest: one.digest } },
    ]);
    expect(stages(await transitions({ model, from: ['STAGING'] }))).toEqual([
      'PRODUCTION',
      'PRODUCTION',
    ]);
    const window = { from: '2026-01-01T01:00:00Z', to: '2026-01-01T02:00:00Z' };
    expect(stages(await transitions({ model, occurredAt: window }))).toEqual([
      'STAGING',
      'STAGING',
    ]);
    expect((await transitions({ model, actor: 'tester' })).nodes).toHaveLength(6);
    expect((await transitions({ model, actor: 'nobody\0' })).nodes).toEqual([]);
    expect(
      (await transitions({ model, recordedAt: { to: '2020-01-01T00:00:00Z' } })).nodes,
    ).toEqual([]);
    expect(two.semver).toBe('2.0.0');
  });

  it('pages both ways in one statement, stable while transitions are recorded', async () => {
    const model = unique('model');
    const version = await production({ model });
    const all = (await transitions({ model })).nodes.map(({ id }) => id);
    const first = await transitions({ model }, { first: 2 });
    await moveTo(hindcast, version, 'ARCHIVED');
    const second = await transitions({ model }, { first: 2, after: first.pageInfo.endCursor });
    expect([...first.nodes, ...second.nodes].map(({ id }) => id)).toEqual(all);
    expect(second.pageInfo.hasNextPage).toBe(false);
    const back = await transitions({ model }, { last: 1, before: second.pageInfo.startCursor });
    expect(back.nodes.map(({ id }) => id)).toEqual(all.slice(1, 2));
    expect(await statementsOf(() => transitions({ model }))).toHaveLength(1);
  });

  it('refuses what does not exist and cursors of other lists', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const messages = async (variables: Json) =>
      (await respond(TRANSITIONS, variables)).errors?.map(({ message }) => message);
    expect(await messages({ filter: { modelVersion: { digest } } })).toEqual([
      'filter.modelVersion: There is no such model version.',
    ]);
    const cursor = Buffer.from(JSON.stringify(['1', '99999999999', '1'])).toString('base64url');
    expect(await messages({ after: cursor })).toEqual([
      'The cursor is not of this list; pass one it returned.',
    ]);
  });
});

describe('a search of deployments', () => {
  it('finds them by endpoint, environment, version, model, role, time and actor', async () => {
    const environment = unique('env');
    const [one, other] = [await production(), await production()];
    const [a, b] = [
      { name: 'a', environment },
      { name: 'b', environment },
    ];
    const first = await deploy(hindcast, one, a, { trafficShare: 0.9 });
    const canary = await deploy(hindcast, other, a, {
      role: 'CANARY',
      trafficShare: 0.1,
      startedAt: '2026-01-05T00:00:00Z',
    });
    const second = await deploy(hindcast, other, b, { startedAt: '2026-01-06T00:00:00Z' });
    const ids = async (filter: Json) =>
      (await deployments({ environment, ...filter })).nodes.map(({ id }) => id);
    expect(await ids({})).toEqual([second, canary, first]);
    expect(await ids({ endpoint: { route: a } })).toEqual([canary, first]);
    expect(await ids({ modelVersion: { id: other.id } })).toEqual([second, canary]);
    expect(await ids({ model: one.model.name })).toEqual([first]);
    expect(await ids({ roles: ['CANARY'] })).toEqual([canary]);
    expect(await ids({ startedAt: { to: '2026-01-06T00:00:00Z' } })).toEqual([canary, first]);
    expect(await ids({ activeDuring: { to: '2026-01-03T00:00:00Z' } })).toEqual([first]);
    expect(await ids({ endReasons: ['SUPERSEDED'] })).toEqual([]);
    expect(await ids({ actor: 'tester' })).toHaveLength(3);
    expect(await ids({ actor: 'nobody' })).toEqual([]);
  });

  it('answers as it was believed at a record time, also of what was retracted since', async () => {
    const environment = unique('env');
    const version = await production();
    const id = await deploy(hindcast, version, { name: 'a', environment });
    const believed = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await correct(id, { startedAt: '2026-01-04T00:00:00Z' });
    const corrected = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await correct(id, { isRetracted: true });
    const starts = async (more: Json, filter: Json = {}) =>
      (await deployments({ environment, ...filter }, more)).nodes.map(({ startedAt }) => startedAt);
    expect(await starts({ knownAt: '2020-01-01T00:00:00Z' })).toEqual([]);
    expect(await starts({ knownAt: believed })).toEqual(['2026-01-02T00:00:00.000Z']);
    expect(await starts({ knownAt: corrected })).toEqual(['2026-01-04T00:00:00.000Z']);
    expect(await starts({ knownAt: corrected }, { isCorrected: true })).toHaveLength(1);
    expect(await starts({ knownAt: believed }, { isCorrected: true })).toEqual([]);
    expect(await starts({})).toEqual([]);
    expect((await deployments({ environment, includesRetracted: true })).nodes).toMatchObject([
      { id, isRetracted: true },
    ]);
  });

  it('pages both ways in two statements', async () => {
    const environment = unique('env');
    const version = await production();
    const expected: string[] = [];
    for (const day of ['02', '03', '04']) {
      expected.unshift(
        await deploy(
          hindcast,
          version,
          { name: unique('e'), environment },
          { startedAt: `2026-01-${day}T00:00:00Z` },
        ),
      );
    }
    const first = await deployments({ environment }, { first: 2 });
    const second = await deployments(
      { environment },
      { first: 2, after: first.pageInfo.endCursor },
    );
    expect([...first.nodes, ...second.nodes].map(({ id }) => id)).toEqual(expected);
    const back = await deployments(
      { environment },
      { last: 2, before: second.pageInfo.startCursor },
    );
    expect(back.nodes.map(({ id }) => id)).toEqual(expected.slice(0, 2));
    expect(await statementsOf(() => deployments({ environment }))).toHaveLength(2);
  });

  it('refuses an endpoint that does not exist', async () => {
    const { errors } = await respond(DEPLOYMENTS, {
      filter: { endpoint: { route: { name: 'none', environment: 'none' } } },
    });
    expect(errors).toMatchObject([
      {
        message: 'filter.endpoint: There is no such endpoint.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });
});

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
    const { errors } = await respond(`{ usesPackage(name: "numpy") { nodes { digest } } }`);
    expect(errors).toMatchObject([
      {
        message:
          'name: "numpy" is not a package URL without version, such as pkg:pypi/numpy; give versions in `versions`.',
      },
    ]);
  });
});
