import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
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
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { ask, respond } = hindcast;

type Json = Record<string, unknown>;

const inUnit = (unit: string) =>
  field('distance', 'FP64', {
    transformations: [
      { function: 'great_circle', version: '1', inputs: ['from', 'to'], parameters: { unit } },
    ],
  });

const production = async (fields: readonly Json[], more: Json = {}): Promise<RegisteredVersion> => {
  const version = await register(hindcast, registration(fields, more));
  await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
  await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
  return version;
};

const release = ({ model, semver }: RegisteredVersion): string => `${model.name}@${semver}`;

const CHECK = `query ($by: EndpointReference!, $to: ModelVersionReference!, $at: DateTime, $last: Int! = 200) {
  endpoint(by: $by) { rollbackCheck(to: $to, at: $at, last: $last) {
    verdict checks { code verdict message } sent { predictionCount featureSchema { digest } } } }
}`;

interface Check {
  readonly verdict: string;
  readonly checks: readonly {
    readonly code: string;
    readonly verdict: string;
    readonly message: string;
  }[];
  readonly sent: readonly Json[];
}

const check = async (route: Route, version: RegisteredVersion, more: Json = {}): Promise<Check> =>
  (
    await ask<{ endpoint: { rollbackCheck: Check } }>(CHECK, {
      by: { route },
      to: { digest: version.digest },
      ...more,
    })
  ).endpoint.rollbackCheck;

const verdictOf = (found: Check, code: string) =>
  found.checks.find((item) => item.code === code)?.verdict;

const START = `mutation ($input: StartDeploymentInput!) { startDeployment(input: $input) {
  __typename
  ... on UserError { message path }
  ... on DeploymentBlockedError { blockers }
  ... on StartDeploymentPayload { deployment { facts { overrideReason } } }
} }`;

/** An endpoint that went from a version in miles to one in kilometres, and sends kilometres since. */
const migrated = async () => {
  const [old, recent] = [await production([inUnit('mi')]), await production([inUnit('km')])];
  const endpoint = { name: unique('endpoint'), environment: 'test' };
  const first = await deploy(hindcast, old, endpoint);
  await deploy(hindcast, recent, endpoint, {
    startedAt: '2026-02-01T00:00:00Z',
    replaces: [first],
  });
  const at = (version: RegisteredVersion, occurredAt: string) =>
    line(version, endpoint, { distance: 1 }, { occurredAt });
  await append(hindcast, [
    at(old, '2026-01-10T00:00:00Z'),
    at(recent, '2026-02-10T00:00:00Z'),
    at(recent, '2026-02-11T00:00:00Z'),
  ]);
  return { old, recent, endpoint };
};

describe('a rollback check', () => {
  it('blocks a version that would read kilometres as miles, naming the parameter', async () => {
    const { old, recent, endpoint } = await migrated();
    const found = await check(endpoint, old, { last: 2 });
    expect(found.verdict).toBe('BLOCKED');
    expect(found.sent).toEqual([
      { predictionCount: 2, featureSchema: { digest: recent.featureSchema.digest } },
    ]);
    const features = found.checks.find(({ code }) => code === 'FEATURE_SCHEMA_COMPATIBLE');
    const schema = ({ featureSchema: { name, semver } }: RegisteredVersion) => `${name} ${semver}`;
    expect(features).toEqual({
      code: 'FEATURE_SCHEMA_COMPATIBLE',
      verdict: 'BLOCKED',
      message: `${release(old)} expects ${schema(old)}. 2 of the last predictions were built with ${schema(recent)} (last at 2026-02-11T00:00:00.000Z), which differs in distance (unit "km" → "mi").`,
    });
    for (const code of ['STAGE_ALLOWS_SERVING', 'INTEGRITY', 'SERVED_BEFORE']) {
      expect([code, verdictOf(found, code)]).toEqual([code, 'SAFE']);
    }
  });

  it('asks for review where the pipeline sends both, and passes what fits', async () => {
    const { old, recent, endpoint } = await migrated();
    expect(verdictOf(await check(endpoint, old), 'FEATURE_SCHEMA_COMPATIBLE')).toBe('NEEDS_REVIEW');
    const before = await check(endpoint, old, { at: '2026-01-20T00:00:00Z' });
    expect(verdictOf(before, 'FEATURE_SCHEMA_COMPATIBLE')).toBe('SAFE');
    const now = await check(endpoint, recent, { last: 2 });
    expect(verdictOf(now, 'FEATURE_SCHEMA_COMPATIBLE')).toBe('SAFE');
  });

  it('cannot tell without predictions, nor for a version that never served', async () => {
    const version = await production([inUnit('mi')]);
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    await deploy(hindcast, await production([inUnit('mi')]), endpoint);
    const found = await check(endpoint, version);
    expect(found.verdict).toBe('NEEDS_REVIEW');
    expect(verdictOf(found, 'FEATURE_SCHEMA_COMPATIBLE')).toBe('NEEDS_REVIEW');
    expect(found.checks.find(({ code }) => code === 'SERVED_BEFORE')?.message).toBe(
      `${release(version)} never served this endpoint.`,
    );
  });

  it('blocks a revoked version', async () => {
    const { recent, endpoint } = await migrated();
    await moveTo(hindcast, recent, 'REVOKED');
    const found = await check(endpoint, recent);
    expect([found.verdict, verdictOf(found, 'STAGE_ALLOWS_SERVING')]).toEqual([
      'BLOCKED',
      'BLOCKED',
    ]);
  });

  it('refuses to look at more predictions than it reads', async () => {
    const { recent, endpoint } = await migrated();
    const { errors } = await respond(CHECK, {
      by: { route: endpoint },
      to: { digest: recent.digest },
      last: 2001,
    });
    expect(errors?.map(({ message }) => message)).toEqual(['last: 2001; give 1 to 2000.']);
  });
});

describe('starting a deployment that a check is against', () => {
  const start = async (endpoint: Route, version: RegisteredVersion, more: Json = {}) =>
    (
      await ask<{ startDeployment: Json }>(START, {
        input: { endpoint, modelVersion: { digest: version.digest }, trafficShare: 0, ...more },
      })
    ).startDeployment;

  /** Adds predictions until only the newer schema is among the last. */
  const settled = async () => {
    const found = await migrated();
    const records = Array.from({ length: 200 }, () =>
      line(found.recent, found.endpoint, { distance: 1 }, { occurredAt: '2026-02-12T00:00:00Z' }),
    );
    await append(hindcast, records);
    return found;
  };

  it('is refused, writes nothing, and goes through with a reason, which is recorded', async () => {
    const { old, endpoint } = await settled();
    const refused = await start(endpoint, old);
    expect(refused).toMatchObject({
      __typename: 'DeploymentBlockedError',
      path: ['input', 'modelVersion'],
      blockers: [expect.stringContaining('distance (unit "km" → "mi")')],
    });
    expect(refused.message).toMatch(/give overrideReason to start it all the same\.$/);
    const { endpoint: after } = await ask<{ endpoint: { deployments: { nodes: unknown[] } } }>(
      `query ($by: EndpointReference!) { endpoint(by: $by) { deployments { nodes { id } } } }`,
      { by: { route: endpoint } },
    );
    expect(after.deployments.nodes).toHaveLength(2);
    expect(await start(endpoint, old, { overrideReason: 'The pipeline goes back, too.' })).toEqual({
      __typename: 'StartDeploymentPayload',
      deployment: { facts: [{ overrideReason: 'The pipeline goes back, too.' }] },
    });
    expect(await start(endpoint, old, { overrideReason: ' ' })).toMatchObject({
      __typename: 'InvalidInputError',
      message: 'overrideReason is empty; say why, or leave it out.',
    });
  });

  it('is no hindrance for a version that is new to the endpoint, or serves already', async () => {
    const { recent, endpoint } = await settled();
    const next = await production([inUnit('m')]);
    expect(await start(endpoint, next, { overrideReason: 'Not needed.' })).toEqual({
      __typename: 'StartDeploymentPayload',
      deployment: { facts: [{ overrideReason: null }] },
    });
    expect(await start(endpoint, recent)).toMatchObject({ __typename: 'StartDeploymentPayload' });
  });
});
