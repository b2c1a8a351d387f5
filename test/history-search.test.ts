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
    expect(stages(await transitions({ model, to: [] }))).toEqual([]);
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

  it('finds corrections, what they corrected, and words of the reason', async () => {
    const version = await production();
    const modelVersion = { digest: version.digest };
    const outcome = await ask(
      `mutation ($input: TransitionModelVersionInput!) {
         transitionModelVersion(input: $input) { __typename ... on UserError { message } }
       }`,
      {
        input: {
          modelVersion,
          to: 'PRODUCTION',
          occurredAt: '2026-01-01T03:00:00Z',
          corrects: 3,
          reason: 'The CLOCK was 1 % off_by Übermut.',
        },
      },
    );
    expect(outcome).toEqual({
      transitionModelVersion: { __typename: 'TransitionModelVersionPayload' },
    });
    const sequences = async (more: Json) =>
      (await transitions({ modelVersion, ...more })).nodes.map(({ sequence }) => sequence);
    expect(await sequences({})).toEqual([4, 3, 2, 1]);
    expect(await sequences({ isCorrection: true })).toEqual([4]);
    expect(await sequences({ isCorrection: false })).toEqual([3, 2, 1]);
    expect(await sequences({ isCorrected: true })).toEqual([3]);
    expect(await sequences({ isCorrected: false })).toEqual([4, 2, 1]);
    for (const reasonContains of ['clock', '1 % off_BY', 'Übermut']) {
      expect(await sequences({ reasonContains })).toEqual([4]);
    }
    for (const reasonContains of ['1 %off', 'off%by', 'übermut']) {
      expect(await sequences({ reasonContains })).toEqual([]);
    }
  });

  it('refuses what does not exist and cursors of other lists', async () => {
    const model = unique('Known-Model');
    await register(hindcast, registration([field('a')], { model }));
    const digest = `sha256:${'0'.repeat(64)}`;
    const messages = async (variables: Json) =>
      (await respond(TRANSITIONS, variables)).errors?.map(({ message }) => message);
    expect(await messages({ filter: { modelVersion: { digest } } })).toEqual([
      'filter.modelVersion: There is no such model version.',
    ]);
    expect(
      await messages({
        filter: {
          model: model.toLowerCase().replaceAll('-', '_'),
          occurredAt: {},
          recordedAt: { from: '2026-01-02T00:00:00Z', to: '2026-01-02T00:00:00Z' },
          reasonContains: '',
        },
      }),
    ).toEqual([
      [
        'filter.occurredAt: has no bound; give `from`, `to` or both.',
        'filter.recordedAt: is empty: `to` is exclusive and must lie after `from`.',
        'filter.reasonContains: has 0 characters; give 1 to 200, or leave it out.',
        `filter.model: There is no model "${model.toLowerCase().replaceAll('-', '_')}". Did you mean "${model}"?`,
      ].join('\n'),
    ]);
    expect(await messages({ filter: { reasonContains: 'a\0' } })).toEqual([
      'filter.reasonContains: contains U+0000, which no stored text may hold; remove it.',
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
    expect(await ids({ isActive: false })).toEqual([]);
    await correct(canary, {
      trafficShare: 0.1,
      startedAt: '2026-01-05T00:00:00Z',
      endedAt: '2026-01-05T12:00:00Z',
      endReason: 'SUPERSEDED',
    });
    expect(await ids({ endReasons: ['SUPERSEDED', 'REVOKED'] })).toEqual([canary]);
    expect(await ids({ isActive: true })).toEqual([second, first]);
    expect(await ids({ isActive: false })).toEqual([canary]);
    expect(await ids({ activeDuring: { from: '2026-01-05T12:00:00Z' } })).toEqual([second, first]);
    expect(await ids({ recordedAt: { to: '2020-01-01T00:00:00Z' } })).toEqual([]);
    expect(await ids({ recordedAt: { from: '2020-01-01T00:00:00Z' } })).toHaveLength(3);
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

  it('pages both ways in one statement, stable while deployments are recorded', async () => {
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
    await deploy(
      hindcast,
      version,
      { name: unique('e'), environment },
      { startedAt: '2026-01-05T00:00:00Z' },
    );
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
    expect(await statementsOf(() => deployments({ environment }))).toHaveLength(1);
  });

  it('refuses what does not exist, empty windows and cursors of other lists', async () => {
    const none = { name: 'none', environment: 'none' };
    const { errors } = await respond(DEPLOYMENTS, {
      filter: {
        endpoint: { route: none },
        model: 'no such model at all',
        modelVersion: { release: { model: 'none', semver: '1.0.0' } },
        startedAt: {},
        activeDuring: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' },
        recordedAt: {},
      },
    });
    expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'BAD_USER_INPUT' }]);
    expect(errors?.[0]?.message.split('\n').sort()).toEqual([
      'filter.activeDuring: is empty: `to` is exclusive and must lie after `from`.',
      'filter.endpoint: There is no such endpoint.',
      'filter.model: There is no model "no such model at all".',
      'filter.modelVersion: There is no such model version.',
      'filter.recordedAt: has no bound; give `from`, `to` or both.',
      'filter.startedAt: has no bound; give `from`, `to` or both.',
    ]);
    const after = Buffer.from(JSON.stringify(['1', '1', '1'])).toString('base64url');
    expect((await respond(DEPLOYMENTS, { after })).errors?.map(({ message }) => message)).toEqual([
      'The cursor is not of this list; pass one it returned.',
    ]);
  });
});
