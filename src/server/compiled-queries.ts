import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Run } from './field-finder.ts';
import { jsonText } from './json-text.ts';
import type { FieldWriter } from './members-text.ts';
import { fieldWriters } from './query-text.ts';

/** How often a query is asked before it is compiled, which takes as long as running it a few times. */
const WARM = 3;

/** Most combinations of values of the variables in `@skip` and `@include` that a query is compiled for. */
const MOST_CONDITIONS = 16;

/** Variables that decide which fields a document selects; null when it asks for the schema, which is seldom. */
const conditionsOf = (document: DocumentNode): readonly string[] | null => {
  const names = new Set<string>();
  let asksForSchema = false;
  visit(document, {
    Field: ({ name }) => {
      asksForSchema ||= name.value === '__schema' || name.value === '__type';
    },
    Directive: (directive) => {
      visit(directive, { Variable: ({ name }) => void names.add(name.value) });
    },
  });
  return asksForSchema ? null : [...names];
};

interface Compiled {
  readonly operation: OperationDefinitionNode;
  readonly conditions: readonly string[];
  /** Writers of the root fields by the values of the conditions. */
  readonly writers: Map<string, readonly FieldWriter[]>;
}

interface Known {
  count: number;
  /** Null when it cannot be compiled. */
  query: Compiled | null | undefined;
}

const compiled = ({ document, operationName }: ExecutionArgs): Compiled | null => {
  const operation = getOperationAST(document, operationName);
  const conditions = conditionsOf(document);
  const isAlone =
    document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length === 1;
  return operation?.operation === 'query' && isAlone && conditions !== null
    ? { operation, conditions, writers: new Map() }
    : null;
};

const fragmentsOf = (document: DocumentNode): Record<string, FragmentDefinitionNode> =>
  Object.fromEntries(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );

/** The answer, in which each root field is a text; no data at all when one failed that may not be null. */
const execute = async (fields: readonly FieldWriter[], run: Run): Promise<ExecutionResult> => {
  const { errors, rootValue } = run;
  try {
    const members = await Promise.all(
      fields.map(async ({ name, write }) => {
        const text = await write(run, rootValue, undefined);
        return [name, text === 'null' ? null : jsonText(text)] as const;
      }),
    );
    return { data: Object.fromEntries(members), ...(errors.length > 0 && { errors }) };
  } catch (error) {
    // Located, as all that fields throw.
    return { data: null, errors: [...errors, error as GraphQLError] };
  }
};

/**
 * Runs queries that are asked again and again as compiled functions, which write the answer as text. They belong to the
 * parsed document, which Yoga keeps for a while: what it forgets is forgotten here, too. Anything but a fitting query takes
 * the ordinary way.
 */
export const useCompiledQueries = (schema: GraphQLSchema): Plugin => {
  const known = new WeakMap<DocumentNode, Known>();
  const root = schema.getQueryType();

  const queryOf = (args: ExecutionArgs): Compiled | null => {
    const entry = known.get(args.document) ?? { count: 0, query: undefined };
    known.set(args.document, entry);
    entry.count += 1;
    if (entry.count < WARM) return null;
    if (entry.query === undefined) entry.query = compiled(args);
    return entry.query;
  };

  const writersOf = (
    { operation, conditions, writers }: Compiled,
    document: DocumentNode,
    variables: Readonly<Record<string, unknown>>,
  ): readonly FieldWriter[] | null => {
    const key = conditions.map((name) => variables[name] === true).join();
    const made = writers.get(key);
    if (made !== undefined) return made;
    if (root == null || writers.size >= MOST_CONDITIONS) return null;
    const query = { schema, operation, fragments: fragmentsOf(document), conditions: variables };
    const fields = fieldWriters(query, root, [operation.selectionSet]);
    writers.set(key, fields);
    return fields;
  };

  return {
    onExecute: ({ args, setExecuteFn }) => {
      const query = queryOf(args);
      if (query === null) return;
      const definitions = query.operation.variableDefinitions ?? [];
      // One error is enough to know: a list may hold a hundred thousand.
      const { coerced } = getVariableValues(schema, definitions, args.variableValues ?? {}, {
        maxErrors: 1,
      });
      const fields = coerced && writersOf(query, args.document, coerced);
      if (!fields) return;
      setExecuteFn(({ rootValue, contextValue }: ExecutionArgs) =>
        execute(fields, { rootValue, context: contextValue, variables: coerced, errors: [] }),
      );
    },
  };
};
