import { timingSafeEqual } from 'node:crypto';
import type { Actor, Scope } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { keyHash, keyIdOf, newKeyText } from './key-text.ts';

/** A key as it is on record; nobody can make the key itself from it. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly models: readonly string[] | null;
  readonly rate: number | null;
  readonly expiresAt: Instant;
  readonly createdBy: string;
  readonly recordedAt: Instant;
  readonly revokedAt: Instant | null;
  readonly lastUsedAt: Instant | null;
}

export type NewApiKey = Pick<
  ApiKey,
  'name' | 'scopes' | 'models' | 'rate' | 'expiresAt' | 'createdBy'
>;

const COLUMNS = `k.id, k.name, k.scopes, k.models, k.rate, k.expires_at AS "expiresAt", k.actor AS "createdBy",
  k.recorded_at AS "recordedAt", r.recorded_at AS "revokedAt", u.last_used_at AS "lastUsedAt"`;
const FROM = `api_key k LEFT JOIN api_key_revocation r ON r.api_key_id = k.id
  LEFT JOIN api_key_use u ON u.api_key_id = k.id`;

/** Records a new key and returns it: the only time that it is seen. */
export const createApiKey = async (
  database: Database,
  { name, scopes, models, rate, expiresAt, createdBy }: NewApiKey,
): Promise<{ readonly id: string; readonly text: string }> => {
  const text = newKeyText();
  const hash = keyHash(text);
  const id = keyIdOf(hash);
  await database.query({
    text: `INSERT INTO api_key (id, hash, name, scopes, models, rate, expires_at, actor, recorded_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())`,
    values: [id, hash, name, [...scopes], models, rate, formatInstant(expiresAt), createdBy],
  });
  return { id, text };
};

/** Records that a key holds no more; false when there is none or it was revoked before. */
export const revokeApiKey = async (
  database: Database,
  id: string,
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<boolean> => {
  const revoked = await database.query({
    text: `INSERT INTO api_key_revocation (api_key_id, reason, actor, recorded_at)
      SELECT id, $2, $3, clock_timestamp() FROM api_key WHERE id = $1
      ON CONFLICT DO NOTHING RETURNING api_key_id`,
    values: [id, reason, actor],
  });
  return revoked.length === 1;
};

/** Every key, the newest first. */
export const listApiKeys = (database: Database): Promise<readonly ApiKey[]> =>
  database.query<ApiKey>({
    text: `SELECT ${COLUMNS} FROM ${FROM} ORDER BY k.recorded_at DESC, k.id`,
  });

/** How many keys there are and how many of them hold now. */
export const countApiKeys = async (
  database: Database,
): Promise<{ readonly all: number; readonly usable: number }> => {
  const [counts] = await database.query<{ all: number; usable: number }>({
    text: `SELECT count(*)::int AS all, (count(*) FILTER (WHERE r.api_key_id IS NULL AND k.expires_at > now()))::int AS usable
      FROM api_key k LEFT JOIN api_key_revocation r ON r.api_key_id = k.id`,
  });
  return counts ?? { all: 0, usable: 0 };
};

/** The key with a text, if it holds now. One statement. */
export const findApiKey = async (database: Database, text: string): Promise<ApiKey | null> => {
  const hash = keyHash(text);
  const [found] = await database.query<ApiKey & { readonly hash: Uint8Array }>({
    name: 'api_key',
    text: `SELECT ${COLUMNS}, k.hash FROM ${FROM} WHERE k.id = $1`,
    values: [keyIdOf(hash)],
  });
  if (found === undefined || !timingSafeEqual(found.hash, hash)) return null;
  const isUsable = found.revokedAt === null && found.expiresAt > Date.now() * 1000;
  return isUsable ? found : null;
};

/** Who calls with a key. */
export const actorOfKey = ({ name, scopes, models, rate }: ApiKey): Actor => ({
  name,
  scopes: new Set(scopes),
  models,
  rate,
  isKnown: true,
});

/** Notes when keys were last used. */
export const recordKeyUses = async (
  database: Database,
  uses: ReadonlyMap<string, Instant>,
): Promise<void> => {
  if (uses.size === 0) return;
  await database.query({
    text: `INSERT INTO api_key_use (api_key_id, last_used_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
      ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = greatest(api_key_use.last_used_at, excluded.last_used_at)`,
    values: [[...uses.keys()], [...uses.values()].map(formatInstant)],
  });
};
