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
  register,
  registration,
  served,
  sha256,
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { ask, respond, statementsOf, database } = hindcast;

type Json = Record<string, unknown>;

const IMPACT = `query ($of: ImpactRoot!, $during: TimeWindow) {
  impact(of: $of, during: $during) {
    roots { id } predictionCount isServing isTruncated gaps { subject reason message }
    modelVersions { nodes { displayName } }
    deployments { nodes { id } }
    endpoints { nodes { endpoint { name } predictionCount activeTrafficShare deployedFrom answeredTo } }
    spans { nodes { predictionCount isMadeFromRoot isFedByRoot } }
  }
}`;

const impact = async (of: Json, during: Json | null = null): Promise<Json> =>
  (await ask<{ impact: Json }>(IMPACT, { of, during })).impact;

const dataset = (name: string, more: Json = {}): Json => ({
  datasets: [
    {
      role: 'TRAINING',
      snapshot: {
        definition: { name, contentDigest: sha256(unique(name)), location: 's3://x', ...more },
      },
    },
  ],
});

const snapshotOf = async ({ id }: RegisteredVersion): Promise<{ id: string; digest: string }> => {
  const { modelVersion } = await ask<{
    modelVersion: { datasets: { snapshot: { id: string; digest: string } }[] };
  }>(`query ($id: ID!) { modelVersion(by: { id: $id }) { datasets { snapshot { id digest } } } }`, {
    id,
  });
  return modelVersion.datasets[0]?.snapshot ?? { id: '', digest: '' };
};

const hour = (hours: number, more = '00:00.000000'): string =>
  `2026-02-01T${String(hours).padStart(2, '0')}:${more}Z`;

describe('impact', () => {
  it('of a bad snapshot reaches versions trained on what was derived from it', async () => {
    const raw = await snapshotOf(
      await register(hindcast, registration([field('a')], dataset('raw'))),
    );
    const middle = await snapshotOf(
      await register(
        hindcast,
        registration([field('a')], dataset('middle', { derivedFrom: [raw.digest] })),
      ),
    );
    const { version, endpoint } = await served(
      hindcast,
      [field('a')],
      dataset('end', { derivedFrom: [middle.digest] }),
    );
    await append(
      hindcast,
      [1, 2, 3].map((a) => line(version, endpoint, { a })),
    );
    const report = await impact({ id: raw.id });
    expect(report).toMatchObject({
      predictionCount: 3,
      isServing: true,
      isTruncated: false,
      gaps: [],
      endpoints: {
        nodes: [
          {
            endpoint: { name: endpoint.name },
            predictionCount: 3,
            activeTrafficShare: 1,
            deployedFrom: '2026-01-02T00:00:00.000Z',
            answeredTo: '2026-02-01T12:00:00.123456Z',
          },
        ],
      },
      spans: { nodes: [{ predictionCount: 3, isMadeFromRoot: true, isFedByRoot: false }] },
    });
    expect((report.modelVersions as { nodes: unknown[] }).nodes).toHaveLength(3);
  });

  it('counts a window exactly, to the microsecond, in whole hours and ragged ends', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const times = [hour(8), hour(9, '30:00.000001'), hour(10), hour(11, '59:59.999999'), hour(12)];
    await append(
      hindcast,
      times.map((occurredAt) => line(version, endpoint, { a: 1 }, { occurredAt })),
    );
    const count = async (from: string, to: string) =>
      (await impact({ id: version.id }, { from, to })).predictionCount;
    expect(await count(hour(8), hour(12))).toBe(4);
    expect(await count(hour(8, '00:00.000001'), hour(12, '00:00.000001'))).toBe(4);
    expect(await count(hour(9, '30:00.000001'), hour(11, '59:59.999999'))).toBe(2);
    expect(await count(hour(9, '30:00.000002'), hour(9, '59:00.000000'))).toBe(0);
  });

  it('costs the same number of statements whatever was predicted', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const document = `query ($of: ImpactRoot!) { impact(of: $of) { predictionCount isServing
      spans { nodes { predictionCount } } endpoints { nodes { predictionCount } } } }`;
    const variables = { of: { id: version.id } };
    await ask(document, variables);
    const before = await statementsOf(() => ask(document, variables));
    await append(
      hindcast,
      Array.from({ length: 50 }, (_, a) => line(version, endpoint, { a })),
    );
    const after = await statementsOf(() => ask(document, variables));
    expect(after).toHaveLength(before.length);
    // One level of the graph, the deployments, the counts, and what has expired.
    expect(after).toHaveLength(4);
  });

  it('does not count a retracted deployment or a shadow as serving', async () => {
    const version = await register(hindcast, registration([field('a')]));
    await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
    await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
    await deploy(hindcast, version, { name: unique('s'), environment: 'test' }, { role: 'SHADOW' });
    const retracted = await deploy(hindcast, version, { name: unique('p'), environment: 'test' });
    await ask(
      `mutation ($input: CorrectDeploymentInput!) { correctDeployment(input: $input) { __typename } }`,
      { input: { deployment: retracted, isRetracted: true, reason: 'Never was.' } },
    );
    const report = await impact({ id: version.id });
    expect(report).toMatchObject({ isServing: false, predictionCount: 0 });
    expect((report.deployments as { nodes: unknown[] }).nodes).toHaveLength(1);
  });

  it('of an interval of a dataset counts snapshots that do not say what they cover, and says so', async () => {
    const name = unique('payments');
    const covered = { eventTime: { from: '2026-01-01T00:00:00Z', to: '2026-01-08T00:00:00Z' } };
    await register(hindcast, registration([field('a')], dataset(name, covered)));
    const during = (from: string, to: string) => ({ data: { name, eventTime: { from, to } } });
    const rootsOf = async (from: string, to: string) =>
      ((await impact(during(from, to))).roots as unknown[]).length;
    expect(await rootsOf('2026-01-07T23:59:59Z', '2026-02-01T00:00:00Z')).toBe(1);
    expect(await rootsOf('2026-01-08T00:00:00Z', '2026-02-01T00:00:00Z')).toBe(0);
    expect(await rootsOf('2025-12-01T00:00:00Z', '2026-01-01T00:00:00Z')).toBe(0);
    const unstated = await snapshotOf(
      await register(hindcast, registration([field('a')], dataset(name))),
    );
    expect(await impact(during('2026-01-08T00:00:00Z', '2026-02-01T00:00:00Z'))).toMatchObject({
      roots: [{ id: unstated.id }],
      gaps: [
        {
          subject: 'eventTime',
          reason: 'NEVER_RECORDED',
          message: `Of ${name}, a snapshot does not state which events it covers and may or may not hold the interval; counted as affected: ${unstated.digest}.`,
        },
      ],
    });
  });

  it('says how many of the counted predictions the log no longer holds', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    await append(hindcast, [
      line(version, endpoint, { a: 2 }, { occurredAt: '2026-05-05T10:00:00Z' }),
      line(version, endpoint, { a: 3 }, { occurredAt: '2025-05-06T10:00:00Z' }),
    ]);
    await database.query({ text: 'DROP TABLE prediction_log_p20250505' });
    expect(await impact({ id: version.id })).toMatchObject({
      predictionCount: 2,
      gaps: [
        {
          subject: 'predictions',
          reason: 'EXPIRED',
          message:
            '1 of the affected predictions were counted but are no longer in the log; they are in the counts and in no list.',
        },
      ],
    });
  });

  it('refuses what has no impact and what it cannot read, naming the remedy', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    const { request } = await ask<{ request: { predictions: { id: string }[] } }>(
      `query ($requestId: String!) { request(by: { requestId: $requestId }) { predictions { id } } }`,
      { requestId: record.requestId },
    );
    const messages = async (of: Json, during: Json | null = null) =>
      (await respond(IMPACT, { of, during })).errors?.map(({ message }) => message);
    expect(await messages({ id: request.predictions[0]?.id })).toEqual([
      'of.id: Nothing is made from a prediction; ask about what it was made from.',
    ]);
    expect(await messages({ package: { name: 'numpy' } })).toEqual([
      'of.package.name: "numpy" is not a package URL without version, such as pkg:pypi/numpy; give versions in `versions`.',
    ]);
    expect(await messages({ package: { name: 'pkg:pypi/numpy@2.1.0' } })).toEqual([
      'of.package.name: "pkg:pypi/numpy@2.1.0" is not a package URL without version, such as pkg:pypi/numpy; give versions in `versions`.',
    ]);
    expect(await messages({ package: { name: 'pkg:pypi/numpy', versions: [] } })).toEqual([
      'of.package.versions: Give 1 to 100 versions; 0 were given.',
    ]);
    const empty = { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' };
    expect(await messages({ data: { name: 'x', eventTime: empty } })).toEqual([
      'of.data.eventTime: The window is empty: `from` must lie before `to`.',
    ]);
    const nothing = Buffer.from(`ModelVersion:${sha256('nothing')}`).toString('base64');
    expect(await ask(IMPACT, { of: { id: nothing } })).toEqual({ impact: null });
    await append(hindcast, [
      line(version, endpoint, { a: 1 }, { occurredAt: '2024-01-01T00:00:00Z' }),
    ]);
    const list = `query ($of: ImpactRoot!) { impact(of: $of) { predictions { nodes { requestId } } } }`;
    expect((await respond(list, { of: { id: version.id } })).errors).toMatchObject([
      {
        message:
          'during: The affected predictions span 763 days; they are listed of at most 366. Give `from` and `to`.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });
});

describe('the entities of an impact', () => {
  it('are listed by key, paged both ways, with their counts', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const about = (entityKey: string | null, hours: number) =>
      line(
        version,
        endpoint,
        { a: 1 },
        { ...(entityKey === null ? {} : { entityKey }), occurredAt: hour(hours) },
      );
    await append(hindcast, [
      about('b', 1),
      about('a', 2),
      about('c', 3),
      about('b', 4),
      about(null, 5),
    ]);
    const page = async (paging: string) => {
      const answer = await ask<{ impact: { entities: { nodes: Json[]; pageInfo: Json } } }>(
        `query ($of: ImpactRoot!) { impact(of: $of) { entities(${paging}) {
          nodes { key predictionCount firstAt lastAt } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } } }`,
        { of: { id: version.id } },
      );
      return answer.impact.entities;
    };
    const first = await page('first: 2');
    expect(first.nodes).toEqual([
      {
        key: 'a',
        predictionCount: 1,
        firstAt: '2026-02-01T02:00:00.000Z',
        lastAt: '2026-02-01T02:00:00.000Z',
      },
      {
        key: 'b',
        predictionCount: 2,
        firstAt: '2026-02-01T01:00:00.000Z',
        lastAt: '2026-02-01T04:00:00.000Z',
      },
    ]);
    const second = await page(`first: 2, after: "${String(first.pageInfo.endCursor)}"`);
    expect(second.nodes.map(({ key }) => key)).toEqual(['c']);
    expect(second.pageInfo.hasNextPage).toBe(false);
    const back = await page(`last: 1, before: "${String(second.pageInfo.startCursor)}"`);
    expect(back.nodes.map(({ key }) => key)).toEqual(['b']);
  });

  it('are refused without the scope that entity keys need', async () => {
    const actor = {
      ...localActor('reader'),
      scopes: new Set(['registry:read', 'predictions:read'] as const),
    };
    const limited = await openTestHindcast(actor, logRoutes);
    const { errors } = await limited.respond(
      `{ impact(of: { data: { name: "x", eventTime: {} } }) { entities { nodes { key } } } }`,
    );
    expect(errors).toMatchObject([
      {
        message: 'Entity keys need the scope `features:sensitive`, which this caller lacks.',
        extensions: { code: 'FORBIDDEN' },
      },
    ]);
  });
});
