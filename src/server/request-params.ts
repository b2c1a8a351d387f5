import type { GraphQLParams } from 'graphql-yoga';
import {
  type ExactJson,
  ExactJsonError,
  type ExactJsonObject,
  parseExactJson,
} from '../platform/exact-json.ts';
import { type LimitCode, limitError } from '../platform/limit-error.ts';
import { type KnownDocuments, withKnownDocument } from './known-documents.ts';
import type { Limits } from './limits.ts';
import { refuse } from './refusals.ts';

/** How the parameters of a request are read. */
export interface ParamsOptions {
  readonly limits: Limits;
  readonly documents: KnownDocuments;
}

/** The parameters in a body, which are of any type: whoever uses them has to look. */
export const paramsOfBody = (text: string, { limits, documents }: ParamsOptions): GraphQLParams => {
  const params = exactJson(text, 'The body', limits);
  if (isList(params)) {
    const message = 'Operations in a list are not taken, not even one; send each in a request.';
    throw limitError('BATCH_LIMIT', message, { limit: 0, actual: params.length });
  }
  if (typeof params !== 'object' || params === null) {
    throw refuse(400, 'BAD_REQUEST', 'The body must be a JSON object that has a `query`.');
  }
  return withKnownDocument(params, documents);
};

/** The parameters of a GET request, whose objects are JSON text. */
export const paramsOfUrl = (url: string, { limits, documents }: ParamsOptions): GraphQLParams => {
  const search = url.indexOf('?');
  const given = new URLSearchParams(search < 0 ? '' : url.slice(search + 1));
  const text = (name: string): ExactJsonObject => {
    const value = given.get(name);
    return value ? { [name]: value } : {};
  };
  const object = (name: string): ExactJsonObject => {
    const value = given.get(name);
    return value ? { [name]: exactJson(value, `\`${name}\``, limits) } : {};
  };
  const params = {
    ...text('query'),
    ...text('documentId'),
    ...text('operationName'),
    ...object('variables'),
    ...object('extensions'),
  };
  return withKnownDocument(params, documents);
};

const isList = (value: ExactJson): value is readonly ExactJson[] => Array.isArray(value);

const EXCESS: Partial<Record<ExactJsonError['code'], LimitCode>> = {
  TOO_DEEP: 'JSON_DEPTH_LIMIT',
  TOO_MANY_VALUES: 'JSON_VALUES_LIMIT',
};

const exactJson = (text: string, name: string, limits: Limits): ExactJson => {
  try {
    return parseExactJson(text, { depth: limits.jsonDepth, values: limits.jsonValues });
  } catch (error) {
    if (!(error instanceof ExactJsonError)) throw error;
    const message = `${name} cannot be read: ${error.message}.`;
    const code = EXCESS[error.code];
    if (code !== undefined && error.excess !== null) throw limitError(code, message, error.excess);
    throw refuse(400, 'BAD_REQUEST', message);
  }
};
