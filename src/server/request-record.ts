import { getOperationAST, Kind, type OperationDefinitionNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Where to read: what is certain, or what may be a moment old. */
export type Consistency = 'primary' | 'replica';

/** What the HTTP server tells the GraphQL server about a request, and learns from it. */
export interface RequestRecord {
  readonly requestId: string;
  /** Which database the caller wants to answer; null leaves it to the operation. */
  readonly consistency: Consistency | null;
  /** Name of the GraphQL operation; null when it has none or none ran. */
  operationName: string | null;
  /** What was asked, of a bounded set: the root field or the route; null when nothing was found to run. */
  operation: string | null;
  /** Cost of the GraphQL operation; null when none ran. */
  cost: number | null;
  /** SQL statements sent for it, where they are counted. */
  statements: number;
  /** Whether the GraphQL answer has errors. */
  hasErrors: boolean;
}

export const newRecord = (
  requestId: string,
  consistency: Consistency | null = null,
): RequestRecord => ({
  requestId,
  consistency,
  operationName: null,
  operation: null,
  cost: null,
  statements: 0,
  hasErrors: false,
});

/** The one root field, which is part of the schema; callers may name their operations as they like. */
const rootFieldOf = ({ selectionSet: { selections } }: OperationDefinitionNode): string => {
  const [first] = selections;
  return selections.length === 1 && first?.kind === Kind.FIELD ? first.name.value : 'several';
};

/** What goes along with a request into the GraphQL server. */
export interface ServerContext {
  readonly record?: RequestRecord;
}

/** Notes which operation runs. */
export const useOperationName = (): Plugin<ServerContext, ServerContext> => ({
  onExecute: ({ args }) => {
    const operation = getOperationAST(args.document, args.operationName);
    const { record } = args.contextValue;
    if (record === undefined || operation == null) return;
    record.operationName = operation.name?.value.slice(0, 200) ?? null;
    record.operation = rootFieldOf(operation);
  },
});
