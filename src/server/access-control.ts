import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { countApiKeys } from '../access/api-key.ts';
import type { AccessConfig } from '../platform/config.ts';
import type { Actor } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { type Authenticator, openAuthenticator } from './authenticate.ts';
import type { Caller } from './caller.ts';
import { isLoopback, StartError } from './request-guard.ts';

/** Who may call a server, under which names, and how much. */
export interface AccessControl {
  /** Who makes a request; null when its credentials are missing or do not hold. */
  readonly callerOf: (headers: IncomingHttpHeaders) => Promise<Caller | null>;
  readonly hosts: readonly string[];
  readonly showsSchema: boolean;
  /** Requests at once. */
  readonly concurrency: number;
  readonly stop: () => Promise<void>;
}

export interface AccessOptions {
  readonly database: Database;
  /** Who works on this machine. */
  readonly actor: Actor;
  readonly host: string;
  readonly log: Logger;
  /** Whether GraphiQL could ask for what it shows. */
  readonly isShowing: boolean;
  /** Absent for a server that only this machine's user is to reach. */
  readonly access?: AccessConfig;
}

/** Text of a header that a person wrote, which browsers and clients send percent-encoded when it is not ASCII. */
const reasonOf = ({ 'x-reason': given }: IncomingHttpHeaders): string | null => {
  const text = Array.isArray(given) ? given[0] : given;
  if (text === undefined || text.trim() === '') return null;
  try {
    return decodeURIComponent(text).trim().slice(0, 500);
  } catch {
    return text.trim().slice(0, 500);
  }
};

const callerWith = (actor: Actor, needReason: boolean, headers: IncomingHttpHeaders): Caller => ({
  actor,
  reads:
    actor.isKnown || needReason
      ? { reason: reasonOf(headers), noted: new Map(), needReason }
      : null,
});

/** Whether callers have to show something. Refuses to start where others could connect and could not be told apart. */
const needsCredentials = async ({ database, host, access }: AccessOptions): Promise<boolean> => {
  const isLocal = isLoopback(host);
  if (access === undefined) {
    if (isLocal) return false;
    throw new StartError(
      `Refusing to listen on ${host}: credentials are not configured, so anyone who reaches it could read and write ` +
        'everything. Use 127.0.0.1, ::1 or localhost.',
    );
  }
  const keys = await countApiKeys(database);
  // Also when none of them holds any more: that they ran out opens nothing.
  if (isLocal) return keys.all > 0 || access.oidc !== null;
  if (keys.usable === 0 && access.oidc === null) {
    throw new StartError(
      `Refusing to listen on ${host}: credentials are not configured, so anyone who reaches it could read and write ` +
        'everything. Make a key with `hindcast keys create`, or set HINDCAST_OIDC_ISSUER and HINDCAST_OIDC_AUDIENCE.',
    );
  }
  if (access.hosts.length === 0) {
    throw new StartError(
      `Refusing to listen on ${host}: the names it is reached by are not configured. Set HINDCAST_PUBLIC_URL, such as ` +
        'https://hindcast.example.org, or HINDCAST_HOSTS.',
    );
  }
  return true;
};

const CONCURRENCY = 512;

export const openAccess = async (options: AccessOptions): Promise<AccessControl> => {
  const { database, actor, host, log, access } = options;
  const isClosed = await needsCredentials(options);
  const needReason = access?.needReason ?? false;
  const authenticator: Authenticator | null = isClosed
    ? openAuthenticator({
        database,
        oidc: access?.oidc ?? null,
        rate: access?.rate ?? null,
        onError: (error) => log.error({ err: error }, 'the last use of keys was not recorded'),
      })
    : null;
  return {
    callerOf: async (headers) => {
      const found = authenticator === null ? actor : await authenticator.authenticate(headers);
      return found === null ? null : callerWith(found, needReason, headers);
    },
    hosts: access?.hosts ?? [],
    showsSchema: access?.introspection ?? (options.isShowing && isLoopback(host)),
    concurrency: access?.concurrency ?? CONCURRENCY,
    stop: async () => authenticator?.stop(),
  };
};
