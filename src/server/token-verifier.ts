import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { OidcOptions } from '../platform/config.ts';
import { type Actor, SCOPES, type Scope } from '../platform/context.ts';
import { isSecureUrl } from '../platform/environment.ts';

/** Asymmetric ones alone: with others, who can check a token could make one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Difference of clocks that is allowed for, in seconds. */
const CLOCK_TOLERANCE = 30;
/** How long keys are used before they are fetched again, and how soon an unknown one makes it be, in milliseconds. */
const KEYS_AGE = 60_000;
const KEYS_COOLDOWN = 5_000;
const PATIENCE = 5_000;

/** The issuer cannot be asked for its keys. */
export class IssuerUnreachableError extends Error {
  override readonly name = 'IssuerUnreachableError';
}

const isScope = (text: string): text is Scope => SCOPES.some((scope) => scope === text);

const textsOf = (claim: unknown): readonly string[] => {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? claim.filter((one) => typeof one === 'string') : [];
};

/** Who a token that holds speaks of; scopes that are not Hindcast's are left out. */
const actorOf = (payload: JWTPayload, options: OidcOptions): Actor | null => {
  const name = payload[options.nameClaim];
  if (typeof name !== 'string' || name === '' || name.length > 200) return null;
  const models = payload[options.modelsClaim];
  return {
    name,
    scopes: new Set(textsOf(payload[options.scopesClaim]).filter(isScope)),
    // A claim that cannot be understood restricts to nothing at all.
    models: models === undefined ? null : textsOf(models),
    rate: null,
    isKnown: true,
  };
};

const discoveredKeysUrl = async (issuer: string): Promise<string> => {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: 'error' });
  const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error(`${url} does not describe ${issuer}.`);
  }
  if (!isSecureUrl(document.jwks_uri)) {
    throw new Error(`${url} names keys at ${document.jwks_uri}, which must start with https://.`);
  }
  return document.jwks_uri;
};

/** The issuer's keys, fetched when they are first needed and again when they may have changed. */
const keysOf = ({ issuer, jwksUrl }: OidcOptions): JWTVerifyGetKey => {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const open = async (): Promise<JWTVerifyGetKey> =>
    createRemoteJWKSet(new URL(jwksUrl ?? (await discoveredKeysUrl(issuer))), {
      cacheMaxAge: KEYS_AGE,
      cooldownDuration: KEYS_COOLDOWN,
      timeoutDuration: PATIENCE,
    });
  return async (header, token) => {
    keys ??= open().catch((error) => {
      keys = undefined;
      throw error;
    });
    return (await keys)(header, token);
  };
};

/** What `jose` says of the token itself; anything else is about the keys. */
const isAboutToken = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout) &&
  !(error instanceof errors.JWKSInvalid) &&
  error.code !== 'ERR_JOSE_GENERIC';

export interface VerifiedToken {
  readonly actor: Actor;
  /** In milliseconds. */
  readonly expiresAt: number;
}

/** Checks tokens of one issuer; null for one that does not hold. */
export const tokenVerifier = (
  options: OidcOptions,
): ((token: string) => Promise<VerifiedToken | null>) => {
  const keys = keysOf(options);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: options.issuer,
        audience: options.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['exp'],
      });
      const actor = actorOf(payload, options);
      const expiresAt = ((payload.exp ?? 0) + CLOCK_TOLERANCE) * 1000;
      return actor === null ? null : { actor, expiresAt };
    } catch (error) {
      if (isAboutToken(error)) return null;
      throw new IssuerUnreachableError(`The keys of ${options.issuer} cannot be fetched.`, {
        cause: error,
      });
    }
  };
};
