import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

import type { Consistency } from './request-record.ts';

/** Why the server did not start; the message says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const LOOPBACK = /^(localhost|::1|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/;

/** Refuses to listen where others could connect, while nobody can be told apart. */
export const assertLoopback = (host: string): void => {
  if (LOOPBACK.test(host)) return;
  throw new StartError(
    `Refusing to listen on ${host}: credentials are not configured, so anyone who reaches it could read and write ` +
      'everything. Use 127.0.0.1, ::1 or localhost.',
  );
};

/**
 * Whether a request was meant for this machine. A page that has its own name resolve to 127.0.0.1 (DNS rebinding) passes
 * the browser's checks of origin, but not this one of the name.
 */
export const isLocalHost = (host: string | undefined): boolean =>
  host !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host);

/** The caller's request ID if it is fit for logs and headers, a new one otherwise. */
export const requestIdOf = (headers: IncomingHttpHeaders): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomUUID();
};

/** Where the caller wants to read; null when it does not say, undefined when that cannot be understood. */
export const consistencyOf = (headers: IncomingHttpHeaders): Consistency | null | undefined => {
  const given = headers['x-hindcast-consistency'];
  if (given === undefined) return null;
  return given === 'primary' || given === 'replica' ? given : undefined;
};

/** The path of a request without its query; null for targets that are not paths, such as those meant for proxies. */
export const pathOf = ({ url = '' }: IncomingMessage): string | null =>
  url.startsWith('/') ? (url.split('?', 1)[0] ?? null) : null;

/** Headers of every answer. What an answer holds is nobody else's to cache, frame, guess the type of or read. */
export const setSecurityHeaders = (response: ServerResponse): void => {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('content-security-policy', `default-src 'none'; frame-ancestors 'none'`);
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('x-content-type-options', 'nosniff');
};
