import {
  GraphQLError,
  type GraphQLSchema,
  Lexer,
  parse,
  Source,
  TokenKind,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { MAX_JSON_DEPTH } from '../platform/exact-json.ts';
import { limitError } from '../platform/limit-error.ts';
import { documentSize } from './document-size.ts';
import { introspectionSize, listLengths } from './introspection-size.ts';

/** What one GraphQL request may hold. */
export interface Limits {
  /** Bytes of the request body. */
  readonly bodyBytes: number;
  /** Levels of arrays and objects in its JSON text. */
  readonly jsonDepth: number;
  /** Values in its JSON text, those in other values included. */
  readonly jsonValues: number;
  /** Bytes of the document, comments included: what is parsed is kept for a while. */
  readonly documentBytes: number;
  /** Lexical tokens of the document, comments not counted. */
  readonly tokens: number;
  /** Levels of nested fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** Fields, each as often as the page sizes asked for allow. */
  readonly cost: number;
  /** Fields of the schema itself, about. */
  readonly introspection: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 2 * 1024 * 1024,
  jsonDepth: MAX_JSON_DEPTH,
  // A thousand predictions with a hundred features.
  jsonValues: 100_000,
  documentBytes: 64 * 1024,
  tokens: 2000,
  // GraphiQL's introspection query reaches exactly this deep.
  depth: 15,
  aliases: 30,
  directives: 20,
  cost: 10_000,
  // Nearly twice what GraphiQL asks for.
  introspection: 600_000,
};

const LENGTH_LIMITS: readonly unknown[] = ['DOCUMENT_LIMIT', 'TOKEN_LIMIT'];

/** Refuses a document that is too long before it is parsed, which costs more than counting its tokens. */
export const useLengthLimits = ({ documentBytes, tokens }: Limits): Plugin => ({
  onParse: ({ setParseFn }) => {
    setParseFn((text: string | Source, options?: Parameters<typeof parse>[1]) => {
      const source = typeof text === 'string' ? new Source(text) : text;
      assertBytes(source, documentBytes);
      assertTokens(source, tokens);
      return parse(source, options);
    });
    // Yoga would answer 200 for what parsing throws when the client accepts only application/json.
    return ({ result }) => {
      if (result instanceof GraphQLError && LENGTH_LIMITS.includes(result.extensions.code))
        throw result;
    };
  },
});

const assertBytes = ({ body }: Source, limit: number): void => {
  const actual = Buffer.byteLength(body);
  if (actual <= limit) return;
  const message = `The document has ${actual} bytes; the limit is ${limit}. Send values as variables, or ask in several requests.`;
  throw limitError('DOCUMENT_LIMIT', message, { limit, actual });
};

const assertTokens = (source: Source, limit: number): void => {
  const lexer = new Lexer(source);
  for (let actual = 0; lexer.advance().kind !== TokenKind.EOF; ) {
    actual += 1;
    if (actual > limit) {
      const message = `The document has more than ${limit} tokens. Ask for less, or in several requests.`;
      throw limitError('TOKEN_LIMIT', message, { limit, actual });
    }
  }
};

/**
 * Refuses a document that is too deep, has too many aliases or directives or asks for too much of the schema. It throws where the rule is made, which is
 * before any rule of the specification has visited the document: some of those take quadratic time.
 */
export const useDocumentLimits = (limits: Limits, schema: GraphQLSchema): Plugin => {
  const lengths = listLengths(schema);
  const documentLimits: ValidationRule = (context) => {
    const document = context.getDocument();
    const { depth, aliases, directives } = documentSize(document);
    if (depth > limits.depth) {
      const message = `The document nests fields ${depth} levels deep; the limit is ${limits.depth}. Ask in several requests.`;
      throw limitError('DEPTH_LIMIT', message, { limit: limits.depth, actual: depth });
    }
    if (aliases > limits.aliases) {
      const message = `The document has ${aliases} aliases; the limit is ${limits.aliases}. Ask in several requests.`;
      throw limitError('ALIAS_LIMIT', message, { limit: limits.aliases, actual: aliases });
    }
    if (directives > limits.directives) {
      const message = `The document has ${directives} directives; the limit is ${limits.directives}. Leave some out.`;
      throw limitError('DIRECTIVE_LIMIT', message, {
        limit: limits.directives,
        actual: directives,
      });
    }
    const introspection = introspectionSize(document, lengths);
    if (introspection > limits.introspection) {
      const message = `The document asks for about ${introspection} fields of the schema; the limit is ${limits.introspection}. Ask for less, or in several requests.`;
      throw limitError('INTROSPECTION_LIMIT', message, {
        limit: limits.introspection,
        actual: introspection,
      });
    }
    return {};
  };
  return { onValidate: ({ addValidationRule }) => addValidationRule(documentLimits) };
};
