import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { type ExactJson, ExactJsonError, parseExactJson } from '../platform/exact-json.ts';
import { limitError } from '../platform/limit-error.ts';

const refuse = (status: number, code: string, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status } } });

/**
 * Reads requests without losing digits: integers in variables that a double cannot hold arrive as bigint. A body must be
 * `application/json`, which a page of another site cannot send without a preflight that is never answered.
 */
export const useExactRequests = ({ bodyBytes }: { readonly bodyBytes: number }): Plugin => ({
  onRequestParse: ({ request, setRequestParser }) => {
    if (request.method === 'GET') {
      setRequestParser(({ url }) => paramsOfUrl(url));
    } else if (request.method === 'POST') {
      assertJson(request.headers);
      setRequestParser(async (posted) => paramsOf(await bodyText(posted, bodyBytes)));
    }
  },
});

const assertJson = (headers: Headers): void => {
  const [type, ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset.trim());
  if (type?.trim() !== 'application/json' || !isUtf8) {
    throw refuse(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the request as application/json in UTF-8.');
  }
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') {
    throw refuse(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the request without a content encoding.');
  }
};

/** Reads a body to its end or up to the limit. It does not cancel the rest: that would take the answer along. */
const bodyText = async (request: Request, limit: number): Promise<string> => {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit, Number(declared));
  const reader = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(() => {
      throw refuse(400, 'BAD_REQUEST', 'The body ended before its end.');
    });
    if (done) break;
    size += value.byteLength;
    if (size > limit) throw tooLarge(limit, size);
    chunks.push(value);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw refuse(400, 'BAD_REQUEST', 'The body is not valid UTF-8.');
  }
};

const tooLarge = (limit: number, actual: number): GraphQLError => {
  const message = `The body is larger than ${limit} bytes. Send less, or in several requests.`;
  return limitError('BODY_LIMIT', message, { limit, actual, status: 413 });
};

/** The parameters of a GET request, whose objects are JSON text. */
const paramsOfUrl = (url: string): GraphQLParams => {
  const search = url.indexOf('?');
  const given = new URLSearchParams(search < 0 ? '' : url.slice(search + 1));
  const object = (name: string) => {
    const text = given.get(name);
    return text ? { [name]: exactJson(text, `\`${name}\``) } : {};
  };
  return {
    query: given.get('query') || undefined,
    operationName: given.get('operationName') || undefined,
    ...object('variables'),
    ...object('extensions'),
  } as GraphQLParams;
};

/** The parameters in a body; Yoga checks the type of each. */
const paramsOf = (text: string): GraphQLParams => {
  const params = exactJson(text, 'The body');
  if (Array.isArray(params)) {
    throw refuse(400, 'BAD_REQUEST', 'Several operations in one request are not supported.');
  }
  if (typeof params !== 'object' || params === null) {
    throw refuse(400, 'BAD_REQUEST', 'The body must be a JSON object that has a `query`.');
  }
  return params as GraphQLParams;
};

const exactJson = (text: string, name: string): ExactJson => {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof ExactJsonError)) throw error;
    throw refuse(400, 'BAD_REQUEST', `${name} cannot be read: ${error.message}.`);
  }
};
