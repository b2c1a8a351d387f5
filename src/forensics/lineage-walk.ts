/** Kinds of vertices, from cause to effect; the order in which a walk lists those of one depth. */
export const NODE_KINDS = [
  'CODE_COMMIT',
  'DATASET_SNAPSHOT',
  'FEATURE_SCHEMA',
  'RUNTIME_ENVIRONMENT',
  'ARTIFACT',
  'MODEL_VERSION',
  'DEPLOYMENT',
  'PREDICTION',
] as const;

export type NodeKind = (typeof NODE_KINDS)[number];

export type Relation =
  | 'TRAINED_FROM'
  | 'IMPLEMENTS'
  | 'USED_DATA'
  | 'EXPECTS_SCHEMA'
  | 'BUILT_FOR'
  | 'CONTAINS'
  | 'DERIVED_FROM'
  | 'DEPLOYED_AS'
  | 'BUILT_FEATURES'
  | 'ANSWERED'
  | 'SERVED';

export type Direction = 'UPSTREAM' | 'DOWNSTREAM';

/** A vertex; `key` is the number of its row, or the identity of a prediction. */
export interface Vertex {
  readonly kind: NodeKind;
  readonly key: string;
}

/** One link, from cause to effect. */
export interface Link {
  readonly source: Vertex;
  readonly target: Vertex;
  readonly relation: Relation;
}

export const vertexName = ({ kind, key }: Vertex): string => `${kind}/${key}`;

/** A vertex reached by a walk, with the links that lead to it from vertices one hop nearer. */
export interface Visit {
  readonly vertex: Vertex;
  /** Hops from the start, from 1. */
  readonly depth: number;
  readonly links: readonly Link[];
}

export interface Walk {
  /** Nearest first; each vertex once, at its smallest depth. */
  readonly visits: readonly Visit[];
  /** Whether the depth or the number of vertices ended the walk while more could be reached. */
  readonly isTruncated: boolean;
}

/** Links that leave a set of vertices in the direction of a walk: at most `limit` of those that could be many. */
export type Expand = (frontier: readonly Vertex[], limit: number) => Promise<readonly Link[]>;

export interface WalkLimits {
  readonly maxDepth: number;
  readonly maxVertices: number;
}

const far = ({ source, target }: Link, direction: Direction): Vertex =>
  direction === 'UPSTREAM' ? source : target;

/** Walks breadth first from `starts`, which are no visits themselves; one `expand` a level. */
export const walkFrom = async (
  starts: readonly Vertex[],
  direction: Direction,
  expand: Expand,
  { maxDepth, maxVertices }: WalkLimits,
): Promise<Walk> => {
  const seen = new Set(starts.map(vertexName));
  const visits: Visit[] = [];
  let frontier = starts;
  for (let depth = 1; frontier.length > 0; depth += 1) {
    const links = await expand(frontier, maxVertices - visits.length + 1);
    const level = groupByFarEnd(links, direction, seen);
    if (depth > maxDepth) return { visits, isTruncated: level.length > 0 };
    const room = maxVertices - visits.length;
    const kept = level.slice(0, room);
    for (const { vertex, links: reachedBy } of kept) {
      seen.add(vertexName(vertex));
      visits.push({ vertex, depth, links: reachedBy });
    }
    if (level.length > room) return { visits, isTruncated: true };
    frontier = kept.map(({ vertex }) => vertex);
  }
  return { visits, isTruncated: false };
};

const groupByFarEnd = (
  links: readonly Link[],
  direction: Direction,
  seen: ReadonlySet<string>,
): readonly { vertex: Vertex; links: Link[] }[] => {
  const reached = new Map<string, { vertex: Vertex; links: Link[] }>();
  for (const link of links) {
    const vertex = far(link, direction);
    const name = vertexName(vertex);
    if (seen.has(name)) continue;
    const found = reached.get(name);
    if (found === undefined) reached.set(name, { vertex, links: [link] });
    else found.links.push(link);
  }
  // By kind, then in the order of the expansion.
  return [...reached.values()].sort(
    (a, b) => NODE_KINDS.indexOf(a.vertex.kind) - NODE_KINDS.indexOf(b.vertex.kind),
  );
};

/** The links of a shortest chain from the start of a walk to a vertex it reached, from the start on. */
export const chainTo = (
  { visits }: Walk,
  goal: Vertex,
  direction: Direction,
): readonly Link[] | null => {
  const byName = new Map(visits.map((visit) => [vertexName(visit.vertex), visit]));
  const chain: Link[] = [];
  for (let visit = byName.get(vertexName(goal)); visit !== undefined; ) {
    const [link] = visit.links;
    if (link === undefined) return null;
    chain.unshift(link);
    const nearer = direction === 'UPSTREAM' ? link.target : link.source;
    visit = byName.get(vertexName(nearer));
  }
  return chain.length === 0 ? null : chain;
};
