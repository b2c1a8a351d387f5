import { type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { PothosOutputFieldConfig, SchemaTypes } from '@pothos/core';
import {
  isEnumField,
  isExposedField,
  isRootField,
  isScalarField,
  runFunction,
} from '@pothos/plugin-tracing';
import type { GraphQLFieldResolver } from 'graphql';
import { wantsTraces } from './config.ts';
import { VERSION } from './version.ts';

/** Whether spans are made. They go to the OpenTelemetry SDK that was loaded before, and nowhere without one. */
export const isTracing = wantsTraces();

export const tracer = trace.getTracer('hindcast', VERSION);

/** Ends a span, as failed when there is an error. */
export const endSpan = (span: Span, error: unknown): void => {
  if (error !== undefined && error !== null) {
    span.recordException(error instanceof Error ? error : String(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
};

/** Root fields, and those whose resolvers make objects: the others take no time. */
export const isTraced = <Types extends SchemaTypes>(field: PothosOutputFieldConfig<Types>) =>
  isRootField(field) || !(isExposedField(field) || isScalarField(field) || isEnumField(field));

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<
  unknown,
  Types['Context'],
  Record<string, unknown>
>;

/** A span for each run of a resolver. */
export const tracedField =
  <Types extends SchemaTypes>(
    resolver: Resolver<Types>,
    _: unknown,
    { parentType, name }: PothosOutputFieldConfig<Types>,
  ): Resolver<Types> =>
  (source, args, context, info) =>
    tracer.startActiveSpan(`${parentType}.${name}`, (span) =>
      runFunction(
        () => resolver(source, args, context, info),
        (error) => endSpan(span, error),
      ),
    );
