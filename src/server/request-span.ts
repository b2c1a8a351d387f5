import type { IncomingMessage, ServerResponse } from 'node:http';
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { endSpan, tracer } from '../platform/tracing.ts';
import type { RequestRecord } from './request-record.ts';

/** Runs the work of a request in a span, which continues the trace of the caller (W3C `traceparent`). */
export const inRequestSpan = (
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
  work: () => void,
): void => {
  const { method = '' } = request;
  const attributes = { 'http.request.method': method, 'hindcast.request_id': record.requestId };
  const caller = propagation.extract(context.active(), request.headers);
  tracer.startActiveSpan(method, { kind: SpanKind.SERVER, attributes }, caller, (span) => {
    response.once('close', () => {
      const { operation, operationName, cost } = record;
      // Named by what is bounded: callers may name their operations as they like.
      span.updateName(`${method} ${operation ?? 'none'}`);
      span.setAttributes({
        'http.response.status_code': response.statusCode,
        ...(operationName !== null && { 'graphql.operation.name': operationName }),
        ...(cost !== null && { 'hindcast.cost': cost }),
      });
      endSpan(span, response.statusCode >= 500 ? `status ${response.statusCode}` : null);
    });
    work();
  });
};
