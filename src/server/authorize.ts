import { type DocumentNode, type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql';
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
  const known = new WeakMap<DocumentNode, Map<string, Requirements>>();
  const neededBy = ({ document, operationName }: ExecutionArgs): Requirements => {
    const ofDocument = known.get(document) ?? new Map<string, Requirements>();
    known.set(document, ofDocument);
    const name = operationName ?? '';
    const needed = ofDocument.get(name) ?? requirementsOf(schema, document, operationName);
    ofDocument.set(name, needed);
    return needed;
  };
  const check = ({ args }: { args: ExecutionArgs }): void =>
    refuse((args.contextValue as Context).actor, neededBy(args), showsSchema);
  return { onExecute: check, onSubscribe: check };
};
