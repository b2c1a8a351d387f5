import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Scope } from '../platform/context.ts';

/** An address outside GraphQL. `path` matches exactly; a GET route answers HEAD too. */
export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What a caller needs; null when anybody may ask. */
  readonly scope: Scope | null;
  /** Resolves when the answer is sent. What it throws becomes a masked 500. */
  readonly handle: (
    request: IncomingMessage,
    response: ServerResponse,
    context: Context,
  ) => Promise<void>;
}

/** Finds the route, or the methods that the path has; null when there is no such path. */
export const findRoute = (
  routes: readonly Route[],
  method: string,
  path: string,
): Route | readonly string[] | null => {
  const here = routes.filter((route) => route.path === path);
  if (here.length === 0) return null;
  const wanted = method === 'HEAD' ? 'GET' : method;
  const methods = here.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : ['POST']));
  return here.find((route) => route.method === wanted) ?? methods;
};

/** Answers with JSON. */
export const sendJson = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
};

/** Answers that the request was refused, in the form of a GraphQL error. */
export const sendError = (
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void => sendJson(response, status, { errors: [{ message, extensions: { code } }] }, headers);
