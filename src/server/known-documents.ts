import type { GraphQLParams } from 'graphql-yoga';
import { digestOfBytes } from '../platform/canonical-json.ts';
import type { ExactJson, ExactJsonObject } from '../platform/exact-json.ts';
import { readOperations } from './operations.ts';
import { refuse } from './refusals.ts';

/** Documents that the server knows before anybody asks, so that a caller may send the SHA-256 instead of the text. */
export interface KnownDocuments {
  /** Texts by the digest of their UTF-8. */
  readonly texts: ReadonlyMap<string, string>;
  /** Whether nothing else is run. */
  readonly areOnly: boolean;
}

export const NO_DOCUMENTS: KnownDocuments = { texts: new Map(), areOnly: false };

/** Every `.graphql` file of some folders. */
export const readKnownDocuments = async (
  folders: readonly string[],
  areOnly: boolean,
): Promise<KnownDocuments> => {
  const operations = (await Promise.all(folders.map(readOperations))).flat();
  return { texts: new Map(operations.map(({ query }) => [digestOfBytes(query), query])), areOnly };
};

/**
 * The parameters with the text of the document that they name: as `documentId` ("sha256:…", GraphQL over HTTP) or as
 * `extensions.persistedQuery.sha256Hash`, which other clients send. Where only known documents are run, any other is refused.
 */
export const withKnownDocument = (
  { documentId, ...params }: ExactJsonObject,
  { texts, areOnly }: KnownDocuments,
): GraphQLParams => {
  const named = digestOf(documentId) ?? digestOf(hashIn(params.extensions));
  if (named === null) {
    if (documentId != null) throw refuse(400, 'BAD_REQUEST', NO_IDENTIFIER);
    if (areOnly && typeof params.query === 'string' && !texts.has(digestOfBytes(params.query))) {
      throw refuse(403, 'DOCUMENT_NOT_TRUSTED', NOT_TRUSTED);
    }
    return params;
  }
  const sent = typeof params.query === 'string' ? params.query : null;
  if (sent !== null && digestOfBytes(sent) !== named) {
    const message = `The document is not the one that it is said to be: its digest is ${digestOfBytes(sent)}.`;
    throw refuse(400, 'BAD_REQUEST', message);
  }
  const known = texts.get(named);
  if (known !== undefined) return { ...params, query: known };
  if (sent === null) {
    const message = `No document with the digest ${named} is known here.`;
    throw refuse(404, 'PERSISTED_QUERY_NOT_FOUND', message);
  }
  if (areOnly) throw refuse(403, 'DOCUMENT_NOT_TRUSTED', NOT_TRUSTED);
  return params;
};

const NO_IDENTIFIER =
  '`documentId` must be "sha256:" and the 64 lower-case hexadecimal digits of a document\'s SHA-256.';
const NOT_TRUSTED =
  'This server runs known documents only, and this is none of them; see `operations/` and HINDCAST_DOCUMENTS_FOLDER.';

const digestOf = (identifier: ExactJson | undefined): string | null => {
  const [, hex] =
    typeof identifier === 'string' ? (/^(?:sha256:)?([0-9a-f]{64})$/.exec(identifier) ?? []) : [];
  return hex === undefined ? null : `sha256:${hex}`;
};

const memberOf = (value: ExactJson | undefined, name: string): ExactJson | undefined =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as ExactJsonObject)[name]
    : undefined;

const hashIn = (extensions: ExactJson | undefined): ExactJson | undefined =>
  memberOf(memberOf(extensions, 'persistedQuery'), 'sha256Hash');
