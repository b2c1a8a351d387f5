import type { ObjectRef } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { builder, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type SchemaTypes } from './builder.ts';
import { unstorableText } from './storable-text.ts';

/** Relay's paging arguments as a caller gives them. */
export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** What a page query needs to know: how many, which way, and the sort key to start behind. */
export interface PageRequest {
  readonly limit: number;
  readonly isBackward: boolean;
  /** Sort key of the row just outside the page; null at an end of the list. */
  readonly from: readonly string[] | null;
}

export interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const refuse = (message: string): never => {
  throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
};

export const encodeCursor = (key: readonly string[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

const isKeyPart = (part: unknown): part is string =>
  typeof part === 'string' && unstorableText(part) === null;

const decodeCursor = (cursor: string): readonly string[] => {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.every(isKeyPart)) return key;
  } catch {
    // Not one of ours either.
  }
  return refuse(
    `"${cursor.slice(0, 100)}" is not a cursor of this list; pass one that it returned.`,
  );
};

/** Checks paging arguments; what is wrong with them is a `BAD_USER_INPUT`. */
export const pageRequest = ({ first, after, last, before }: PageArguments): PageRequest => {
  if (first != null && last != null) refuse('Give `first` or `last`, not both.');
  if (after != null && before != null) refuse('Give `after` or `before`, not both.');
  if (first != null && before != null)
    refuse('`before` goes with `last`; use `after` with `first`.');
  if (last != null && after != null) refuse('`after` goes with `first`; use `before` with `last`.');
  const limit = first ?? last ?? DEFAULT_PAGE_SIZE;
  if (limit < 0 || limit > MAX_PAGE_SIZE) {
    refuse(`A page holds 0 to ${MAX_PAGE_SIZE} items; ${limit} were asked for.`);
  }
  const cursor = after ?? before ?? null;
  return {
    limit,
    isBackward: last != null || before != null,
    from: cursor === null ? null : decodeCursor(cursor),
  };
};

const NUMBERS = {
  instant: (part: string): boolean => /^-?\d{1,16}$/.test(part),
  integer: (part: string): boolean => /^\d{1,10}$/.test(part) && Number(part) < 2 ** 31,
} as const;

/** The numbers of a page's sort key, null at an end of the list; refuses a cursor of another list. */
export const numericKey = (
  { from }: PageRequest,
  kinds: readonly (keyof typeof NUMBERS)[],
): readonly number[] | null => {
  if (from === null) return null;
  const fits =
    from.length === kinds.length && kinds.every((kind, index) => NUMBERS[kind](from[index] ?? ''));
  return fits ? from.map(Number) : refuse('The cursor is not of this list; pass one it returned.');
};

/**
 * Makes a page of rows fetched in the direction of travel, one more than `limit` if there are more.
 * `key` gives the sort key of a row, ending in something unique.
 */
export const pageOf = <Node>(
  request: PageRequest,
  fetched: readonly Node[],
  key: (node: Node) => readonly string[],
): Page<Node> => {
  const hasMore = fetched.length > request.limit;
  const kept = fetched.slice(0, request.limit);
  const nodes = request.isBackward ? kept.reverse() : kept;
  const edges = nodes.map((node) => ({ cursor: encodeCursor(key(node)), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: request.isBackward ? request.from !== null : hasMore,
      hasPreviousPage: request.isBackward ? hasMore : request.from !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
};

/** A page of a list that is in memory as a whole, in order. */
export const pageOfList = <Node>(
  args: PageArguments,
  list: readonly Node[],
  key: (node: Node) => readonly string[],
): Page<Node> => {
  const request = pageRequest(args);
  const ordered = request.isBackward ? [...list].reverse() : list;
  const from = request.from === null ? null : encodeCursor(request.from);
  const start =
    from === null ? 0 : ordered.findIndex((node) => encodeCursor(key(node)) === from) + 1;
  if (from !== null && start === 0) refuse('The cursor is not of this list.');
  return pageOf(request, ordered.slice(start, start + request.limit + 1), key);
};

/** Relay's four paging arguments. */
export const pageArguments = builder.args((t) => ({
  first: t.int({
    description: `Items from the start; ${DEFAULT_PAGE_SIZE} when neither \`first\` nor \`last\` is given, at most ${MAX_PAGE_SIZE}.`,
  }),
  after: t.string({ description: 'Only items after this cursor.' }),
  last: t.int({ description: `Items from the end, at most ${MAX_PAGE_SIZE}.` }),
  before: t.string({ description: 'Only items before this cursor.' }),
}));

/** Price of a paged field: each item costs what is asked of it. */
export const pageCost = ({ first, last }: PageArguments) => ({
  field: 1,
  multiplier: Math.max(1, Math.min(first ?? last ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)),
});

/** Defines `<name>Connection` and `<name>Edge`; `plural` names the items in descriptions, such as "model versions". */
export const connectionType = <Node, Extra = unknown>(
  node: ObjectRef<SchemaTypes, Node>,
  name: string,
  plural: string,
): ObjectRef<SchemaTypes, Page<Node> & Extra> => {
  const edge = builder.objectRef<{ cursor: string; node: Node }>(`${name}Edge`).implement({
    description: `One of the ${plural} and its cursor.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Cursor of this item.', complexity: 0 }),
      node: t.field({
        type: node,
        description: 'The item.',
        complexity: 0,
        resolve: (item) => item.node as never,
      }),
    }),
  });
  const connection = builder.objectRef<Page<Node> & Extra>(`${name}Connection`);
  connection.implement({
    description: `A page of ${plural}.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: 'Items of this page with their cursors.',
        complexity: { field: 0, multiplier: 1 },
        resolve: (page) => [...page.edges],
      }),
      nodes: t.field({
        type: [node],
        description: 'Items of this page.',
        complexity: { field: 0, multiplier: 1 },
        resolve: (page) => page.edges.map((item) => item.node) as never,
      }),
      pageInfo: t.field({
        type: builder.pageInfoRef(),
        description: "This page's place in the whole list.",
        complexity: 0,
        resolve: (page) => page.pageInfo,
      }),
    }),
  });
  return connection;
};
