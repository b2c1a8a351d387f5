import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Actor } from '../platform/context.ts';
import { isStatementTimeout, isUnavailable } from '../platform/database.ts';
import { forbidden } from '../platform/forbidden.ts';
import { UNAVAILABLE } from './masked-errors.ts';
import { rateLimited } from './rate-limit.ts';
import { type Route, sendError, sendJson } from './routes.ts';
import { IssuerUnreachableError } from './token-verifier.ts';

/** The refusal of a request that cannot be understood or is not taken. */
export const refuse = (status: number, code: string, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status } } });

/** Why an actor may not use a route; null when it may. */
export const refusalOf = (actor: Actor, { path, scope }: Route): GraphQLError | null => {
  if (scope === null) return null;
  if (!actor.scopes.has(scope)) return forbidden(path, [scope]);
  // A stream holds records of any model.
  return actor.models === null ? null : forbidden(path, []);
};

export const sendRefusal = (
  response: ServerResponse,
  { message, extensions: { code, scopes } }: GraphQLError,
): void => sendJson(response, 403, { errors: [{ message, extensions: { code, scopes } }] });

export const sendUnauthenticated = (response: ServerResponse): void =>
  sendError(
    response,
    401,
    'UNAUTHENTICATED',
    'Show a key or token that holds: `authorization: Bearer …`.',
    { 'www-authenticate': 'Bearer realm="hindcast"' },
  );

export const sendRateLimited = (response: ServerResponse, seconds: number): void =>
  sendError(response, 429, 'RATE_LIMITED', rateLimited(seconds).message, {
    'retry-after': String(seconds),
  });

export const sendOverloaded = (response: ServerResponse): void =>
  sendError(response, 503, 'OVERLOADED', 'Too many requests are running; try again in 1 s.', {
    'retry-after': '1',
  });

/** Answers that a request failed, for no fault of its own. */
export const sendFailure = (response: ServerResponse, error: unknown): void => {
  const { message, extensions } = UNAVAILABLE;
  if (error instanceof IssuerUnreachableError) {
    const problem = 'Tokens cannot be checked: their issuer does not answer.';
    sendError(response, 503, 'ISSUER_UNREACHABLE', problem, { 'retry-after': '5' });
  } else if (isUnavailable(error) || isStatementTimeout(error)) {
    const { status, headers } = extensions.http;
    sendError(response, status, extensions.code, message, headers);
  } else {
    sendError(response, 500, 'INTERNAL_SERVER_ERROR', 'Unexpected error.');
  }
};

/** Answers a request that arrives too slowly, and ends its connection. */
export const refuseUnlessArrived = (
  request: IncomingMessage,
  response: ServerResponse,
  seconds: number,
): void => {
  const timer = setTimeout(() => {
    if (request.complete || response.headersSent) return;
    const message = `The request did not arrive within ${seconds} s.`;
    const extensions = { code: 'ARRIVAL_TIMEOUT', limit: seconds };
    sendJson(response, 408, { errors: [{ message, extensions }] }, { connection: 'close' });
  }, seconds * 1000);
  request.once('close', () => clearTimeout(timer));
};
