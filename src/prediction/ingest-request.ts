import type { IncomingMessage } from 'node:http';
import type { AppendOptions } from './append-report.ts';

/** Why a request is not taken at all. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** How a request wants its body read. */
export interface IngestRequest {
  readonly isGzip: boolean;
  readonly options: AppendOptions;
}

const MEDIA_TYPES = ['application/x-ndjson', 'application/jsonl', 'application/ndjson'];

/** Reads headers and parameters. */
export const readIngestRequest = (
  { headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>,
  parameters: readonly string[],
): IngestRequest | Refusal => {
  const refusal = mediaRefusal(headers['content-type'] ?? '');
  if (refusal !== null) return refusal;
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (!['identity', 'gzip', 'x-gzip'].includes(encoding)) {
    const message = `The content encoding ${JSON.stringify(encoding)} is not read; send the body plain or with gzip.`;
    return { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message };
  }
  const options = readParameters(url, parameters);
  return 'status' in options ? options : { isGzip: encoding.endsWith('gzip'), options };
};

const mediaRefusal = (contentType: string): Refusal | null => {
  const [type = '', ...rest] = contentType.toLowerCase().split(';');
  const charset = rest.find((parameter) => parameter.trim().startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset.trim());
  if (MEDIA_TYPES.includes(type.trim()) && isUtf8) return null;
  const message =
    'Send newline-delimited JSON in UTF-8 as application/x-ndjson: one JSON object a line, no array around them.';
  return { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message };
};

const readParameters = (url: string, known: readonly string[]): AppendOptions | Refusal => {
  const search = url.indexOf('?');
  const given = new URLSearchParams(search < 0 ? '' : url.slice(search + 1));
  const refuse = (message: string): Refusal => ({ status: 400, code: 'BAD_REQUEST', message });
  for (const name of given.keys()) {
    if (known.includes(name)) continue;
    const remedy = known.length === 0 ? 'none is known here' : `known is ${known.join(', ')}`;
    return refuse(`The query parameter ${JSON.stringify(name)} is not known; ${remedy}.`);
  }
  const [value, ...more] = given.getAll('undeclaredFeatures');
  if (value === undefined) return {};
  if (more.length === 0 && (value === 'keep' || value === 'reject')) {
    return { undeclaredFeatures: value };
  }
  return refuse(`undeclaredFeatures is ${JSON.stringify(value)}; send keep or reject, once.`);
};
