import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import {
  isStatementTimeout,
  isUnavailable,
  isUnstorable,
  RETRY_SECONDS,
} from '../platform/database.ts';
import { UserError } from '../platform/errors.ts';
import type { RequestRecord, ServerContext } from './request-record.ts';

const rootCause = (error: unknown): unknown =>
  error instanceof GraphQLError && error.originalError != null
    ? rootCause(error.originalError)
    : error;

const UNEXPECTED = {
  message: 'Unexpected error.',
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
};
export const UNAVAILABLE = {
  message: 'The database, or something else that this needs, is not available now; ask again.',
  extensions: {
    code: 'UNAVAILABLE',
    http: { status: 503, headers: { 'retry-after': String(RETRY_SECONDS) } },
  },
};

const UNSTORABLE = {
  message: 'A text contains U+0000, which no text on record holds; remove it.',
  extensions: { code: 'BAD_USER_INPUT' },
};

const timeout = (limit: number | undefined) => ({
  message: `The database ended a statement that took ${limit === undefined ? 'too long' : `longer than ${limit} s`}. Ask for less: a shorter window, fewer conditions, a smaller page.`,
  extensions: { code: 'STATEMENT_TIMEOUT', ...(limit !== undefined && { limit }) },
});

/** What is told of an error that is not meant for the caller. */
const toldOf = (cause: unknown, statementSeconds: number | undefined) => {
  if (isStatementTimeout(cause)) return timeout(statementSeconds);
  if (isUnavailable(cause)) return UNAVAILABLE;
  return isUnstorable(cause) ? UNSTORABLE : UNEXPECTED;
};

/**
 * Lets errors meant for the caller through; of any other only that it happened, and where. Statements may take so many
 * seconds.
 */
export const maskError =
  (statementSeconds: number | undefined) =>
  (error: unknown): Error => {
    const cause = rootCause(error);
    if (cause instanceof GraphQLError) return error instanceof Error ? error : cause;
    const place =
      error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
    if (cause instanceof UserError) {
      return new GraphQLError(cause.message, { ...place, extensions: { code: 'BAD_USER_INPUT' } });
    }
    const told = toldOf(cause, statementSeconds);
    const originalError = cause instanceof Error ? cause : new Error(String(cause));
    return new GraphQLError(told.message, { ...place, originalError, extensions: told.extensions });
  };

/** Logs what `maskError` hid, with the request ID that the caller was given. */
export const logHiddenErrors = (
  log: Logger,
  errors: readonly GraphQLError[],
  record: RequestRecord | undefined,
): void => {
  if (record !== undefined && errors.length > 0) record.hasErrors = true;
  for (const { originalError, extensions, path } of errors) {
    const told = { requestId: record?.requestId, path, err: originalError };
    if (extensions?.code === 'INTERNAL_SERVER_ERROR') log.error(told, 'unexpected');
    if (extensions?.code === 'UNAVAILABLE') log.warn(told, 'the database is not available');
    if (extensions?.code === 'STATEMENT_TIMEOUT') log.warn(told, 'a statement took too long');
  }
};

/** Logs hidden errors of what Yoga answers. */
export const useErrorLog = (log: Logger): Plugin<object, ServerContext> => ({
  onResultProcess: ({ result, serverContext }) => {
    for (const part of Array.isArray(result) ? result : [result]) {
      if ('errors' in part) logHiddenErrors(log, part.errors ?? [], serverContext.record);
    }
  },
});
