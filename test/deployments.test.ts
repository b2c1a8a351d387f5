import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DeploymentHistory,
  type DeploymentRole,
  deploymentsAt,
  shareExcess,
} from '../src/serving/timeline.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import {
  deploy,
  field,
  moveTo,
  type RegisteredVersion,
  type Route,
  register,
  registration,
} from './setup/registration.ts';

const histories = fc.array(
  fc
    .record({
      role: fc.constantFrom<DeploymentRole>('PRIMARY', 'CANARY', 'SHADOW'),
      facts: fc.array(
        fc.record({
          trafficShare: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
          startedAt: fc.integer({ min: 0, max: 20 }),
          length: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }),
          isRetracted: fc.boolean(),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    .map(({ role, facts }) => ({ role, facts })),
  { maxLength: 5 },
);

const made = (drafts: typeof histories extends fc.Arbitrary<infer Value> ? Value : never) =>
  drafts.map(
    ({ role, facts }, id): DeploymentHistory => ({
      id,
      publicId: String(id),
      endpointId: 1,
      modelVersionId: id,
      role,
      predecessorId: null,
      recordedAt: 0,
      facts: facts.map(({ length, ...fact }, index) => ({
        ...fact,
        sequence: index + 1,
        endedAt: length === null ? null : fact.startedAt + length,
        endReason: length === null ? null : 'SUPERSEDED',
        reason: '',
        actor: '',
        recordedAt: 100 + index * 10,
        digest: '',
        previousDigest: null,
        overrideReason: null,
      })),
    }),
  );

describe('deployments as believed', () => {
  it('are in force from their start to before their end, by the last fact known', () => {
    fc.assert(
      fc.property(
        histories,
        fc.integer({ min: -1, max: 41 }),
        fc.integer({ min: 95, max: 125 }),
        (drafts, at, knownAt) => {
          const all = made(drafts);
          const expected = all.filter(({ facts }) => {
            const fact = facts.filter(({ recordedAt }) => recordedAt <= knownAt).at(-1);
            if (fact === undefined || fact.isRetracted || at < fact.startedAt) return false;
            return fact.endedAt === null || at < fact.endedAt;
          });
          const ids = deploymentsAt(all, at, knownAt).map(({ deployment }) => deployment.id);
          expect([...ids].sort()).toEqual(expected.map(({ id }) => id).sort());
        },
      ),
    );
  });

  it('exceed the whole exactly where a sampled instant shows it', () => {
    fc.assert(
      fc.property(histories, (drafts) => {
        const all = made(drafts);
        const totals = Array.from({ length: 45 }, (_, at) =>
          deploymentsAt(all, at)
            .filter(({ role }) => role !== 'SHADOW')
            .reduce((sum, { trafficShare }) => sum + trafficShare, 0),
        );
        const first = totals.findIndex((total) => total > 1 + 1e-9);
        expect(shareExcess(all)?.at ?? -1).toBe(first);
      }),
    );
  });
});

const hindcast = await openTestHindcast();

const START = `mutation ($input: StartDeploymentInput!) {
  startDeployment(input: $input) {
    __typename
    ... on StartDeploymentPayload { deployment { id role trafficShare startedAt endedAt reason actor predecessor { id } } }
    ... on UserError { message path }
    ... on TrafficShareError { at total deployments { role trafficShare } }
    ... on StageNotServableError { currentStage requiredStages }
  }
}`;

const CHANGE = `mutation ($end: EndDeploymentInput!) {
  endDeployment(input: $end) {
    __typename
    ... on EndDeploymentPayload { deployment { endedAt endReason facts { sequence digest previousDigest } } }
    ... on UserError { message path }
  }
}`;

const CORRECT = `mutation ($input: CorrectDeploymentInput!) {
  correctDeployment(input: $input) {
    __typename
    ... on CorrectDeploymentPayload { deployment { startedAt endedAt trafficShare isRetracted } }
    ... on UserError { message path }
  }
}`;

const SERVED = `query ($endpoint: EndpointReference!, $at: DateTime!, $knownAt: DateTime) {
  servedAt(endpoint: $endpoint, at: $at, knownAt: $knownAt) {
    at knownAt deployments { id role trafficShare }
  }
}`;

type Json = Record<string, unknown>;

const start = async (
  version: RegisteredVersion,
  endpoint: Route,
  more: Json = {},
): Promise<Json> => {
  const input = { endpoint, modelVersion: { id: version.id }, ...more };
  return (await hindcast.ask<{ startDeployment: Json }>(START, { input })).startDeployment;
};

const servedAt = async (endpoint: Route, at: string, knownAt?: string): Promise<Json[]> => {
  const { servedAt: state } = await hindcast.ask<{ servedAt: { deployments: Json[] } }>(SERVED, {
    endpoint: { route: endpoint },
    at,
    knownAt,
  });
  return state.deployments;
};

const inStage = async (...stages: readonly string[]): Promise<RegisteredVersion> => {
  const version = await register(hindcast, registration([field('a')]));
  for (const [hour, stage] of stages.entries()) {
    await moveTo(hindcast, version, stage, `2026-01-01T0${hour + 1}:00:00Z`);
  }
  return version;
};

const inProduction = () => inStage('STAGING', 'PRODUCTION');

const newEndpoint = (): Route => ({ name: unique('endpoint'), environment: 'test' });

const count = async (): Promise<bigint> => {
  const [row] = await hindcast.database.query<{ facts: bigint }>({
    text: 'SELECT count(*) AS facts FROM deployment_fact',
  });
  return row?.facts ?? -1n;
};

describe('startDeployment', () => {
  it('promotes a new primary and retires the old one in one step', async () => {
    const [old, fresh] = [await inProduction(), await inProduction()];
    const endpoint = newEndpoint();
    const first = await deploy(hindcast, old, endpoint);
    const started = await start(fresh, endpoint, {
      startedAt: '2026-01-10T00:00:00Z',
      replaces: [first],
      endReason: 'ROLLED_BACK',
      reason: 'Better.',
    });
    expect(started).toMatchObject({
      deployment: {
        role: 'PRIMARY',
        trafficShare: 1,
        startedAt: '2026-01-10T00:00:00.000Z',
        endedAt: null,
        reason: 'Better.',
        actor: 'tester',
        predecessor: { id: first },
      },
    });
    const { id } = started.deployment as Json;
    expect((await servedAt(endpoint, '2026-01-09T23:59:59.999Z')).map((one) => one.id)).toEqual([
      first,
    ]);
    expect((await servedAt(endpoint, '2026-01-10T00:00:00Z')).map((one) => one.id)).toEqual([id]);
  });

  it('refuses more than the whole, and then neither starts nor ends anything', async () => {
    const [primary, canary] = [await inProduction(), await inStage('STAGING')];
    const endpoint = newEndpoint();
    const first = await deploy(hindcast, primary, endpoint, { trafficShare: 0.95 });
    const before = await count();
    expect(
      await start(canary, endpoint, {
        role: 'CANARY',
        trafficShare: 0.1,
        startedAt: '2026-01-10T00:00:00Z',
      }),
    ).toEqual({
      __typename: 'TrafficShareError',
      message:
        'At 2026-01-10T00:00:00.000Z PRIMARY and CANARY deployments would share 1.05 of the traffic, more than the whole. Name the deployments that this one replaces, or give a smaller trafficShare.',
      path: ['input', 'trafficShare'],
      at: '2026-01-10T00:00:00.000Z',
      total: 1.05,
      deployments: [
        { role: 'PRIMARY', trafficShare: 0.95 },
        { role: 'CANARY', trafficShare: 0.1 },
      ],
    });
    expect(await count()).toBe(before);
    expect((await servedAt(endpoint, '2026-01-11T00:00:00Z')).map(({ id }) => id)).toEqual([first]);
  });

  it('lets shadows run beside the whole', async () => {
    const [primary, shadow] = [await inProduction(), await inStage('STAGING')];
    const endpoint = newEndpoint();
    await deploy(hindcast, primary, endpoint);
    await deploy(hindcast, shadow, endpoint, { role: 'SHADOW' });
    expect((await servedAt(endpoint, '2026-02-01T00:00:00Z')).map(({ role }) => role)).toEqual([
      'PRIMARY',
      'SHADOW',
    ]);
  });

  it('needs a stage that allows the role when the deployment starts', async () => {
    const version = await inStage('STAGING');
    const endpoint = newEndpoint();
    expect(await start(version, endpoint, { startedAt: '2026-01-02T00:00:00Z' })).toEqual({
      __typename: 'StageNotServableError',
      message: `${version.model.name}@1.0.0 was in stage STAGING at 2026-01-02T00:00:00.000Z; a PRIMARY needs PRODUCTION. Move the version there first.`,
      path: ['input', 'modelVersion'],
      currentStage: 'STAGING',
      requiredStages: ['PRODUCTION'],
    });
    const { endpoint: found } = await hindcast.ask<{ endpoint: unknown }>(
      'query ($by: EndpointReference!) { endpoint(by: $by) { name } }',
      { by: { route: endpoint } },
    );
    expect(found).toBeNull();
  });

  it.each([
    [
      { trafficShare: 1.5 },
      'trafficShare is 1.5; give a number from 0 to 1.',
      ['input', 'trafficShare'],
    ],
    [
      { startedAt: '2099-01-01T00:00:00Z' },
      'startedAt is 2099-01-01T00:00:00.000Z, more than 5 minutes ahead; record a deployment when it has started.',
      ['input', 'startedAt'],
    ],
    [
      {
        replaces: [
          Buffer.from('Deployment:8d5b4c5e-0000-4000-8000-000000000000').toString('base64'),
        ],
      },
      'The endpoint has no such deployment; look at its active deployments.',
      ['input', 'replaces', '0'],
    ],
  ])('refuses %j', async (more, message, path) => {
    const version = await inProduction();
    expect(await start(version, newEndpoint(), more)).toEqual({
      __typename: 'InvalidInputError',
      message,
      path,
    });
  });

  it('lets one of many at once win, and tells the others why they did not', async () => {
    const version = await inProduction();
    const endpoint = newEndpoint();
    const answers = await Promise.all(Array.from({ length: 8 }, () => start(version, endpoint)));
    expect(answers.map(({ __typename }) => __typename).sort()).toEqual(
      ['StartDeploymentPayload', ...Array(7).fill('TrafficShareError')].sort(),
    );
  });
});

describe('endDeployment and correctDeployment', () => {
  it('append facts to the chain of the deployment', async () => {
    const endpoint = newEndpoint();
    const id = await deploy(hindcast, await inProduction(), endpoint);
    const end = { deployment: id, endReason: 'RETIRED', endedAt: '2026-01-20T00:00:00Z' };
    const { endDeployment } = await hindcast.ask<{ endDeployment: Json }>(CHANGE, { end });
    const { facts, ...ended } = endDeployment.deployment as { facts: Json[] };
    expect(ended).toEqual({ endedAt: '2026-01-20T00:00:00.000Z', endReason: 'RETIRED' });
    expect(facts.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(facts[1]?.previousDigest).toBe(facts[0]?.digest);
    expect(await servedAt(endpoint, '2026-01-20T00:00:00Z')).toEqual([]);
    const again = await hindcast.ask<{ endDeployment: Json }>(CHANGE, { end });
    expect(again.endDeployment).toEqual({
      __typename: 'InvalidInputError',
      message:
        'The deployment ended at 2026-01-20T00:00:00.000Z already; use correctDeployment if that is wrong.',
      path: ['input', 'deployment'],
    });
  });

  it('change the answer from the correction on, and none before it', async () => {
    const endpoint = newEndpoint();
    const id = await deploy(hindcast, await inProduction(), endpoint);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const before = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const input = { deployment: id, startedAt: '2026-01-15T00:00:00Z', reason: 'Started later.' };
    const { correctDeployment } = await hindcast.ask<{ correctDeployment: Json }>(CORRECT, {
      input,
    });
    expect(correctDeployment).toMatchObject({
      deployment: { startedAt: '2026-01-15T00:00:00.000Z', endedAt: null, isRetracted: false },
    });
    expect(await servedAt(endpoint, '2026-01-10T00:00:00Z')).toEqual([]);
    expect(await servedAt(endpoint, '2026-01-10T00:00:00Z', before)).toHaveLength(1);
    const retraction = { deployment: id, isRetracted: true, reason: 'Never happened.' };
    await hindcast.ask(CORRECT, { input: retraction });
    expect(await servedAt(endpoint, '2026-01-16T00:00:00Z')).toEqual([]);
  });

  it.each([
    [{ trafficShare: -1 }, 'trafficShare is -1; give a number from 0 to 1.'],
    [
      { endedAt: '2026-01-01T12:00:00Z', endReason: 'RETIRED' },
      'endedAt is 2026-01-01T12:00:00.000Z, before the start at 2026-01-02T00:00:00.000Z.',
    ],
    [
      { endedAt: '2026-01-20T00:00:00Z' },
      'A deployment that ended has an endReason, and one that is active has none; give both or neither.',
    ],
  ])('refuse %j', async (more, message) => {
    const id = await deploy(hindcast, await inProduction(), newEndpoint());
    const input = { deployment: id, reason: 'Tested.', ...more };
    const { correctDeployment } = await hindcast.ask<{ correctDeployment: Json }>(CORRECT, {
      input,
    });
    expect(correctDeployment).toMatchObject({ __typename: 'InvalidInputError', message });
  });
});

it('the history of an endpoint is one statement', async () => {
  const endpoint = newEndpoint();
  await deploy(hindcast, await inProduction(), endpoint);
  await servedAt(endpoint, '2026-02-01T00:00:00Z');
  const statements = await hindcast.statementsOf(() => servedAt(endpoint, '2026-02-01T00:00:00Z'));
  expect(statements).toHaveLength(1);
});
