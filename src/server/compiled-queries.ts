import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLScalarType,
  GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Plugin } from 'graphql-yoga';

/** How often a query is asked before it is compiled, which takes milliseconds. */
const WARM = 3;

interface Known {
  count: number;
  /** Null when it cannot be compiled. */
  query: CompiledQuery | null | undefined;
}

/** The type of every variable of a compiled query: values that were coerced before, taken as they are. */
const COERCED = new GraphQLScalarType({ name: 'Coerced__' });

const withCoerced = (schema: GraphQLSchema): GraphQLSchema => {
  const config = schema.toConfig();
  return new GraphQLSchema({ ...config, types: [...config.types, COERCED] });
};

/**
 * The document with variables of type `COERCED`. The compiler's own coercion does not know every rule, such as that of
 * `@oneOf` and that of required input fields with defaults.
 */
const withCoercedVariables = (document: DocumentNode): DocumentNode =>
  visit(document, {
    VariableDefinition: ({ kind, variable }) => ({
      kind,
      variable,
      type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: COERCED.name } },
    }),
  });

const isQuery = ({ document, operationName }: ExecutionArgs): boolean =>
  getOperationAST(document, operationName)?.operation === 'query' &&
  document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length === 1;

/** The variables as the query declares them; null when they do not fit. */
const coercedVariables = ({
  schema,
  document,
  variableValues,
}: ExecutionArgs): Record<string, unknown> | null => {
  const definitions = getOperationAST(document)?.variableDefinitions ?? [];
  // One error is enough to know: a list may hold a hundred thousand.
  const options = { maxErrors: 1 };
  return getVariableValues(schema, definitions, variableValues ?? {}, options).coerced ?? null;
};

/** The response path of the null that a field's error left in the data, as text. */
const pathOfNull = (data: unknown, path: readonly (string | number)[]): string => {
  let value = data;
  let depth = 0;
  for (; depth < path.length && value != null; depth += 1) {
    value = (value as Readonly<Record<string | number, unknown>>)[path[depth] ?? ''];
  }
  return JSON.stringify(path.slice(0, depth));
};

/** One error for each null, as graphql-js has it: the compiler also reports the fields beside the one that failed first. */
const withOneErrorANull = (result: ExecutionResult): ExecutionResult => {
  const { data, errors } = result;
  if (errors === undefined || errors.length < 2) return result;
  const seen = new Set<string>();
  return {
    ...result,
    errors: errors.filter(({ path = [] }) => {
      const place = pathOfNull(data, path);
      return !seen.has(place) && seen.add(place);
    }),
  };
};

/**
 * Runs queries that are asked again and again as compiled functions. They belong to the parsed document, which Yoga
 * keeps for a while: what it forgets is forgotten here, too. Anything but a fitting query takes the ordinary way.
 */
export const useCompiledQueries = (given: GraphQLSchema): Plugin => {
  const schema = withCoerced(given);
  const known = new WeakMap<DocumentNode, Known>();

  const compiled = (document: DocumentNode): CompiledQuery | null => {
    const query = compileQuery(schema, withCoercedVariables(document), undefined, {
      disableLeafSerialization: false,
    });
    return isCompiledQuery(query) ? query : null;
  };
  const queryOf = (args: ExecutionArgs): CompiledQuery | null => {
    const entry = known.get(args.document) ?? { count: 0, query: undefined };
    known.set(args.document, entry);
    entry.count += 1;
    if (entry.count < WARM) return null;
    if (entry.query === undefined) entry.query = isQuery(args) ? compiled(args.document) : null;
    return entry.query;
  };

  return {
    onExecute: ({ args, setExecuteFn }) => {
      const query = queryOf(args);
      const variables = query === null ? null : coercedVariables(args);
      if (query === null || variables === null) return;
      setExecuteFn(async ({ rootValue, contextValue }: ExecutionArgs) =>
        withOneErrorANull(await query.query(rootValue, contextValue, variables)),
      );
    },
  };
};
