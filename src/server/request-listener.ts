import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { type AppOptions, contextOf, createApp, GRAPHQL_PATH } from './app.ts';
import { healthRoutes } from './health.ts';
import { answerPlainly, isPlainRequest } from './json-lane.ts';
import {
  consistencyOf,
  isLocalHost,
  pathOf,
  requestIdOf,
  setSecurityHeaders,
} from './request-guard.ts';
import type { RequestRecord } from './request-record.ts';
import { findRoute, type Route, sendError } from './routes.ts';

export interface ListenerOptions extends AppOptions {
  /** Addresses beside `/graphql` and `/health`. */
  readonly routes?: readonly Route[];
}

/** How long a GraphQL request may take to arrive, in milliseconds. */
const GRAPHQL_ARRIVAL = 30_000;

/** Answers every request: guards first, then the route, and one line in the log at the end. */
export const requestListener = (options: ListenerOptions): RequestListener => {
  const { log } = options;
  const answer = routerOf(options);
  return (request, response) => {
    const consistency = consistencyOf(request.headers);
    const record: RequestRecord = {
      requestId: requestIdOf(request.headers),
      consistency: consistency ?? null,
      operationName: null,
    };
    logAtEnd(log, request, response, record);
    response.setHeader('x-request-id', record.requestId);
    setSecurityHeaders(response);
    if (consistency === undefined) {
      const message = 'x-hindcast-consistency takes "primary" or "replica".';
      return sendError(response, 400, 'BAD_REQUEST', message);
    }
    answer(request, response, record).catch((error: unknown) => {
      // The client went away in the middle of its body; the line at the end says so.
      if (error === request.errored) return;
      log.error({ requestId: record.requestId, err: error }, 'unexpected');
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'INTERNAL_SERVER_ERROR', 'Unexpected error.');
    });
  };
};

const routerOf = (options: ListenerOptions) => {
  const { database, replicas = null, log, routes = [] } = options;
  const graphql = createApp(options);
  const table = [...healthRoutes(database, replicas, log), ...routes, ROOT];

  return async (
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> => {
    const path = pathOf(request);
    const method = request.method ?? '';
    if (path === null || !isLocalHost(request.headers.host)) {
      const message = 'This is not the host asked for. Use localhost, 127.0.0.1 or [::1].';
      return sendError(response, 421, 'MISDIRECTED_REQUEST', message);
    }
    const isGraphql = path === GRAPHQL_PATH;
    if (isGraphql && GRAPHQL_METHODS.includes(method)) {
      dropUnlessArrived(request);
      if (isPlainRequest(request)) await answerPlainly(graphql, log, request, response, record);
      else await graphql(request, response, { record });
      return;
    }
    const route = isGraphql ? GRAPHQL_METHODS : findRoute(table, method, path);
    if (route === null) {
      return sendError(response, 404, 'NOT_FOUND', 'There is nothing at this path.');
    }
    if ('handle' in route) return route.handle(request, response, contextOf(options));
    const allow = route.join(', ');
    const message = `This path takes ${allow}.`;
    sendError(response, 405, 'METHOD_NOT_ALLOWED', message, { allow });
  };
};

const dropUnlessArrived = (request: IncomingMessage): void => {
  const timer = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, GRAPHQL_ARRIVAL);
  request.once('close', () => clearTimeout(timer));
};

const GRAPHQL_METHODS: readonly string[] = ['GET', 'POST'];

const ROOT: Route = {
  method: 'GET',
  path: '/',
  handle: async (_request, response) => {
    response.writeHead(302, { location: GRAPHQL_PATH }).end();
  },
};

/** Writes one line a request. Never bodies, queries or headers: they may hold secrets. */
const logAtEnd = (
  log: Logger,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
): void => {
  const start = performance.now();
  response.once('close', () => {
    log.info(
      {
        requestId: record.requestId,
        method: request.method,
        path: pathOf(request)?.slice(0, 200) ?? null,
        status: response.statusCode,
        ms: Math.round((performance.now() - start) * 10) / 10,
        ...(record.operationName !== null && { operationName: record.operationName }),
        ...(!response.writableFinished && { cutOff: true }),
      },
      'request',
    );
  });
};
