import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chainTo,
  type Direction,
  type Link,
  type Vertex,
  vertexName,
  walkFrom,
} from '../src/forensics/lineage-walk.ts';

const vertex = (key: number): Vertex => ({ kind: 'MODEL_VERSION', key: String(key) });

const link = ([source, target]: readonly [number, number]): Link => ({
  source: vertex(source),
  target: vertex(target),
  relation: 'DERIVED_FROM',
});

const expandOver =
  (links: readonly Link[], direction: Direction) => async (near: readonly Vertex[]) =>
    links.filter(({ source, target }) =>
      near.some(
        (one) => vertexName(one) === vertexName(direction === 'UPSTREAM' ? target : source),
      ),
    );

const graphs = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 });

/** Distances from vertex 0 by repeated relaxation. */
const distances = (edges: readonly (readonly [number, number])[]): Map<number, number> => {
  const distance = new Map([[0, 0]]);
  for (let round = 0; round < 8; round += 1) {
    for (const [source, target] of edges) {
      const through = (distance.get(source) ?? Infinity) + 1;
      if (through < (distance.get(target) ?? Infinity)) distance.set(target, through);
    }
  }
  distance.delete(0);
  return distance;
};

describe('a lineage walk', () => {
  it('reaches every vertex once, at its smallest depth, by links from one hop nearer', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (edges) => {
        const links = edges.map(link);
        const walk = await walkFrom([vertex(0)], 'DOWNSTREAM', expandOver(links, 'DOWNSTREAM'), {
          maxDepth: 10,
          maxVertices: 100,
        });
        const expected = distances(edges);
        expect(walk.isTruncated).toBe(false);
        expect(
          new Map(walk.visits.map((visit) => [Number(visit.vertex.key), visit.depth])),
        ).toEqual(expected);
        expect(walk.visits.map(({ depth }) => depth)).toEqual(
          [...expected.values()].sort((a, b) => a - b),
        );
        for (const { depth, links: reachedBy } of walk.visits) {
          for (const { source } of reachedBy) {
            expect(Number(source.key) === 0 ? 0 : expected.get(Number(source.key))).toBe(depth - 1);
          }
        }
      }),
    );
  });

  it('says that it was cut off exactly when more could be reached', async () => {
    await fc.assert(
      fc.asyncProperty(
        graphs,
        fc.integer({ min: 1, max: 4 }),
        fc.nat(8),
        async (edges, maxDepth, maxVertices) => {
          const links = edges.map(link);
          const walk = await walkFrom([vertex(0)], 'UPSTREAM', expandOver(links, 'UPSTREAM'), {
            maxDepth,
            maxVertices,
          });
          const all = distances(edges.map(([source, target]) => [target, source]));
          const within = [...all.values()].filter((depth) => depth <= maxDepth).length;
          expect(walk.visits).toHaveLength(Math.min(within, maxVertices));
          expect(walk.isTruncated).toBe(walk.visits.length < all.size);
        },
      ),
    );
  });

  it('gives a shortest chain whose links follow one another', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (edges) => {
        const links = edges.map(link);
        const walk = await walkFrom([vertex(0)], 'DOWNSTREAM', expandOver(links, 'DOWNSTREAM'), {
          maxDepth: 10,
          maxVertices: 100,
        });
        for (const { vertex: goal, depth } of walk.visits) {
          const chain = chainTo(walk, goal, 'DOWNSTREAM') ?? [];
          expect(chain).toHaveLength(depth);
          expect(chain[0]?.source).toEqual(vertex(0));
          expect(chain.at(-1)?.target).toEqual(goal);
          for (const [index, { source }] of chain.slice(1).entries()) {
            expect(chain[index]?.target).toEqual(source);
          }
        }
        expect(chainTo(walk, vertex(99), 'DOWNSTREAM')).toBeNull();
      }),
    );
  });
});
