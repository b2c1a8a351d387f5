import { GraphQLError } from 'graphql';
import type { InputIssue } from './errors.ts';

/** The refusal of a query's arguments, which has no union of errors to return: a line for every issue, after its path. */
export const argumentError = (...issues: readonly InputIssue[]): GraphQLError => {
  const lines = issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return new GraphQLError(lines.join('\n'), { extensions: { code: 'BAD_USER_INPUT' } });
};

/** Refuses arguments when there are issues. */
export const refuseArguments = (issues: readonly InputIssue[]): void => {
  if (issues.length > 0) throw argumentError(...issues);
};
