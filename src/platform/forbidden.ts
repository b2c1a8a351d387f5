import { GraphQLError } from 'graphql';
import type { Scope } from './context.ts';

/** The refusal of what a caller may not do: `extensions.scopes` are those that it lacks. */
export const forbidden = (place: string, missing: readonly Scope[]): GraphQLError => {
  const reason =
    missing.length > 0
      ? `needs the scope${missing.length > 1 ? 's' : ''} ${missing.join(', ')}, which this caller lacks`
      : 'is not for callers that are restricted to models';
  return new GraphQLError(`${place} ${reason}.`, {
    extensions: { code: 'FORBIDDEN', scopes: missing, http: { status: 403 } },
  });
};
