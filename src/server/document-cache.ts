import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Tokens of all documents that are kept: with what hangs on it, a token takes some hundred bytes. */
const MAX_TOKENS = 100_000;
/** Texts that could not be parsed; each is as long as a document may be. */
const MAX_ERRORS = 100;

const tokensOf = ({ loc }: DocumentNode): number => {
  let count = 1;
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) count += 1;
  return count;
};

/**
 * What Yoga remembers of documents, and what prices, requirements and compiled queries hang on. Yoga counts documents,
 * whatever their size; whoever sends large ones, each a little different, would fill the memory.
 */
export const documentCaches = () => ({
  documentCache: new LRUCache<string, DocumentNode>({
    maxSize: MAX_TOKENS,
    sizeCalculation: (document, text) => tokensOf(document) + Math.ceil(text.length / 100),
  }),
  errorCache: new LRUCache<string, Error>({ max: MAX_ERRORS }),
});
