import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
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

const isQuery = ({ document, operationName }: ExecutionArgs): boolean =>
  getOperationAST(document, operationName)?.operation === 'query' &&
  document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length === 1;

const compiled = (schema: GraphQLSchema, document: DocumentNode): CompiledQuery | null => {
  const query = compileQuery(schema, document, undefined, { disableLeafSerialization: false });
  return isCompiledQuery(query) ? query : null;
};

/** Whether the variables are what the query declares: the compiler does not know every rule, such as that of `@oneOf`. */
const fits = ({ schema, document, variableValues }: ExecutionArgs): boolean => {
  const definitions = getOperationAST(document)?.variableDefinitions ?? [];
  return getVariableValues(schema, definitions, variableValues ?? {}).errors === undefined;
};

/**
 * Runs queries that are asked again and again as compiled functions. They belong to the parsed document, which Yoga
 * keeps for a while: what it forgets is forgotten here, too. Anything but a fitting query takes the ordinary way.
 */
export const useCompiledQueries = (): Plugin => {
  const known = new WeakMap<DocumentNode, Known>();
  const queryOf = (args: ExecutionArgs): CompiledQuery | null => {
    const entry = known.get(args.document) ?? { count: 0, query: undefined };
    known.set(args.document, entry);
    entry.count += 1;
    if (entry.count < WARM) return null;
    if (entry.query === undefined) {
      entry.query = isQuery(args) ? compiled(args.schema, args.document) : null;
    }
    return entry.query;
  };
  return {
    onExecute: ({ args, setExecuteFn }) => {
      const query = queryOf(args);
      if (query === null || !fits(args)) return;
      setExecuteFn(
        ({ rootValue, contextValue, variableValues }: ExecutionArgs) =>
          query.query(rootValue, contextValue, variableValues ?? {}) as ExecutionResult,
      );
    },
  };
};
