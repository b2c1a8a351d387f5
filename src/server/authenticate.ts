import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';
import { actorOfKey, findApiKey, recordKeyUses } from '../access/api-key.ts';
import { isKeyText } from '../access/key-text.ts';
import type { OidcOptions } from '../platform/config.ts';
import type { Actor } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import { tokenVerifier } from './token-verifier.ts';

/** How long what was found out about credentials is taken for true, in milliseconds: a revocation holds after it. */
export const TRUST = 5_000;
const MAX_TRUSTED = 10_000;
/** How often it is written down when keys were used, in milliseconds. */
const USES = 60_000;

const BEARER = /^bearer ([\x21-\x7e]{1,8192})$/i;

interface Found {
  readonly actor: Actor;
  /** In milliseconds. */
  readonly expiresAt: number;
  /** Of the key; null for a token. */
  readonly keyId: string | null;
}

/** Tells callers apart by what they show. */
export interface Authenticator {
  /** Who calls; null when nothing is shown, or it does not hold. */
  readonly authenticate: (headers: IncomingHttpHeaders) => Promise<Actor | null>;
  /** Writes down what is still to be noted. */
  readonly stop: () => Promise<void>;
}

export interface AuthenticatorOptions {
  readonly database: Database;
  readonly oidc: OidcOptions | null;
  /** Cost of operations in a second for callers whose credentials do not say; null without a limit. */
  readonly rate: number | null;
  readonly onError: (error: unknown) => void;
}

/** Takes keys and, where an issuer is configured, its tokens. No statement is sent for what was seen a moment ago. */
export const openAuthenticator = ({
  database,
  oidc,
  rate,
  onError,
}: AuthenticatorOptions): Authenticator => {
  const verify = oidc === null ? null : tokenVerifier(oidc);
  const trusted = new LRUCache<string, Promise<Found | null>>({ max: MAX_TRUSTED, ttl: TRUST });
  let uses = new Map<string, Instant>();

  const lookUp = async (text: string): Promise<Found | null> => {
    if (!text.startsWith('hc_')) {
      const token = (await verify?.(text)) ?? null;
      return token === null ? null : { ...token, actor: { ...token.actor, rate }, keyId: null };
    }
    const key = isKeyText(text) ? await findApiKey(database, text) : null;
    if (key === null) return null;
    const actor = actorOfKey(key);
    return {
      actor: { ...actor, rate: actor.rate ?? rate },
      expiresAt: key.expiresAt / 1000,
      keyId: key.id,
    };
  };

  const trustedOrLookedUp = (text: string): Promise<Found | null> => {
    const name = createHash('sha256').update(text).digest('base64');
    const known = trusted.get(name);
    if (known !== undefined) return known;
    const found = lookUp(text).catch((error: unknown) => {
      trusted.delete(name);
      throw error;
    });
    trusted.set(name, found);
    return found;
  };

  const write = async (): Promise<void> => {
    const pending = uses;
    uses = new Map();
    await recordKeyUses(database, pending);
  };
  const timer = setInterval(() => write().catch(onError), USES);
  timer.unref();

  return {
    authenticate: async ({ authorization }) => {
      const text = BEARER.exec(authorization ?? '')?.[1];
      const found = text === undefined ? null : await trustedOrLookedUp(text);
      if (found === null || found.expiresAt <= Date.now()) return null;
      if (found.keyId !== null) uses.set(found.keyId, Date.now() * 1000);
      return found.actor;
    },
    stop: async () => {
      clearInterval(timer);
      await write();
    },
  };
};
