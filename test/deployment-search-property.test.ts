import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatInstant, type Instant } from '../src/platform/instant.ts';
import { deploymentsIn } from '../src/serving/deployment-history.ts';
import { beliefAt, type DeploymentHistory } from '../src/serving/timeline.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { insertEndpoint, insertSchema, insertVersion, someDigest } from './setup/versions.ts';

// Random histories are searched by random filters, and by the rules that the rest of the program reads histories with.

const hindcast = await openTestHindcast();
const { database, ask } = hindcast;

const environment = unique('environment');
const schema = await insertSchema(database, []);
const versions = [await insertVersion(database, schema), await insertVersion(database, schema)];
const endpoints = [
  await insertEndpoint(database, unique('one'), environment),
  await insertEndpoint(database, unique('two'), environment),
];

const START = Date.UTC(2026, 0, 1) * 1000;
const DAY = 86_400_000_000;
const day = (number: number): Instant => START + number * DAY;
const days = (number: number): Date => new Date(day(number) / 1000);
const few = fc.nat(5);

const REASONS = ['SUPERSEDED', 'ROLLED_BACK'] as const;
const ROLES = ['PRIMARY', 'CANARY', 'SHADOW'] as const;
const ACTORS = ['ada', 'ben'] as const;

const anyFact = fc.record({
  startedAt: few,
  length: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
  endReason: fc.constantFrom(...REASONS),
  isRetracted: fc.nat(4).map((number) => number === 0),
  actor: fc.constantFrom(...ACTORS),
  later: fc.nat(2),
});

const anyDeployment = fc.record({
  endpoint: fc.nat(1),
  version: fc.nat(1),
  role: fc.constantFrom(...ROLES),
  recorded: few,
  facts: fc.array(anyFact, { minLength: 1, maxLength: 4 }),
});

for (const { endpoint, version, role, recorded, facts } of fc.sample(anyDeployment, 60)) {
  let recordedOn = recorded;
  await database.prisma.deployment.create({
    data: {
      endpointId: endpoints[endpoint]?.id ?? 0,
      modelVersionId: versions[version]?.id ?? 0,
      role,
      recordedAt: days(recorded),
      facts: {
        create: facts.map(({ startedAt, length, endReason, isRetracted, actor, later }, index) => {
          recordedOn += index === 0 ? 0 : later;
          return {
            sequence: index + 1,
            trafficShare: 0.5,
            startedAt: days(startedAt),
            endedAt: length === null ? null : days(startedAt + length),
            endReason: length === null ? null : endReason,
            isRetracted,
            reason: '',
            actor,
            recordedAt: days(recordedOn),
            digest: someDigest(),
            previousDigest: null,
          };
        }),
      },
    },
  });
}

interface Window {
  readonly from: number | null;
  readonly to: number | null;
}

const anyWindow = fc
  .record({ from: few, length: fc.integer({ min: 1, max: 4 }), open: fc.nat(2) })
  .map(
    ({ from, length, open }): Window => ({
      from: open === 1 ? null : from,
      to: open === 2 ? null : from + length,
    }),
  );

// Mostly left out: of many conditions at once nothing would be found.
const orNull = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });

const anySearch = fc.record({
  knownAt: orNull(few),
  endpoint: orNull(fc.nat(1)),
  version: orNull(fc.nat(1)),
  roles: orNull(fc.subarray([...ROLES])),
  endReasons: orNull(fc.subarray([...REASONS])),
  actor: orNull(fc.constantFrom(...ACTORS)),
  startedAt: orNull(anyWindow),
  activeDuring: orNull(anyWindow),
  recordedAt: orNull(anyWindow),
  isActive: orNull(fc.boolean()),
  includesRetracted: fc.boolean(),
  pageSize: fc.integer({ min: 1, max: 30 }),
});

type Search = typeof anySearch extends fc.Arbitrary<infer Value> ? Value : never;

const holds = (window: Window | null, at: Instant): boolean =>
  (window?.from == null || day(window.from) <= at) && (window?.to == null || at < day(window.to));

const matches = (history: DeploymentHistory, search: Search): boolean => {
  const known = history.facts.filter(
    ({ recordedAt }) => search.knownAt === null || recordedAt <= day(search.knownAt),
  );
  const last = known.at(-1);
  if (last === undefined) return false;
  const belief = beliefAt(history, search.knownAt === null ? undefined : day(search.knownAt));
  const now = Date.now() * 1000;
  const isServing =
    belief !== null && belief.startedAt <= now && (belief.endedAt === null || belief.endedAt > now);
  const { activeDuring } = search;
  return (
    (search.includesRetracted || belief !== null) &&
    (search.endpoint === null || history.endpointId === endpoints[search.endpoint]?.id) &&
    (search.version === null || history.modelVersionId === versions[search.version]?.id) &&
    (search.roles === null || search.roles.includes(history.role)) &&
    (search.endReasons === null || search.endReasons.some((one) => one === last.endReason)) &&
    (search.actor === null || known.some(({ actor }) => actor === search.actor)) &&
    (search.startedAt === null || holds(search.startedAt, last.startedAt)) &&
    (activeDuring?.to == null || last.startedAt < day(activeDuring.to)) &&
    (activeDuring?.from == null ||
      last.endedAt === null ||
      last.endedAt > day(activeDuring.from)) &&
    (search.recordedAt === null ||
      known.some(({ recordedAt }) => holds(search.recordedAt, recordedAt))) &&
    (search.isActive === null || search.isActive === isServing)
  );
};

const lastStart = (history: DeploymentHistory, { knownAt }: Search): Instant =>
  history.facts.findLast(({ recordedAt }) => knownAt === null || recordedAt <= day(knownAt))
    ?.startedAt ?? 0;

const windowOf = (window: Window | null) =>
  window === null
    ? null
    : {
        ...(window.from === null ? {} : { from: formatInstant(day(window.from)) }),
        ...(window.to === null ? {} : { to: formatInstant(day(window.to)) }),
      };

const SEARCH = `query ($filter: DeploymentSearchFilter, $knownAt: DateTime,
    $first: Int, $after: String, $last: Int, $before: String) {
  deployments(filter: $filter, knownAt: $knownAt, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage }
  }
}`;

interface Answer {
  readonly deployments: {
    readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
  };
}

const searchAll = async (search: Search, isBackward: boolean): Promise<readonly string[]> => {
  const route = search.endpoint === null ? undefined : endpoints[search.endpoint];
  const digest = search.version === null ? undefined : versions[search.version]?.digest;
  const filter = {
    environment,
    endpoint: route === undefined ? null : { route: { name: route.name, environment } },
    modelVersion: digest === undefined ? null : { digest },
    roles: search.roles,
    endReasons: search.endReasons,
    actor: search.actor,
    startedAt: windowOf(search.startedAt),
    activeDuring: windowOf(search.activeDuring),
    recordedAt: windowOf(search.recordedAt),
    isActive: search.isActive,
    includesRetracted: search.includesRetracted,
  };
  const knownAt = search.knownAt === null ? null : formatInstant(day(search.knownAt));
  const found: string[] = [];
  for (let cursor: string | null = null, goesOn = true; goesOn; ) {
    const paging: Record<string, unknown> = isBackward
      ? { last: search.pageSize, before: cursor }
      : { first: search.pageSize, after: cursor };
    const { deployments }: Answer = await ask<Answer>(SEARCH, { filter, knownAt, ...paging });
    const ids = deployments.edges.map(({ node }) => node.id);
    if (isBackward) found.unshift(...ids);
    else found.push(...ids);
    const { hasNextPage, hasPreviousPage } = deployments.pageInfo;
    goesOn = isBackward ? hasPreviousPage : hasNextPage;
    cursor = (isBackward ? deployments.edges[0] : deployments.edges.at(-1))?.cursor ?? null;
  }
  return found;
};

it('a search finds what the timelines say, in order, page by page both ways', async () => {
  const histories = (
    await Promise.all(endpoints.map(({ id }) => deploymentsIn(database.prisma, id)))
  ).flat();
  expect(histories).toHaveLength(60);
  let found = 0;
  await fc.assert(
    fc.asyncProperty(anySearch, fc.boolean(), async (search, isBackward) => {
      const expected = histories
        .filter((history) => matches(history, search))
        .sort((a, b) => lastStart(b, search) - lastStart(a, search) || b.id - a.id)
        .map(({ publicId }) => Buffer.from(`Deployment:${publicId}`).toString('base64'));
      expect(await searchAll(search, isBackward)).toEqual(expected);
      found += expected.length;
    }),
    { numRuns: 100 },
  );
  expect(found).toBeGreaterThan(100);
});
