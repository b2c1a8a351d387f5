import { describe, expect, it } from 'vitest';
import {
  type Json,
  micros,
  old,
  openDemo,
  predictions,
  predictionsBetween,
  recent,
  semversOf,
  storyDeployments,
  variablesOf,
} from './setup/example.ts';

const { run, ask } = await openDemo();

interface Report {
  readonly impact: {
    readonly roots: readonly Json[];
    readonly predictionCount: number;
    readonly isServing: boolean;
    readonly isTruncated: boolean;
    readonly gaps: readonly unknown[];
    readonly modelVersions: { readonly nodes: readonly Json[] };
    readonly deployments: { readonly nodes: readonly Json[] };
    readonly endpoints: { readonly nodes: readonly Json[] };
    readonly spans: { readonly nodes: readonly Json[] };
    readonly entities: { readonly nodes: readonly Json[]; readonly pageInfo: Json };
    readonly predictions: {
      readonly count: Json;
      readonly nodes: readonly Json[];
      readonly pageInfo: Json;
    };
  };
}

const during = variablesOf('impact').during as { readonly from: string; readonly to: string };
const affected = predictionsBetween(during.from, during.to);

/** Names of the snapshots that a version was registered with. */
const snapshotNames = (version: Json): readonly string[] =>
  (version.datasets as { snapshot: { definition: { name: string } } }[]).map(
    ({ snapshot }) => snapshot.definition.name,
  );

const instant = (text: string): string => new Date(text).toISOString();

describe('impact on the demo data', () => {
  it('of a day of January: both versions, through the snapshots derived from it', async () => {
    const { impact } = await run<Report>('impact');
    const users = [old, recent].filter((version) =>
      snapshotNames(version).includes('flights.2001-01'),
    );
    expect(impact.modelVersions.nodes.map(({ displayName }) => displayName)).toEqual(
      users.map(({ semver }) => `flight-delay@${semver}`),
    );
    expect(impact.roots).toMatchObject([
      { displayName: expect.stringMatching(/^flights\.2001-01 \(/) },
    ]);
    expect(impact).toMatchObject({ isTruncated: false, gaps: [], isServing: true });
  });

  it('counts exactly the predictions of the window, by version and schema', async () => {
    const { impact } = await run<Report>('impact');
    expect(affected.length).toBeGreaterThan(1000);
    expect(impact.predictionCount).toBe(affected.length);
    expect(impact.predictions.count).toEqual({ value: affected.length, isExact: true });
    expect(impact.predictions.nodes.map(({ requestId }) => requestId)).toEqual(
      affected.slice(0, 5).map(({ requestId }) => requestId),
    );
    const kinds = new Set(affected.map((line) => JSON.stringify(semversOf(line))));
    expect(kinds).toEqual(new Set([JSON.stringify({ version: '1.0.0', schema: '1.1.0' })]));
    expect(impact.spans.nodes).toEqual([
      {
        modelVersion: { displayName: 'flight-delay@1.0.0' },
        featureSchema: { name: 'flight-delay-features', semver: '1.1.0' },
        predictionCount: affected.length,
        firstAt: affected.at(-1)?.occurredAt,
        lastAt: affected[0]?.occurredAt,
        isMadeFromRoot: true,
        isFedByRoot: false,
      },
    ]);
  });

  it('lists the deployments that overlap the window and the entities of its predictions', async () => {
    const { impact } = await run<Report>('impact');
    const overlapping = storyDeployments.filter(
      ({ startedAt, endedAt }) =>
        startedAt < during.to && (endedAt === null || endedAt > during.from),
    );
    expect(impact.deployments.nodes).toEqual(
      overlapping.toReversed().map(({ semver, role, trafficShare, startedAt, endedAt, actor }) => ({
        displayName: `flight-delay@${semver} on production/flight-delay from ${instant(startedAt)}`,
        role,
        trafficShare,
        endedAt: endedAt === null ? null : instant(endedAt),
        actor,
      })),
    );
    expect(impact.endpoints.nodes).toEqual([
      {
        endpoint: { name: 'flight-delay', environment: 'production' },
        deployedFrom: instant(overlapping[0]?.startedAt ?? ''),
        deployedTo: instant(overlapping.at(-1)?.endedAt ?? ''),
        answeredFrom: affected.at(-1)?.occurredAt,
        answeredTo: affected[0]?.occurredAt,
        predictionCount: affected.length,
        activeTrafficShare: 1,
      },
    ]);
    const keys = [...new Set(affected.map(({ entityKey }) => String(entityKey)))].sort();
    expect(impact.entities.nodes).toEqual(
      keys.slice(0, 5).map((key) => ({
        key,
        predictionCount: affected.filter(({ entityKey }) => entityKey === key).length,
      })),
    );
    expect(impact.entities.pageInfo).toEqual({ hasNextPage: true });
  });

  it('of a feature schema: also the version that was fed with it without being made for it', async () => {
    const { modelVersion } = await ask<{ modelVersion: { featureSchema: { id: string } } }>(
      `{ modelVersion(by: { release: { model: "flight-delay", semver: "1.1.0" } }) { featureSchema { id } } }`,
    );
    const { impact } = await run<Report>('impact', {
      of: { id: modelVersion.featureSchema.id },
      during: null,
    });
    const count = (version: string) =>
      predictions.filter((line) => {
        const own = semversOf(line);
        return own.schema === '1.1.0' && own.version === version;
      }).length;
    expect(impact.modelVersions.nodes).toMatchObject([{ displayName: 'flight-delay@1.1.0' }]);
    expect(
      impact.spans.nodes.map(({ modelVersion, predictionCount, isMadeFromRoot, isFedByRoot }) => [
        (modelVersion as Json).displayName,
        predictionCount,
        isMadeFromRoot,
        isFedByRoot,
      ]),
    ).toEqual([
      ['flight-delay@1.1.0', count('1.1.0'), true, true],
      ['flight-delay@1.0.0', count('1.0.0'), false, true],
    ]);
    expect(impact.predictionCount).toBe(count('1.1.0') + count('1.0.0'));
  });

  it('of a package: everything that ran with it; of a version nobody has: nothing', async () => {
    const environment = (old.environment as { definition: { packages: string[] } }).definition;
    const numpy = environment.packages.find((purl) => purl.startsWith('pkg:pypi/numpy@'));
    const version = numpy?.split('@')[1];
    const of = (versions: (string | undefined)[]) => ({
      of: { package: { name: 'pkg:pypi/numpy', versions } },
      during: null,
    });
    const { impact } = await run<Report>('impact', of([version]));
    expect(impact.predictionCount).toBe(predictions.length);
    const { impact: none } = await run<Report>('impact', of(['0.0.1']));
    expect(none).toMatchObject({
      roots: [],
      predictionCount: 0,
      isServing: false,
      modelVersions: { nodes: [] },
      predictions: { count: { value: 0, isExact: true }, nodes: [] },
    });
  });

  it('of a deployment: what its version answered while it was in force', async () => {
    const { endpoint } = await ask<{
      endpoint: { deployments: { nodes: { id: string; startedAt: string }[] } };
    }>(
      `{ endpoint(by: { route: { name: "flight-delay", environment: "production" } }) {
        deployments(filter: { roles: [CANARY] }) { nodes { id startedAt } } } }`,
    );
    const canary = storyDeployments.find(({ role }) => role === 'CANARY');
    const [{ id } = { id: '' }] = endpoint.deployments.nodes;
    const { impact } = await run<Report>('impact', { of: { id }, during: null });
    const answered = predictions.filter(
      (line) =>
        semversOf(line).version === canary?.semver &&
        micros(line.occurredAt) >= micros(canary.startedAt) &&
        micros(line.occurredAt) < micros(canary.endedAt),
    );
    expect(answered.length).toBeGreaterThan(50);
    expect(impact.predictionCount).toBe(answered.length);
    expect(impact.predictions.count).toEqual({ value: answered.length, isExact: true });
  });
});
