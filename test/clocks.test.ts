import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isSealingDue } from '../src/ledger/ledger-store.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { unique } from './setup/database.ts';
import { settableClock } from './setup/database-clock.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import {
  append,
  deploy,
  field,
  line,
  moveTo,
  type RegisteredVersion,
  type Route,
  register,
  registration,
  served,
} from './setup/registration.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const hindcast = await openTestHindcast(localActor('tester'), logRoutes, null, signer);
const { database, artifacts, archive, ask } = hindcast;
const setDatabaseClock = await settableClock(database);

const HOUR = 3_600_000;

/** A version that was registered, moved and deployed at the times that the database tells. */
const servedNow = async (
  between: () => Promise<void> = async () => {},
): Promise<{
  readonly version: RegisteredVersion;
  readonly endpoint: Route;
  readonly deployment: string;
}> => {
  const version = await register(
    hindcast,
    registration([field('distance')], { registeredAt: undefined }),
  );
  await moveTo(hindcast, version, 'STAGING');
  await between();
  await moveTo(hindcast, version, 'PRODUCTION');
  const endpoint = { name: unique('endpoint'), environment: 'test' };
  const deployment = await deploy(hindcast, version, endpoint, { startedAt: undefined });
  return { version, endpoint, deployment };
};

const STATE = `query ($model: String!, $id: ID!, $route: EndpointRouteInput!) {
  modelVersion(by: { id: $id }) { stage allowedTransitions transitions(first: 10) { nodes { sequence recordedAt } } }
  model(name: $model) { versions(first: 5, filter: { stages: [PRODUCTION] }) { nodes { id } } }
  deployments(first: 5, filter: { endpoint: { route: $route }, isActive: true }) { nodes { id } }
  endpoint(by: { route: $route }) {
    activeDeployments { id }
    deployments(first: 5, filter: { isActive: true }) { nodes { id } }
  }
}`;

interface State {
  readonly modelVersion: {
    readonly stage: string;
    readonly transitions: { readonly nodes: readonly { readonly recordedAt: string }[] };
  };
}

const stateOf = (version: RegisteredVersion, endpoint: Route): Promise<State> =>
  ask<State>(STATE, { model: version.model.name, id: version.id, route: endpoint });

const expectServing = async ({
  version,
  endpoint,
  deployment,
}: Awaited<ReturnType<typeof servedNow>>): Promise<void> => {
  expect(await stateOf(version, endpoint)).toMatchObject({
    modelVersion: { stage: 'PRODUCTION', allowedTransitions: ['STAGING', 'ARCHIVED', 'REVOKED'] },
    model: { versions: { nodes: [{ id: version.id }] } },
    deployments: { nodes: [{ id: deployment }] },
    endpoint: {
      activeDeployments: [{ id: deployment }],
      deployments: { nodes: [{ id: deployment }] },
    },
  });
};

const expectIntact = async (): Promise<void> => {
  await sealLedger(database, signer);
  const keys = [signer.verifierKey];
  const report = await verifyLedger(database, { keys, witnesses: [], artifacts, archive });
  expect(report.discrepancies).toEqual([]);
};

describe('a clock of this server that is wrong', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([-2 * HOUR, -30 * HOUR, 2 * HOUR])(
    'by %i ms hides nothing that is on record',
    async (shift) => {
      vi.setSystemTime(Date.now() + shift);
      await expectServing(await servedNow());
      await expectIntact();
    },
  );

  it('that jumps while facts are recorded leaves them in the order of the database', async () => {
    const serving = await servedNow(async () => {
      vi.setSystemTime(Date.now() - 5 * HOUR);
    });
    vi.setSystemTime(Date.now() + 10 * HOUR);
    await expectServing(serving);
    await expectIntact();
  });
});

describe('a clock of the database that is set back', () => {
  afterEach(() => setDatabaseClock('0'));

  it('never makes record times of a history run backwards, nor hides what was recorded', async () => {
    await setDatabaseClock('2 hours');
    const serving = await servedNow(() => setDatabaseClock('-1 hour'));
    await expectServing(serving);
    const { version, endpoint, deployment } = serving;
    await setDatabaseClock('-3 hours');
    const { endDeployment } = await ask<{ endDeployment: unknown }>(
      `mutation ($input: EndDeploymentInput!) { endDeployment(input: $input) {
        ... on EndDeploymentPayload { deployment { endReason } } ... on UserError { message } } }`,
      { input: { deployment, endReason: 'RETIRED', reason: 'Tested.' } },
    );
    expect(endDeployment).toEqual({ deployment: { endReason: 'RETIRED' } });
    await moveTo(hindcast, version, 'ARCHIVED');
    const { modelVersion } = await stateOf(version, endpoint);
    expect(modelVersion.stage).toBe('ARCHIVED');
    const times = modelVersion.transitions.nodes.map(({ recordedAt }) => recordedAt);
    expect(times).toHaveLength(4);
    expect([...times].sort()).toEqual(times);
    await expectIntact();
  });

  it('lets the newest declaration of a sampling hold', async () => {
    const { endpoint } = await served(hindcast, [field('distance')]);
    const declare = (rate: number) =>
      ask(
        `mutation ($input: DeclareSamplingInput!) { declareSampling(input: $input) {
          __typename ... on UserError { message } } }`,
        { input: { endpoint: { route: endpoint }, rule: 'RANDOM', rate, reason: 'Tested.' } },
      );
    await setDatabaseClock('-1 hour');
    await declare(0.5);
    await setDatabaseClock('-2 hours');
    await declare(0.25);
    const found = await ask(
      'query ($route: EndpointRouteInput!) { endpoint(by: { route: $route }) { sampling { rate } } }',
      { route: endpoint },
    );
    expect(found).toEqual({ endpoint: { sampling: { rate: 0.25 } } });
  });

  it('does not put off the next checkpoint', async () => {
    const { version, endpoint } = await served(hindcast, [field('distance')]);
    await setDatabaseClock('2 hours');
    await sealLedger(database, signer);
    expect(await isSealingDue(database, 10)).toBe(false);
    await setDatabaseClock('0');
    await append(hindcast, [line(version, endpoint, { distance: 1 })]);
    expect(await isSealingDue(database, 10)).toBe(true);
    await expectIntact();
  });
});

const RECORD = `query ($by: PredictionLogReference!) { trace(prediction: $by) {
  prediction { occurredAt } findings { code } } }`;

describe('the time of a prediction', () => {
  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

  it.each([
    ['at the beginning of 1970', '1970-01-01T00:00:00Z', []],
    ['a generation ago, in a week that has no partition yet', '1999-12-31T23:59:59.999999Z', []],
    ['four minutes ahead', ago(-4 * 60_000), []],
    ['23 hours ahead', ago(-23 * HOUR), ['CLOCK_SKEW']],
  ])('may be %s', async (_, occurredAt, codes) => {
    const { version, endpoint } = await served(hindcast, [field('distance')]);
    const sent = line(version, endpoint, { distance: 1 }, { occurredAt });
    expect((await append(hindcast, [sent])).at(-1)).toMatchObject({ summary: { stored: 1 } });
    const { trace } = await ask<{
      trace: { prediction: object; findings: readonly { code: string }[] };
    }>(RECORD, { by: { request: { requestId: sent.requestId, endpoint } } });
    expect(new Date((trace.prediction as { occurredAt: string }).occurredAt)).toEqual(
      new Date(occurredAt),
    );
    expect(trace.findings.map(({ code }) => code).filter((code) => code === 'CLOCK_SKEW')).toEqual(
      codes,
    );
  });
});
