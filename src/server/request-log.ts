import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { pathOf } from './request-guard.ts';
import type { RequestRecord } from './request-record.ts';

/** A request that was answered. */
export interface Answered {
  readonly record: RequestRecord;
  /** HTTP status. */
  readonly status: number;
  readonly ms: number;
}

/** Writes one line a request. Never bodies, queries or headers: they may hold secrets. */
export const logAtEnd = (
  log: Logger,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
  tell: (answered: Answered) => void,
): void => {
  const start = performance.now();
  response.once('close', () => {
    const ms = Math.round((performance.now() - start) * 10) / 10;
    log.info(
      {
        requestId: record.requestId,
        method: request.method,
        path: pathOf(request)?.slice(0, 200) ?? null,
        status: response.statusCode,
        ms,
        ...(record.operationName !== null && { operationName: record.operationName }),
        ...(!response.writableFinished && { cutOff: true }),
      },
      'request',
    );
    tell({ record, status: response.statusCode, ms });
  });
};

/** Writes a line about each operation that took at least so many milliseconds, with what it did in them. */
export const logSlow =
  (log: Logger, slowMs: number) =>
  ({ record, ms }: Answered): void => {
    if (ms < slowMs) return;
    const { requestId, operation, operationName, cost, statements } = record;
    log.warn({ requestId, operation, operationName, ms, cost, statements }, 'slow operation');
  };
