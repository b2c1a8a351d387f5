import { createYoga } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { ArchiveStore } from '../platform/archive-store.ts';
import type { ArtifactStore } from '../platform/artifact-store.ts';
import type { Actor, Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import type { Replicas } from '../platform/replicas.ts';
import type { Signer } from '../platform/signed-note.ts';
import { schema } from '../schema.ts';
import { useAnswerNames } from './answer-names.ts';
import { useSensitiveReads } from './audit.ts';
import { useAuthorization } from './authorize.ts';
import { type Caller, NOBODY } from './caller.ts';
import { useCompiledQueries } from './compiled-queries.ts';
import { useCostLimit } from './cost-limit.ts';
import { documentCaches } from './document-cache.ts';
import { useGraphiql } from './graphiql.ts';
import { useExactRequests } from './graphql-request.ts';
import { type KnownDocuments, NO_DOCUMENTS } from './known-documents.ts';
import { DEFAULT_LIMITS, type Limits, useDocumentLimits, useLengthLimits } from './limits.ts';
import { maskError, useErrorLog } from './masked-errors.ts';
import { OPERATIONS_FOLDER } from './operations.ts';
import { type RateLimiter, rateLimiter } from './rate-limit.ts';
import { useReplicas } from './replica-reads.ts';
import { type ServerContext, useOperationName } from './request-record.ts';

export interface AppOptions {
  readonly database: Database;
  /** Answer what may be a moment old. */
  readonly replicas?: Replicas | null;
  readonly actor: Actor;
  readonly artifacts: ArtifactStore;
  readonly archive?: ArchiveStore;
  readonly inferenceUrl?: string | null;
  readonly signer?: Signer | null;
  readonly stopping?: AbortSignal;
  readonly log: Logger;
  readonly limits?: Limits;
  /** Documents that callers may name instead of sending them, and perhaps the only ones that are run. */
  readonly documents?: KnownDocuments;
  /** Whether introspection is answered, and browsers with GraphiQL. */
  readonly showsSchema?: boolean;
  /** Shared by everything that an actor can ask for. */
  readonly limiter?: RateLimiter;
  /** Where GraphiQL's ready-made operations are. */
  readonly operationsFolder?: string;
}

export const GRAPHQL_PATH = '/graphql';

/** What resolvers and routes see. */
export const contextOf = (
  { database, artifacts, archive, inferenceUrl = null, signer = null, stopping }: AppOptions,
  { actor, reads }: Caller,
): Context => ({
  database,
  actor,
  ...(reads === null ? {} : { reads }),
  artifacts,
  inferenceUrl,
  signer,
  ...(archive === undefined ? {} : { archive }),
  ...(stopping === undefined ? {} : { stopping }),
});

/** The GraphQL server over a database. */
export const createApp = (options: AppOptions) => {
  const {
    log,
    replicas = null,
    limits = DEFAULT_LIMITS,
    documents = NO_DOCUMENTS,
    operationsFolder = OPERATIONS_FOLDER,
    showsSchema = true,
    limiter = rateLimiter(),
  } = options;
  return createYoga<ServerContext, Context>({
    schema,
    context: ({ record }) => contextOf(options, record?.caller ?? NOBODY),
    graphqlEndpoint: GRAPHQL_PATH,
    maskedErrors: { maskError: maskError(options.database.statementSeconds) },
    // Plugins below do these in our way.
    graphiql: false,
    landingPage: false,
    logging: false,
    maxRequestBodySize: false,
    // Pages of other sites may not read our answers; uploads and batches are ways around limits that nobody needs.
    cors: false,
    multipart: false,
    batching: false,
    parserAndValidationCache: documentCaches(),
    plugins: [
      // First, because a browser's GET is no GraphQL request.
      ...(showsSchema ? [useGraphiql(operationsFolder)] : []),
      // After Yoga's own parsers, which round integers in variables; this replaces them.
      useExactRequests({ limits, documents }),
      // Before the document is parsed.
      useLengthLimits(limits),
      // Before the rules of the specification, some of which take quadratic time.
      useDocumentLimits(limits, schema),
      useAnswerNames(),
      // From here on the operation is known to be valid and to be the one that runs.
      useOperationName(),
      useAuthorization(schema, showsSchema),
      useCompiledQueries(schema),
      // Its end comes before the answer is sent.
      useSensitiveReads(log),
      // Around the execution that was chosen.
      ...(replicas === null ? [] : [useReplicas(replicas, log)]),
      // Last before execution, since the price depends on the variables.
      useCostLimit(limits, limiter),
      // On the answer, whatever stage it comes from.
      useErrorLog(log),
    ],
  });
};
