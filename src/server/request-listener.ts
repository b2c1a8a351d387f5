import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isUnavailable } from '../platform/database.ts';
import { isTracing } from '../platform/tracing.ts';
import type { AccessControl } from './access-control.ts';
import { type AppOptions, contextOf, createApp, GRAPHQL_PATH } from './app.ts';
import { NOBODY } from './caller.ts';
import { healthRoutes } from './health.ts';
import { answerPlainly, isPlainRequest, type Lane } from './json-lane.ts';
import { NO_DOCUMENTS } from './known-documents.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { rateLimiter } from './rate-limit.ts';
import {
  refusalOf,
  refuseUnlessArrived,
  sendFailure,
  sendOverloaded,
  sendRateLimited,
  sendRefusal,
  sendUnauthenticated,
} from './refusals.ts';
import {
  consistencyOf,
  isOurHost,
  pathOf,
  requestIdOf,
  setSecurityHeaders,
} from './request-guard.ts';
import { type Answered, logAtEnd, logSlow } from './request-log.ts';
import { newRecord, type RequestRecord } from './request-record.ts';
import { inRequestSpan } from './request-span.ts';
import { findRoute, type Route, sendError } from './routes.ts';
import { countStatements } from './statement-count.ts';

export interface ListenerOptions extends AppOptions {
  /** Addresses beside `/graphql` and `/health`. */
  readonly routes?: readonly Route[];
  readonly control: AccessControl;
  /** Milliseconds from which an operation is logged with its cost and its statements; null for never. */
  readonly slowMs?: number | null;
  /** How long a GraphQL request may take to arrive. */
  readonly arrivalSeconds?: number;
  /** Is told of each request at its end. */
  readonly onAnswered?: (answered: Answered) => void;
}

const ARRIVAL_SECONDS = 30;

/** Answers every request: guards first, then the route, and one line in the log at the end. */
export const requestListener = (options: ListenerOptions): RequestListener => {
  const { database, log, slowMs = null, onAnswered } = options;
  const answer = routerOf(options);
  const tellSlow = slowMs === null ? null : logSlow(log, slowMs);
  const within = slowMs === null ? null : countStatements(database);
  const tell = (answered: Answered): void => {
    tellSlow?.(answered);
    onAnswered?.(answered);
  };
  return (request, response) => {
    const consistency = consistencyOf(request.headers);
    const record = newRecord(requestIdOf(request.headers), consistency ?? null);
    logAtEnd(log, request, response, record, tell);
    response.setHeader('x-request-id', record.requestId);
    setSecurityHeaders(response);
    if (consistency === undefined) {
      const message = 'x-hindcast-consistency takes "primary" or "replica".';
      return sendError(response, 400, 'BAD_REQUEST', message);
    }
    const begin = () => {
      answer(request, response, record).catch((error: unknown) => {
        // The client went away in the middle of its body; the line at the end says so.
        if (error === request.errored) return;
        const told = { requestId: record.requestId, err: error };
        if (isUnavailable(error)) log.warn(told, 'the database is not available');
        else log.error(told, 'unexpected');
        if (response.headersSent) response.destroy();
        else sendFailure(response, error);
      });
    };
    const work = () => (within === null ? begin() : within(record, begin));
    if (isTracing) inRequestSpan(request, response, record, work);
    else work();
  };
};

const routerOf = (options: ListenerOptions) => {
  const { database, replicas = null, log, routes = [], arrivalSeconds = ARRIVAL_SECONDS } = options;
  const limiter = rateLimiter();
  let running = 0;
  const { limits = DEFAULT_LIMITS, documents = NO_DOCUMENTS } = options;
  const graphql = createApp({ ...options, limits, documents, limiter });
  const lane: Lane = { app: graphql, log, limits, documents };
  const table = [...healthRoutes(database, replicas, log), ...routes, ROOT];
  const { control: access } = options;

  return async (
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> => {
    const path = pathOf(request);
    const method = request.method ?? '';
    const isProbe = PROBES.includes(path ?? '');
    if (path === null || !(isProbe || isOurHost(request.headers.host, access.hosts))) {
      const names = [...access.hosts, 'localhost', '127.0.0.1'].join(', ');
      const message = `This is not the host asked for. Use ${names} or [::1].`;
      return sendError(response, 421, 'MISDIRECTED_REQUEST', message);
    }
    const isGraphql = path === GRAPHQL_PATH;
    if (!OPEN_PATHS.includes(path) && !(access.showsSchema && isGraphql && asksForPage(request))) {
      if (running >= access.concurrency) return sendOverloaded(response);
      running += 1;
      response.once('close', () => {
        running -= 1;
      });
      record.caller = await access.callerOf(request.headers);
      if (record.caller === null) return sendUnauthenticated(response);
    }
    if (isGraphql && GRAPHQL_METHODS.includes(method)) {
      refuseUnlessArrived(request, response, arrivalSeconds);
      if (isPlainRequest(request)) await answerPlainly(lane, request, response, record);
      else await graphql(request, response, { record });
      return;
    }
    const route = isGraphql ? GRAPHQL_METHODS : findRoute(table, method, path);
    if (route === null) {
      return sendError(response, 404, 'NOT_FOUND', 'There is nothing at this path.');
    }
    if ('handle' in route) {
      record.operation = route.path;
      const caller = record.caller ?? NOBODY;
      const refusal = refusalOf(caller.actor, route);
      if (refusal !== null) return sendRefusal(response, refusal);
      const seconds = route.scope === null ? 0 : limiter(caller.actor, ROUTE_COST);
      if (seconds > 0) return sendRateLimited(response, seconds);
      return route.handle(request, response, contextOf(options, caller));
    }
    const allow = route.join(', ');
    const message = `This path takes ${allow}.`;
    sendError(response, 405, 'METHOD_NOT_ALLOWED', message, { allow });
  };
};

/** What a stream of records costs, whatever its length: it is bounded by its own back-pressure. */
const ROUTE_COST = 100;

/** Asked by whoever watches the process, under any name: by its address, as often as not. */
const PROBES: readonly string[] = ['/health/live', '/health/ready'];

/** Addresses that tell nothing of anybody. */
const OPEN_PATHS: readonly string[] = ['/', ...PROBES];

/** A browser that is led somewhere shows no credentials; GraphiQL's page holds nothing but GraphiQL. */
const asksForPage = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html');

const GRAPHQL_METHODS: readonly string[] = ['GET', 'POST'];

const ROOT: Route = {
  method: 'GET',
  path: '/',
  scope: null,
  handle: async (_request, response) => {
    response.writeHead(302, { location: GRAPHQL_PATH }).end();
  },
};
