import type { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { limitError } from '../platform/limit-error.ts';
import { refuse } from './refusals.ts';
import { type ParamsOptions, paramsOfBody, paramsOfUrl } from './request-params.ts';

/**
 * Reads requests without losing digits: integers in variables that a double cannot hold arrive as bigint. A body must be
 * `application/json`, which a page of another site cannot send without a preflight that is never answered.
 */
export const useExactRequests = (options: ParamsOptions): Plugin => ({
  onRequestParse: ({ request, setRequestParser }) => {
    if (request.method === 'GET') {
      setRequestParser(({ url }) => paramsOfUrl(url, options));
    } else if (request.method === 'POST') {
      assertJson(request.headers);
      const { bodyBytes } = options.limits;
      setRequestParser(async (posted) => paramsOfBody(await bodyText(posted, bodyBytes), options));
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
  return textOf(Buffer.concat(chunks));
};

/** The text of a body. */
export const textOf = (body: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw refuse(400, 'BAD_REQUEST', 'The body is not valid UTF-8.');
  }
};

const tooLarge = (limit: number, actual: number): GraphQLError => {
  const message = `The body is larger than ${limit} bytes. Send less, or in several requests.`;
  return limitError('BODY_LIMIT', message, { limit, actual, status: 413 });
};
