import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Actor, Context } from '../platform/context.ts';
import { forbidden } from '../platform/forbidden.ts';
import { type Requirements, requirementsOf } from './requirements.ts';

const refuse = (actor: Actor, needed: Requirements, showsSchema: boolean): void => {
  if (needed.undeclared !== null) {
    const message = `${needed.undeclared} does not declare a scope, so nobody may ask for it.`;
    throw new GraphQLError(message, {
      extensions: { code: 'FORBIDDEN', scopes: [], http: { status: 403 } },
    });
  }
  const missing = [...needed.scopes].filter(([scope]) => !actor.scopes.has(scope));
  const [first] = missing;
  if (first !== undefined)
    throw forbidden(
      first[1],
      missing.map(([scope]) => scope),
    );
  if (actor.models !== null && needed.beyondModels !== null)
    throw forbidden(needed.beyondModels, []);
  if (needed.asksForSchema && !showsSchema) {
    const message = 'This server does not show its schema; see schema.graphql of its version.';
    throw new GraphQLError(message, {
      extensions: { code: 'FORBIDDEN', scopes: [], http: { status: 403 } },
    });
  }
};

/**
 * Refuses an operation that selects anything its caller may not see, before any of it runs. What it needs follows from
 * the document alone and is remembered with it, so that a request costs a comparison of sets.
 */
export const useAuthorization = (schema: GraphQLSchema, showsSchema: boolean): Plugin<Context> => {
  const known = new WeakMap<OperationDefinitionNode, Requirements>();
  const neededBy = (document: DocumentNode, operation: OperationDefinitionNode): Requirements => {
    const needed = known.get(operation) ?? requirementsOf(schema, document, operation);
    known.set(operation, needed);
    return needed;
  };
  const check = ({ args }: { args: ExecutionArgs }): void => {
    const { document, operationName, contextValue } = args;
    const operation = getOperationAST(document, operationName);
    // Nothing runs without one: execution says so.
    if (operation == null) return;
    refuse((contextValue as Context).actor, neededBy(document, operation), showsSchema);
  };
  return { onExecute: check, onSubscribe: check };
};
