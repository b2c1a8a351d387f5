import type { ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Actor } from '../platform/context.ts';
import { forbidden } from '../platform/forbidden.ts';
import { UNAVAILABLE } from './masked-errors.ts';
import { rateLimited } from './rate-limit.ts';
import { type Route, sendError, sendJson } from './routes.ts';

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

export const sendUnavailable = (response: ServerResponse): void => {
  const { message, extensions } = UNAVAILABLE;
  sendError(response, extensions.http.status, extensions.code, message, extensions.http.headers);
};
