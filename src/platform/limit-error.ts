import { GraphQLError } from 'graphql';

/** Which limit a request went beyond. */
export type LimitCode =
  | 'ALIAS_LIMIT'
  | 'BATCH_LIMIT'
  | 'BODY_LIMIT'
  | 'DEPTH_LIMIT'
  | 'DIRECTIVE_LIMIT'
  | 'DOCUMENT_LIMIT'
  | 'INTROSPECTION_LIMIT'
  | 'JSON_DEPTH_LIMIT'
  | 'JSON_VALUES_LIMIT'
  | 'NODES_LIMIT'
  | 'QUERY_COMPLEXITY'
  | 'TOKEN_LIMIT';

/** A request refused for its size before anything ran: `extensions` hold the code, the limit and what was sent. */
export const limitError = (
  code: LimitCode,
  message: string,
  { limit, actual, status = 400 }: { limit: number; actual: number; status?: number },
): GraphQLError =>
  new GraphQLError(message, { extensions: { code, limit, actual, http: { status } } });
