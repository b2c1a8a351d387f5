import { getOperationAST } from 'graphql';
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
}

/** What goes along with a request into the GraphQL server. */
export interface ServerContext {
  readonly record?: RequestRecord;
}

/** Notes which operation runs. */
export const useOperationName = (): Plugin<ServerContext, ServerContext> => ({
  onExecute: ({ args }) => {
    const operation = getOperationAST(args.document, args.operationName);
    const { record } = args.contextValue;
    if (record !== undefined) record.operationName = operation?.name?.value.slice(0, 200) ?? null;
  },
});
