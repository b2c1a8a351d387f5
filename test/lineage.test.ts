import { describe, expect, it } from 'vitest';
import { unique } from './setup/hindcast.ts';
import { openIngest } from './setup/ingest.ts';
import {
  append,
  field,
  line,
  register,
  registration,
  served,
  sha256,
} from './setup/registration.ts';

const hindcast = await openIngest();
const { ask, respond, statementsOf } = hindcast;

type Json = Record<string, unknown>;

const snapshot = async (name: string, derivedFrom: readonly string[] = []): Promise<string> => {
  const version = await register(
    hindcast,
    registration([field('a')], {
      datasets: [
        {
          role: 'TEST',
          snapshot: {
            definition: {
              name,
              contentDigest: sha256(unique(name)),
              location: 's3://data/x',
              derivedFrom,
            },
          },
        },
      ],
    }),
  );
  const { modelVersion } = await ask<{
    modelVersion: { datasets: { snapshot: { digest: string } }[] };
  }>(`query ($id: ID!) { modelVersion(by: { id: $id }) { datasets { snapshot { digest } } } }`, {
    id: version.id,
  });
  return modelVersion.datasets[0]?.snapshot.digest ?? '';
};

const WALK = `query ($digest: Digest!, $kinds: [LineageNodeKind!], $relations: [LineageRelation!], $maxDepth: Int! = 5, $first: Int) {
  object(digest: $digest) {
    ... on LineageNode {
      id
      upstream(kinds: $kinds, relations: $relations, maxDepth: $maxDepth, first: $first) {
        isTruncated edges { depth kind node { displayName } links { relation } }
      }
      downstream(kinds: $kinds, relations: $relations, maxDepth: $maxDepth, first: $first) {
        isTruncated edges { depth kind node { displayName } links { relation } }
      }
    }
  }
}`;

interface Walked {
  readonly isTruncated: boolean;
  readonly edges: readonly {
    readonly depth: number;
    readonly kind: string;
    readonly node: { readonly displayName: string };
    readonly links: readonly { readonly relation: string }[];
  }[];
}

const walk = async (digest: string, more: Json = {}) =>
  (
    await ask<{ object: { id: string; upstream: Walked; downstream: Walked } }>(WALK, {
      digest,
      ...more,
    })
  ).object;

describe('a lineage walk', () => {
  it('follows snapshots through what was derived from them, and says where it was cut off', async () => {
    const raw = await snapshot('raw');
    const clean = await snapshot('clean', [raw]);
    const joined = await snapshot('joined', [clean, raw]);
    const { upstream } = await walk(joined);
    expect(upstream.isTruncated).toBe(false);
    expect(upstream.edges.map(({ depth, links }) => [depth, links])).toEqual([
      [1, [{ relation: 'DERIVED_FROM' }]],
      [1, [{ relation: 'DERIVED_FROM' }]],
    ]);
    const near = await walk(raw, { maxDepth: 1, kinds: ['MODEL_VERSION'] });
    expect(near.downstream.edges).toHaveLength(1);
    // Behind the derived snapshots are the versions that used them.
    expect(near.downstream.isTruncated).toBe(true);
    const far = await walk(raw, { maxDepth: 2, kinds: ['MODEL_VERSION'] });
    expect(far.downstream.edges.map(({ depth }) => depth)).toEqual([1, 2, 2]);
    expect(far.downstream.isTruncated).toBe(false);
  });

  it('follows only the links it is told to', async () => {
    const raw = await snapshot('raw');
    await snapshot('clean', [raw]);
    const { downstream } = await walk(raw, { relations: ['DERIVED_FROM'] });
    expect(downstream.edges.map(({ kind }) => kind)).toEqual(['DATASET_SNAPSHOT']);
    expect((await walk(raw, { relations: ['CONTAINS'] })).downstream.edges).toEqual([]);
  });

  it('leads from a version to those fine-tuned from it', async () => {
    const parent = await register(hindcast, registration([field('a')]));
    const child = await register(
      hindcast,
      registration([field('a')], { parent: { digest: parent.digest } }),
    );
    const { downstream } = await walk(parent.digest);
    expect(downstream.edges).toMatchObject([
      {
        depth: 1,
        kind: 'MODEL_VERSION',
        node: { displayName: `${child.model.name}@1.0.0` },
        links: [{ relation: 'DERIVED_FROM' }],
      },
    ]);
    const { upstream } = await walk(child.digest, { kinds: ['MODEL_VERSION'] });
    expect(upstream.edges).toHaveLength(1);
    expect((await walk(child.digest, { maxDepth: 1 })).upstream.isTruncated).toBe(true);
  });

  it('reaches predictions only when asked, newest first, by belief and by fact', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const before = line(version, endpoint, { a: 1 }, { occurredAt: '2026-01-01T12:00:00Z' });
    const early = line(version, endpoint, { a: 1 }, { occurredAt: '2026-02-01T12:00:00Z' });
    const late = line(version, endpoint, { a: 1 }, { occurredAt: '2026-02-01T13:00:00Z' });
    await append(hindcast, [early, late, before]);
    expect((await walk(version.digest)).downstream.edges.map(({ kind }) => kind)).toEqual([
      'DEPLOYMENT',
    ]);
    const { downstream } = await walk(version.digest, { kinds: ['PREDICTION'], maxDepth: 1 });
    expect(downstream.edges.map(({ node, links }) => [node.displayName, links])).toEqual(
      [late, early, before].map(({ requestId }) => [
        `test/${endpoint.name} ${String(requestId)}`,
        [{ relation: 'ANSWERED' }],
      ]),
    );
    // What was answered before the deployment began hangs on the version alone.
    const believed = await walk(version.digest, {
      kinds: ['PREDICTION'],
      relations: ['DEPLOYED_AS', 'SERVED'],
    });
    expect(believed.downstream.edges.map(({ depth, node }) => [depth, node.displayName])).toEqual(
      [late, early].map(({ requestId }) => [2, `test/${endpoint.name} ${String(requestId)}`]),
    );
    const fed = await walk(version.featureSchema.digest, {
      kinds: ['PREDICTION'],
      relations: ['BUILT_FEATURES'],
    });
    expect(fed.downstream.edges).toHaveLength(3);
  });

  it('sends one statement a hop, however many vertices there are', async () => {
    const raw = await snapshot('raw');
    for (const name of ['b', 'c', 'd']) await snapshot(name, [raw]);
    const document = `query ($id: ID!) { node(id: $id) { ... on LineageNode {
      downstream { edges { depth } } } } }`;
    const { id } = await walk(raw);
    const statements = await statementsOf(() => ask(document, { id }));
    // Snapshots and versions, then the versions of those, then nothing.
    expect(statements).toHaveLength(3);
  });

  it('refuses depths that no walk goes, and ends that are no part of the graph', async () => {
    const digest = await snapshot('raw');
    const deep = await respond(WALK, { digest, maxDepth: 21 });
    expect(deep.errors?.map(({ message }) => message)).toEqual([
      'maxDepth: A walk goes 1 to 20 hops; 21 were asked for.',
    ]);
    const { id } = await walk(digest);
    const model = Buffer.from('Model:nothing').toString('base64');
    const { errors } = await respond(
      `query ($a: ID!, $b: ID!) { lineagePath(from: $a, to: $b) { length } }`,
      { a: id, b: model },
    );
    expect(errors).toMatchObject([
      {
        message:
          'to: This ID names no object of the lineage graph: give that of a commit, schema, snapshot, environment, artifact, model version, deployment or prediction.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  it('shows which hop was altered behind the back of the program', async () => {
    const altered = await snapshot('honest');
    await hindcast.database.transaction(async (session) => {
      await session.query({ text: 'ALTER TABLE dataset_snapshot DISABLE TRIGGER USER' });
      await session.query({
        text: 'UPDATE dataset_snapshot SET row_count = 7 WHERE digest = $1',
        values: [altered],
      });
      await session.query({ text: 'ALTER TABLE dataset_snapshot ENABLE TRIGGER USER' });
    });
    const other = await snapshot('user', [altered]);
    const { object } = await ask<{
      object: { upstream: { edges: { isIntact: boolean; node: { displayName: string } }[] } };
    }>(
      `query ($digest: Digest!) { object(digest: $digest) { ... on LineageNode {
        upstream { edges { isIntact node { displayName } } } } } }`,
      { digest: other },
    );
    expect(object.upstream.edges).toMatchObject([{ isIntact: false }]);
  });
});
