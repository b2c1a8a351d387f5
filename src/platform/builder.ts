import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import RelayPlugin from '@pothos/plugin-relay';
import TracingPlugin from '@pothos/plugin-tracing';
import type { JsonValue } from './canonical-json.ts';
import type { Context } from './context.ts';
import type { Instant } from './instant.ts';
import { limitError } from './limit-error.ts';
import { isTraced, isTracing, tracedField } from './tracing.ts';

/** Items in a page when the caller does not say, and the most it may ask for. */
export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 200;

/** Most objects that `Query.nodes` looks up at once. */
const MAX_NODES = 100;

interface OurTypes {
  Context: Context;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Instant; Output: Instant | Date };
    JSON: { Input: JsonValue; Output: unknown };
    Digest: { Input: string; Output: string };
    GitObjectID: { Input: string; Output: string };
    SemVer: { Input: string; Output: string };
    SafeInt: { Input: number; Output: number | bigint };
    BigInt: { Input: bigint; Output: bigint };
    URL: { Input: string; Output: string };
  };
}

/** The one schema builder. Types and fields are added to it by the files of each domain. */
export const builder = new SchemaBuilder<OurTypes>({
  // Errors stands first, so that it sees what the other plugins throw.
  plugins: [ErrorsPlugin, RelayPlugin, ComplexityPlugin, TracingPlugin],
  defaultFieldNullability: false,
  errors: {
    defaultTypes: [],
    directResult: true,
    defaultUnionOptions: {
      name: ({ fieldName }) => `${fieldName.charAt(0).toUpperCase()}${fieldName.slice(1)}Result`,
      description: 'The payload of the mutation, or a failure that the caller can act on.',
    },
  },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodesOnConnection: true,
    idFieldOptions: { description: 'Global ID.' },
    nodeTypeOptions: { description: 'An object with a global ID.' },
    pageInfoTypeOptions: { description: "A page's place in the whole list." },
    hasNextPageFieldOptions: { description: 'Whether the list goes on after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the list has items before this page.' },
    startCursorFieldOptions: {
      nullable: true,
      description: 'Cursor of the first item, for `before`; null for an empty page.',
    },
    endCursorFieldOptions: {
      nullable: true,
      description: 'Cursor of the last item, for `after`; null for an empty page.',
    },
    nodeQueryOptions: {
      description: 'Any object by its global ID.',
      nullable: true,
      args: { id: { description: 'Global ID.' } },
    },
    nodesQueryOptions: {
      description: `Several objects by their global IDs, in the order asked; null for each one not found. At most ${MAX_NODES}.`,
      nullable: { list: true, items: true },
      args: { ids: { description: `Global IDs, at most ${MAX_NODES}.` } },
      complexity: ({ ids }: { ids: readonly unknown[] }) => {
        if (ids.length <= MAX_NODES) return { field: 1, multiplier: Math.max(1, ids.length) };
        const message = `\`nodes\` looks up at most ${MAX_NODES} objects at once; ${ids.length} were asked for.`;
        throw limitError('NODES_LIMIT', message, { limit: MAX_NODES, actual: ids.length });
      },
    },
  },
  // Without it no resolver is wrapped.
  ...(isTracing && { tracing: { default: isTraced, wrap: tracedField } }),
  complexity: {
    defaultComplexity: 1,
    defaultListMultiplier: 5,
    // The limit is enforced as a validation rule by the server, before anything runs.
    disabled: true,
  },
});

builder.queryType({
  description: 'Reads. A lookup that finds nothing returns null without an error.',
});
builder.mutationType({
  description: 'Writes. Each returns a union of its payload and the failures a caller can act on.',
});

builder.subscriptionType({
  description:
    'Events, over server-sent events: `POST` with `accept: text/event-stream`. At most once; read again what you may have missed.',
});

/** The builder's types, for functions that take references of any type. */
export type SchemaTypes = (typeof builder)['$inferSchemaTypes'];
