import {
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Context } from '../platform/context.ts';
import { isStatementTimeout } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import type { Replicas } from '../platform/replicas.ts';
import { plainOf } from './json-text.ts';
import type { ServerContext } from './request-record.ts';

/** Questions about many things: an answer that is a moment old is as good, and they cost the most. */
export const LAGGING_FIELDS: ReadonlySet<string> = new Set([
  'compareCohorts',
  'deployments',
  'endpoints',
  'erasures',
  'findByName',
  'impact',
  'lifecycleTransitions',
  'lineagePath',
  'models',
  'predictionLogs',
  'replayCohort',
  'usesPackage',
]);

/** Whether a replica may answer: as the caller says, or when everything asked for may lag. */
const mayLag = (
  operation: OperationDefinitionNode | null | undefined,
  { record }: ServerContext,
): boolean => {
  if (operation?.operation !== 'query' || record?.consistency === 'primary') return false;
  if (record?.consistency === 'replica') return true;
  return operation.selectionSet.selections.every(
    (one) =>
      one.kind === Kind.FIELD &&
      (LAGGING_FIELDS.has(one.name.value) || one.name.value === '__typename'),
  );
};

/** Whether something was not found, or failed. Both may come of lag, so only the primary may say so. */
const isDoubtful = ({ data, errors }: ExecutionResult): boolean =>
  (errors !== undefined && errors.length > 0) ||
  Object.values(data ?? { nothing: null }).some((answer) => {
    const value = plainOf(answer);
    return value === null || (Array.isArray(value) && value.includes(null));
  });

/**
 * Answers from a read replica what may be a moment old, and says in `extensions.asOf` how old. The primary answers what a
 * replica does not find or fails at, so that lag never looks like absence.
 */
export const useReplicas = (
  replicas: Replicas,
  log: Logger,
): Plugin<Context & ServerContext, ServerContext> => ({
  onExecute: ({ args, executeFn, setExecuteFn }) => {
    const { contextValue } = args;
    if (!mayLag(getOperationAST(args.document, args.operationName), contextValue)) return;
    setExecuteFn(async (given: ExecutionArgs) => {
      const replica = await replicas.choose();
      if (replica === null) return executeFn(given);
      const result: ExecutionResult = await executeFn({
        ...given,
        contextValue: { ...contextValue, database: replica.database },
      });
      // It would take the primary as long.
      if (result.errors?.some(({ originalError }) => isStatementTimeout(originalError)))
        return result;
      if (!isDoubtful(result)) {
        const extensions = { ...result.extensions, asOf: formatInstant(replica.asOf) };
        return { ...result, extensions };
      }
      const failure = result.errors?.find(({ originalError }) => originalError != null);
      if (failure !== undefined) logFailure(log, failure, contextValue);
      return executeFn(given);
    });
  },
});

const logFailure = (log: Logger, { originalError, path }: GraphQLError, context: ServerContext) =>
  log.debug(
    { requestId: context.record?.requestId, path, err: originalError },
    'the primary answers for a replica',
  );
