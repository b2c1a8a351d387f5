import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cell, cutWindow, disagreementsOf } from '../src/forensics/disagreement.ts';
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
const { ask, respond, statementsOf } = hindcast;

type Json = Record<string, unknown>;

const servable = async (): Promise<RegisteredVersion> => {
  const version = await register(hindcast, registration([field('a')]));
  await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
  await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
  return version;
};

const releaseOf = (version: RegisteredVersion): string => `${version.model.name}@${version.semver}`;

const DISAGREEMENTS = `query ($by: EndpointReference!, $during: TimeWindow!, $knownAt: DateTime) {
  endpoint(by: $by) {
    disagreements(during: $during, knownAt: $knownAt) {
      nodes {
        kind predictionCount firstAt lastAt
        modelVersion { displayName }
        believed { modelVersion { displayName } }
        predictions { count { value } }
      }
    }
  }
}`;

const JANUARY = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };

const disagreements = async (
  route: Route,
  during: Json = JANUARY,
  knownAt: string | null = null,
): Promise<readonly Json[]> => {
  const { endpoint } = await ask<{ endpoint: { disagreements: { nodes: Json[] } } }>(
    DISAGREEMENTS,
    { by: { route }, during, knownAt },
  );
  return endpoint.disagreements.nodes;
};

const SERVED_AT = `query ($endpoint: EndpointReference!, $at: DateTime!, $knownAt: DateTime, $s: Int! = 300) {
  servedAt(endpoint: $endpoint, at: $at, knownAt: $knownAt) {
    isConsistent(withinSeconds: $s)
    deployments { modelVersion { displayName } }
    observed(withinSeconds: $s) {
      modelVersion { displayName } predictionCount unbelievedCount isExpectedSchema
    }
  }
}`;

const servedAt = async (route: Route, at: string, more: Json = {}): Promise<Json> =>
  (await ask<{ servedAt: Json }>(SERVED_AT, { endpoint: { route }, at, ...more })).servedAt;

describe('what served an endpoint', () => {
  it('shows a version that answered although another was believed to', async () => {
    const [believed, actual] = [await servable(), await servable()];
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    await deploy(hindcast, believed, endpoint);
    const at = (minute: string) => ({ occurredAt: `2026-01-10T12:${minute}:00Z` });
    await append(hindcast, [
      line(believed, endpoint, { a: 1 }, at('00')),
      line(actual, endpoint, { a: 1 }, at('01')),
      line(actual, endpoint, { a: 2 }, at('02')),
      line(actual, endpoint, { a: 3 }, at('20')),
    ]);
    const state = await servedAt(endpoint, '2026-01-10T12:00:00Z');
    expect(state).toEqual({
      isConsistent: false,
      deployments: [{ modelVersion: { displayName: releaseOf(believed) } }],
      observed: [
        {
          modelVersion: { displayName: releaseOf(actual) },
          predictionCount: 2,
          unbelievedCount: 2,
          isExpectedSchema: true,
        },
        {
          modelVersion: { displayName: releaseOf(believed) },
          predictionCount: 1,
          unbelievedCount: 0,
          isExpectedSchema: true,
        },
      ],
    });
    expect(await disagreements(endpoint)).toEqual([
      {
        kind: 'VERSION_NOT_DEPLOYED',
        predictionCount: 3,
        firstAt: '2026-01-10T12:01:00.000Z',
        lastAt: '2026-01-10T12:20:00.000Z',
        modelVersion: { displayName: releaseOf(actual) },
        believed: [{ modelVersion: { displayName: releaseOf(believed) } }],
        predictions: { count: { value: 3 } },
      },
    ]);
  });

  it('changes with a late correction for what is known after it, and for no earlier time', async () => {
    const [first, second] = [await servable(), await servable()];
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    const wrong = await deploy(hindcast, first, endpoint);
    await append(hindcast, [
      line(second, endpoint, { a: 1 }, { occurredAt: '2026-01-10T12:00:00Z' }),
    ]);
    const at = '2026-01-10T12:00:00Z';
    const { recordedAt } = (
      await ask<{ node: { recordedAt: string } }>(
        `query ($id: ID!) { node(id: $id) { ... on Deployment { recordedAt } } }`,
        { id: wrong },
      )
    ).node;
    // The log's record must have been there already.
    const knownBefore = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await ask(
      `mutation ($input: CorrectDeploymentInput!) { correctDeployment(input: $input) { __typename } }`,
      { input: { deployment: wrong, isRetracted: true, reason: 'It was the other one.' } },
    );
    await deploy(hindcast, second, endpoint);
    expect(await servedAt(endpoint, at)).toMatchObject({
      isConsistent: true,
      deployments: [{ modelVersion: { displayName: releaseOf(second) } }],
    });
    expect(await servedAt(endpoint, at, { knownAt: knownBefore })).toMatchObject({
      isConsistent: false,
      deployments: [{ modelVersion: { displayName: releaseOf(first) } }],
      observed: [{ unbelievedCount: 1 }],
    });
    // Before anything was recorded there was neither belief nor fact.
    const nothing = new Date(Date.parse(recordedAt) - 1).toISOString();
    expect(await servedAt(endpoint, at, { knownAt: nothing })).toEqual({
      isConsistent: null,
      deployments: [],
      observed: [],
    });
    expect(await disagreements(endpoint)).toEqual([]);
    expect(await disagreements(endpoint, JANUARY, knownBefore)).toMatchObject([
      { kind: 'VERSION_NOT_DEPLOYED', predictionCount: 1 },
    ]);
  });

  it('cuts disagreements exactly where a deployment begins or ends, within the hour', async () => {
    const version = await servable();
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    await deploy(hindcast, version, endpoint, { startedAt: '2026-01-10T12:30:00Z' });
    const at = (time: string) =>
      line(version, endpoint, { a: 1 }, { occurredAt: `2026-01-10T${time}Z` });
    await append(hindcast, [
      at('11:59:59.999999'),
      at('12:29:59.999999'),
      at('12:30:00'),
      at('13:00:00'),
    ]);
    expect(await disagreements(endpoint)).toMatchObject([
      {
        kind: 'VERSION_NOT_DEPLOYED',
        predictionCount: 2,
        firstAt: '2026-01-10T11:59:59.999999Z',
        lastAt: '2026-01-10T12:29:59.999999Z',
        believed: [],
      },
    ]);
    const narrow = { from: '2026-01-10T12:10:00Z', to: '2026-01-10T12:29:59.999999Z' };
    expect(await disagreements(endpoint, narrow)).toEqual([]);
  });

  it('answers with a constant number of statements', async () => {
    const version = await servable();
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    await deploy(hindcast, version, endpoint);
    const records = Array.from({ length: 30 }, (_, n) =>
      line(
        version,
        endpoint,
        { a: n },
        { occurredAt: `2026-01-${String(n + 1).padStart(2, '0')}T12:00:00Z` },
      ),
    );
    await append(hindcast, records);
    await servedAt(endpoint, '2026-01-10T12:00:00Z');
    const state = await statementsOf(() => servedAt(endpoint, '2026-01-10T12:00:00Z'));
    // The deployments, and what the log shows: once, although two fields ask for it.
    expect(state).toHaveLength(2);
    const document = DISAGREEMENTS.replace('predictions { count { value } }', '');
    const report = await statementsOf(() =>
      ask(document, { by: { route: endpoint }, during: JANUARY }),
    );
    expect(report).toHaveLength(2);
  });

  it('refuses windows that do not bound what is read', async () => {
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    await deploy(hindcast, await servable(), endpoint);
    const message = 'during: Give `from` and a later `to`, at most 366 days apart.';
    for (const during of [
      { from: '2026-01-01T00:00:00Z' },
      { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
      { from: '2024-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    ]) {
      const { errors } = await respond(DISAGREEMENTS, { by: { route: endpoint }, during });
      expect(errors).toMatchObject([{ message, extensions: { code: 'BAD_USER_INPUT' } }]);
    }
    const wide = await respond(SERVED_AT, {
      endpoint: { route: endpoint },
      at: '2026-01-10T12:00:00Z',
      s: 3601,
    });
    expect(wide.errors?.map(({ message: text }) => text)).toContain(
      'withinSeconds: 3601 seconds; give 1 to 3600.',
    );
  });
});

const HOUR = 3_600_000_000;

describe('a window cut at instants', () => {
  it('is covered once by its whole hours and pieces, none of which holds a cut', () => {
    const instant = fc.integer({ min: 0, max: 10 * HOUR });
    fc.assert(
      fc.property(instant, instant, fc.array(instant, { maxLength: 5 }), (one, other, changes) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        fc.pre(from < to);
        const { cutHours, pieces } = cutWindow(from, to, changes);
        const whole: { from: number; to: number }[] = [];
        for (let hour = Math.floor(from / HOUR) * HOUR; hour < to; hour += HOUR) {
          if (!cutHours.includes(hour)) whole.push({ from: hour, to: hour + HOUR });
        }
        const cells = [...whole, ...pieces].sort((a, b) => a.from - b.from);
        expect(cells[0]?.from).toBe(from);
        expect(cells.at(-1)?.to).toBe(to);
        for (const [index, cell] of cells.slice(1).entries()) {
          expect(cell.from).toBe(cells[index]?.to);
        }
        for (const cell of cells) {
          expect(changes.some((at) => at > cell.from && at < cell.to)).toBe(false);
        }
      }),
    );
  });
});

describe('disagreements', () => {
  const cell = (hour: number, isWrong: boolean): Cell => ({
    modelVersionId: 1,
    featureSchemaId: isWrong ? 2 : 1,
    from: hour * HOUR,
    to: (hour + 1) * HOUR,
    count: 10,
    estimated: 40,
    variance: 120,
    firstAt: hour * HOUR + 1,
    lastAt: hour * HOUR + 2,
  });
  const beliefs = {
    isDeployed: () => true,
    isExpected: (_: number, schema: number) => schema === 1,
  };
  const spans = (...cells: readonly Cell[]) =>
    disagreementsOf(cells, beliefs).map(({ firstAt, lastAt, count }) => [
      Math.floor(firstAt / HOUR),
      Math.floor(lastAt / HOUR),
      count,
    ]);

  it('go on through a quiet night', () => {
    expect(spans(cell(1, true), cell(2, true), cell(12, true))).toEqual([[1, 12, 30]]);
  });

  it('end where the version answered as expected in between', () => {
    expect(spans(cell(1, true), cell(2, false), cell(3, true))).toEqual([
      [1, 1, 10],
      [3, 3, 10],
    ]);
  });

  it('end after a day of silence', () => {
    expect(spans(cell(1, true), cell(26, true))).toEqual([[1, 26, 20]]);
    expect(spans(cell(1, true), cell(27, true))).toEqual([
      [1, 1, 10],
      [27, 27, 10],
    ]);
  });
});
