import {
  defaultFieldResolver,
  type FieldNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getArgumentValues,
} from 'graphql';
import type { Query } from './selected-fields.ts';

export type Path = GraphQLResolveInfo['path'];

/** One execution of a query. */
export interface Run {
  readonly context: unknown;
  readonly rootValue: unknown;
  /** Coerced. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly errors: GraphQLError[];
}

/** A field that is being written. */
export interface Place {
  readonly parent: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
}

export const infoOf = (
  { schema, operation, fragments }: Query,
  { parent, field, nodes }: Place,
  run: Run,
  path: Path,
): GraphQLResolveInfo => ({
  fieldName: field.name,
  fieldNodes: nodes,
  returnType: field.type,
  parentType: parent,
  path,
  schema,
  fragments,
  rootValue: run.rootValue,
  operation,
  variableValues: run.variables,
});

interface Finder {
  readonly find: (run: Run, source: unknown, path: Path) => unknown;
  /** Whether it looks at its object alone. */
  readonly isFixed: boolean;
  readonly takesInfo: boolean;
}

const NOTHING = {};

/** How a field finds its value. What its resolver does not take is not made for it. */
export const finderOf = (query: Query, place: Place): Finder => {
  const { name, resolve = defaultFieldResolver, args } = place.field;
  if (resolve === defaultFieldResolver) {
    return {
      find: (_, source) => (source as Readonly<Record<string, unknown>>)[name],
      isFixed: true,
      takesInfo: false,
    };
  }
  // What a function does not take it cannot know.
  if (resolve.length === 1) {
    const find = resolve as (source: unknown) => unknown;
    return { find: (_, source) => find(source), isFixed: true, takesInfo: false };
  }
  const argumentsOf = (variables: Run['variables']) =>
    args.length === 0 ? NOTHING : getArgumentValues(place.field, place.nodes[0], variables);
  if (resolve.length === 2 || resolve.length === 3) {
    const find = resolve as (source: unknown, args: object, context: unknown) => unknown;
    return {
      find: (run, source) => find(source, argumentsOf(run.variables), run.context),
      isFixed: false,
      takesInfo: false,
    };
  }
  return {
    find: (run, source, path) =>
      resolve(source, argumentsOf(run.variables), run.context, infoOf(query, place, run, path)),
    isFixed: false,
    takesInfo: true,
  };
};
