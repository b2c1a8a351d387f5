import { GraphQLError } from 'graphql';
import type { InputIssue } from './errors.ts';

/** Refuses the arguments of a query, which has no union of errors to return: a line for every issue, after its path. */
export const refuseArguments = (issues: readonly InputIssue[]): void => {
  if (issues.length === 0) return;
  const lines = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new GraphQLError(lines.join('\n'), { extensions: { code: 'BAD_USER_INPUT' } });
};
