import { createComplexityRule } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  Lexer,
  parse,
  Source,
  TokenKind,
  type ValidationRule,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { limitError } from '../platform/limit-error.ts';
import { documentSize } from './document-size.ts';
import type { ServerContext } from './request-record.ts';

/** What one GraphQL request may hold. */
export interface Limits {
  /** Bytes of the request body. */
  readonly bodyBytes: number;
  /** Lexical tokens of the document, comments not counted. */
  readonly tokens: number;
  /** Levels of nested fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** Fields, each as often as the page sizes asked for allow. */
  readonly cost: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 2 * 1024 * 1024,
  tokens: 2000,
  // GraphiQL's introspection query reaches exactly this deep.
  depth: 15,
  aliases: 30,
  directives: 20,
  cost: 10_000,
};

const TOKEN_LIMIT = 'TOKEN_LIMIT';

/** Refuses a document with too many tokens before it is parsed, which costs more than counting them. */
export const useTokenLimit = ({ tokens }: Limits): Plugin => ({
  onParse: ({ setParseFn }) => {
    setParseFn((text: string | Source, options?: Parameters<typeof parse>[1]) => {
      const source = typeof text === 'string' ? new Source(text) : text;
      assertTokens(source, tokens);
      return parse(source, options);
    });
    // Yoga would answer 200 for what parsing throws when the client accepts only application/json.
    return ({ result }) => {
      if (result instanceof GraphQLError && result.extensions.code === TOKEN_LIMIT) throw result;
    };
  },
});

const assertTokens = (source: Source, limit: number): void => {
  const lexer = new Lexer(source);
  for (let actual = 0; lexer.advance().kind !== TokenKind.EOF; ) {
    actual += 1;
    if (actual > limit) {
      const message = `The document has more than ${limit} tokens. Ask for less, or in several requests.`;
      throw limitError(TOKEN_LIMIT, message, { limit, actual });
    }
  }
};

/**
 * Refuses a document that is too deep or has too many aliases or directives. It throws where the rule is made, which is
 * before any rule of the specification has visited the document: some of those take quadratic time.
 */
export const useDocumentLimits = (limits: Limits): Plugin => {
  const documentLimits: ValidationRule = (context) => {
    const { depth, aliases, directives } = documentSize(context.getDocument());
    if (depth > limits.depth) {
      const message = `The document nests fields ${depth} levels deep; the limit is ${limits.depth}. Ask in several requests.`;
      throw limitError('DEPTH_LIMIT', message, { limit: limits.depth, actual: depth });
    }
    if (aliases > limits.aliases) {
      const message = `The document has ${aliases} aliases; the limit is ${limits.aliases}. Ask in several requests.`;
      throw limitError('ALIAS_LIMIT', message, { limit: limits.aliases, actual: aliases });
    }
    if (directives > limits.directives) {
      const message = `The document has ${directives} directives; the limit is ${limits.directives}. Leave some out.`;
      throw limitError('DIRECTIVE_LIMIT', message, {
        limit: limits.directives,
        actual: directives,
      });
    }
    return {};
  };
  return { onValidate: ({ addValidationRule }) => addValidationRule(documentLimits) };
};

/**
 * Refuses an operation that could return too much. Not a validation rule among the others: the price depends on the
 * variables, and Yoga remembers the outcome of validation by document alone.
 */
export const useCostLimit = ({ cost: limit }: Limits): Plugin => {
  const knownCost = rememberCosts();
  const refuseCostly = ({ args }: { args: ExecutionArgs }): void => {
    const actual = knownCost(args);
    const { record } = args.contextValue as ServerContext;
    if (record !== undefined) record.cost = actual;
    if (actual <= limit) return;
    const message = `The operation costs ${actual}; the limit is ${limit}. Ask for smaller pages or fewer fields.`;
    throw limitError('QUERY_COMPLEXITY', message, { limit, actual });
  };
  return { onExecute: refuseCostly, onSubscribe: refuseCostly };
};

/** Prices of one document that are remembered: for as many kinds of variables. */
const REMEMBERED = 100;

/** What of the variables a price can depend on: numbers and how many of everything there are, not what texts say. */
const shapeOf = ({ variableValues, operationName }: ExecutionArgs): string =>
  JSON.stringify([operationName ?? null, variableValues ?? {}], (_, value: unknown) =>
    typeof value === 'string' || typeof value === 'bigint' ? '' : value,
  );

/** Prices by document and shape of the variables: pricing takes longer than most operations. */
const rememberCosts = (): ((args: ExecutionArgs) => number) => {
  const known = new WeakMap<DocumentNode, Map<string, number>>();
  return (args) => {
    const costs = known.get(args.document) ?? new Map<string, number>();
    known.set(args.document, costs);
    const shape = shapeOf(args);
    const cost = costs.get(shape) ?? costOf(args);
    if (costs.size >= REMEMBERED) costs.clear();
    costs.set(shape, cost);
    return cost;
  };
};

/** Zero when the variables do not fit: execution says so. Introspection is priced at one for each of its root fields. */
const costOf = ({
  schema,
  document,
  variableValues,
  operationName,
  contextValue,
}: ExecutionArgs): number => {
  let cost = 0;
  const rule = createComplexityRule({
    context: Object(contextValue),
    variableValues: { ...variableValues },
    ...(operationName != null && { operationName }),
    validate: ({ complexity }) => {
      cost = Math.max(cost, complexity);
    },
  });
  validate(schema, document, [rule]);
  return cost;
};
