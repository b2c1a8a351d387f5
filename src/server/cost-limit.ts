import { createComplexityRule } from '@pothos/plugin-complexity';
import {
  type DocumentNode,
  type ExecutionArgs,
  getOperationAST,
  getVariableValues,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { limitError } from '../platform/limit-error.ts';
import type { Limits } from './limits.ts';
import { chargeOperation, type RateLimiter } from './rate-limit.ts';
import type { ServerContext } from './request-record.ts';

/**
 * Refuses an operation that could return too much. Not a validation rule among the others: the price depends on the
 * variables, and Yoga remembers the outcome of validation by document alone.
 */
export const useCostLimit = ({ cost: limit }: Limits, limiter: RateLimiter): Plugin => {
  const knownCost = rememberCosts();
  const refuseCostly = ({ args }: { args: ExecutionArgs }): void => {
    const actual = knownCost(args);
    const { record } = args.contextValue as ServerContext;
    if (record !== undefined) record.cost = actual;
    if (actual <= limit) {
      chargeOperation(limiter, args, actual);
      return;
    }
    const message = `The operation costs ${actual}; the limit is ${limit}. Ask for smaller pages or fewer fields.`;
    throw limitError('QUERY_COMPLEXITY', message, { limit, actual });
  };
  return { onExecute: refuseCostly, onSubscribe: refuseCostly };
};

/** Prices of one document that are remembered: for as many kinds of variables, of so many characters. */
const REMEMBERED = 100;
const MAX_SHAPE = 500;

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
    const remembered = costs.get(shape);
    if (remembered !== undefined) return remembered;
    // Others of this shape may fit, and have a price.
    if (!fits(args)) return 0;
    const cost = costOf(args);
    if (shape.length > MAX_SHAPE) return cost;
    if (costs.size >= REMEMBERED) costs.clear();
    costs.set(shape, cost);
    return cost;
  };
};

/** Whether the variables are what the operation declares; when they are not, execution says so. */
const fits = ({ schema, document, variableValues, operationName }: ExecutionArgs): boolean => {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  // One error is enough to know: a list may hold a hundred thousand.
  const options = { maxErrors: 1 };
  return getVariableValues(schema, definitions, variableValues ?? {}, options).errors === undefined;
};

/** Introspection is priced at one for each of its root fields; how much it may ask for has a limit of its own. */
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
