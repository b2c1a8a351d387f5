import { type Context, context, type Span, type SpanOptions, trace } from '@opentelemetry/api';
import { expect, it, vi } from 'vitest';

// Read when the schema is made.
vi.hoisted(() => {
  process.env.HINDCAST_TRACES = '1';
});
const { openTestHindcast } = await import('./setup/hindcast.ts');

interface Made {
  name: string;
  readonly attributes: Record<string, unknown>;
  isEnded: boolean;
}

const spans: Made[] = [];

/** As much of an SDK as keeps what it is told. */
const start = (name: string, options: SpanOptions): Span => {
  const made: Made = { name, attributes: { ...options.attributes }, isEnded: false };
  spans.push(made);
  const span: Span = {
    spanContext: () => ({ traceId: '', spanId: '', traceFlags: 0 }),
    setAttribute: () => span,
    setAttributes: (more) => {
      Object.assign(made.attributes, more);
      return span;
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: () => span,
    updateName: (other) => {
      made.name = other;
      return span;
    },
    end: () => {
      made.isEnded = true;
    },
    isRecording: () => true,
    recordException: () => {},
  };
  return span;
};

const startActiveSpan = (name: string, ...rest: unknown[]): unknown => {
  const [options, parent] = rest.length > 1 ? rest : [{}];
  const work = rest.at(-1) as (span: Span) => unknown;
  return context.with((parent as Context | undefined) ?? context.active(), () =>
    work(start(name, options as SpanOptions)),
  );
};

trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: start, startActiveSpan }) });

it('makes spans of requests and of the resolvers that make objects, where that is asked for', async () => {
  const { respond } = await openTestHindcast();
  // More often than it takes to be compiled.
  for (let times = 0; times < 4; times += 1) {
    spans.length = 0;
    const document = 'query Mine { models(first: 1) { nodes { name } } serverInfo { version } }';
    expect((await respond(document)).errors).toBeUndefined();
    await vi.waitUntil(() => spans[0]?.isEnded);
    expect(spans.map(({ name }) => name)).toEqual([
      'POST several',
      'Query.models',
      'Query.serverInfo',
      'ModelConnection.nodes',
    ]);
    expect(spans.every(({ isEnded }) => isEnded)).toBe(true);
    expect(spans[0]?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'hindcast.request_id': expect.any(String),
      'hindcast.cost': expect.any(Number),
      'graphql.operation.name': 'Mine',
    });
  }
});
