import { describe, expect, it } from 'vitest';
import { type Json, openDemo, recent, storyDeployments } from './setup/example.ts';

const { run, ask } = await openDemo();

interface Edge {
  readonly depth: number;
  readonly kind: string;
  readonly isIntact?: boolean | null;
  readonly node: { readonly id: string; readonly displayName: string };
  readonly links?: readonly { readonly relation: string; readonly target: Json }[];
}

interface Answer {
  readonly modelVersion: {
    readonly upstream: { readonly isTruncated: boolean; readonly edges: readonly Edge[] };
    readonly downstream: { readonly isTruncated: boolean; readonly edges: readonly Edge[] };
  };
}

interface Registered {
  readonly datasets: readonly { snapshot: { definition: { name: string } } }[];
  readonly artifacts: readonly unknown[];
  readonly commit: { definition: { oid: string } };
  readonly featureSchema: {
    definition: { fields: { transformations: { codeCommit?: unknown }[] }[] };
  };
}

const registered = recent as unknown as Registered;

describe('lineage on the demo data', () => {
  it('walks up to everything the registration named, each hop verified', async () => {
    const { upstream } = (await run<Answer>('lineage')).modelVersion;
    const namesOf = (kind: string, depth: number) =>
      upstream.edges
        .filter((edge) => edge.kind === kind && edge.depth === depth)
        .map(({ node }) => node.displayName.replace(/ \(.*/, ''))
        .sort();
    expect(upstream.isTruncated).toBe(false);
    const datasets = registered.datasets.map(({ snapshot }) => snapshot.definition.name);
    expect(namesOf('DATASET_SNAPSHOT', 1)).toEqual([...new Set(datasets)].sort());
    expect(namesOf('CODE_COMMIT', 1)).toEqual([
      `example/flight-delay@${registered.commit.definition.oid.slice(0, 7)}`,
    ]);
    expect(namesOf('FEATURE_SCHEMA', 1)).toEqual(['flight-delay-features 1.1.0']);
    expect(namesOf('RUNTIME_ENVIRONMENT', 1)).toHaveLength(1);
    expect(namesOf('ARTIFACT', 1)).toHaveLength(registered.artifacts.length);
    // The code of the transformations is one hop further, behind the schema.
    expect(upstream.edges.filter(({ depth }) => depth > 1)).toMatchObject([
      {
        depth: 2,
        kind: 'CODE_COMMIT',
        links: [
          {
            relation: 'IMPLEMENTS',
            target: { displayName: expect.stringMatching(/^flight-delay-features 1\.1\.0 /) },
          },
        ],
      },
    ]);
    for (const { kind, isIntact } of upstream.edges) {
      expect(isIntact).toBe(kind === 'ARTIFACT' ? null : true);
    }
  });

  it('walks down to every deployment of the story', async () => {
    const { downstream } = (await run<Answer>('lineage')).modelVersion;
    const expected = storyDeployments
      .filter(({ semver }) => semver === '1.1.0')
      .map(({ startedAt }) => new Date(startedAt).toISOString());
    expect(downstream.isTruncated).toBe(false);
    expect(downstream.edges.map(({ kind, node }) => [kind, node.displayName])).toEqual(
      expected.map((start) => [
        'DEPLOYMENT',
        `flight-delay@1.1.0 on production/flight-delay from ${start}`,
      ]),
    );
  });

  it('pages through the walk without losing or repeating a vertex', async () => {
    const all = (await run<Answer>('lineage')).modelVersion.upstream.edges;
    const seen: string[] = [];
    for (let after: string | null = null, hasNext = true; hasNext; ) {
      const page: {
        modelVersion: {
          upstream: { edges: Edge[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
        };
      } = await run('lineage', { first: 3, after });
      seen.push(...page.modelVersion.upstream.edges.map(({ node }) => node.id));
      after = page.modelVersion.upstream.pageInfo.endCursor;
      hasNext = page.modelVersion.upstream.pageInfo.hasNextPage;
    }
    expect(seen).toEqual(all.map(({ node }) => node.id));
  });

  it('finds the chain from the pipeline code to a prediction that its features reached', async () => {
    const { request } = await ask<{ request: { predictions: { id: string }[] } }>(
      `{ request(by: { requestId: "00e5a4fb-784b-7119-82b5-11f4d387e40f" }) { predictions { id } } }`,
    );
    const { upstream } = (await run<Answer>('lineage')).modelVersion;
    const pipeline = upstream.edges.find(({ depth }) => depth === 2)?.node.id;
    const trainer = upstream.edges.find(({ kind }) => kind === 'CODE_COMMIT')?.node.id;
    const prediction = request.predictions[0]?.id;
    const path = `query ($from: ID!, $to: ID!) { lineagePath(from: $from, to: $to) { length links { relation } } }`;
    expect(await ask(path, { from: pipeline, to: prediction })).toEqual({
      lineagePath: {
        length: 2,
        links: [{ relation: 'IMPLEMENTS' }, { relation: 'BUILT_FEATURES' }],
      },
    });
    expect(await ask(path, { from: prediction, to: pipeline })).toEqual({
      lineagePath: {
        length: 2,
        links: [{ relation: 'BUILT_FEATURES' }, { relation: 'IMPLEMENTS' }],
      },
    });
    // The version that this code trained did not answer it.
    expect(await ask(path, { from: trainer, to: prediction })).toEqual({ lineagePath: null });
  });
});
