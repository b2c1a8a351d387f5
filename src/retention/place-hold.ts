import type { Context } from '../platform/context.ts';
import { assertNoIssues, NotFoundError } from '../platform/errors.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { checkWindow } from '../platform/time-window.ts';
import { modelIdOf } from '../registry/named-in-filter.ts';
import { findEndpoint } from '../serving/endpoint.ts';
import { checkReason } from './retention-policy-type.ts';

/** What a hold is to be on. */
export interface HoldOrder {
  readonly model?: string | null | undefined;
  readonly endpoint?: { readonly name: string; readonly environment: string } | null | undefined;
  readonly entityKey?: string | null | undefined;
  readonly during?:
    | { readonly from?: Instant | null | undefined; readonly to?: Instant | null | undefined }
    | null
    | undefined;
  readonly reason: string;
}

const MAX_KEY = 1024;

// The hold keeps a commitment to the entity, which tells nobody when salt and key are gone.
const PLACE = `WITH salted AS (SELECT uuid_send(gen_random_uuid()) AS salt), hold AS (
    INSERT INTO legal_hold (model_id, endpoint_id, entity_commitment, covers_from, covers_to, reason, actor)
    SELECT $1, $2, sha256(salt || convert_to($3::text, 'UTF8')), $4::timestamptz, $5::timestamptz, $6, $7 FROM salted
    RETURNING id
  ), held AS (
    INSERT INTO held_entity (hold_id, entity_key, salt) SELECT id, $3::text, salt FROM hold, salted WHERE $3::text IS NOT NULL
  )
  SELECT id FROM hold`;

/** Places a hold and returns its number. */
export const placeHold = async (
  { database, actor }: Context,
  { model, endpoint, entityKey, during, reason }: HoldOrder,
): Promise<number> => {
  const issues = collectIssues();
  checkReason(reason, issues);
  checkWindow(['input', 'during'], during, issues);
  if (entityKey === '') {
    issues.add(['input', 'entityKey'], `entityKey is empty; give 1 to ${MAX_KEY} characters.`);
  } else issues.text(['input', 'entityKey'], entityKey, MAX_KEY);
  if ([model, endpoint, entityKey, during].every((given) => given == null)) {
    issues.add(['input'], 'The hold is on nothing; give a model, endpoint, entity or window.');
  }
  const modelId = await modelIdOf(database, model, ['input', 'model'], issues);
  const found = endpoint == null ? null : await findEndpoint(database, { route: endpoint });
  if (endpoint != null && found === null) {
    issues.add(['input', 'endpoint'], 'There is no such endpoint.');
  }
  assertNoIssues(issues.list);
  const instant = (at: Instant | null | undefined) => (at == null ? null : formatInstant(at));
  const [placed] = await database.query<{ id: number }>({
    text: PLACE,
    values: [
      modelId,
      found?.id ?? null,
      entityKey ?? null,
      instant(during?.from),
      instant(during?.to),
      reason,
      actor.name,
    ],
  });
  return placed?.id ?? 0;
};

/** Ends a hold and forgets whom it was about. */
export const releaseHold = async (
  { database, actor }: Context,
  { number, reason }: { readonly number: number; readonly reason: string },
): Promise<void> => {
  const issues = collectIssues();
  checkReason(reason, issues);
  assertNoIssues(issues.list);
  const released = await database.transaction(async (session) => {
    await session.query({ text: 'DELETE FROM held_entity WHERE hold_id = $1', values: [number] });
    return session.query({
      text: `INSERT INTO legal_hold_release (hold_id, reason, actor)
        SELECT id, $2, $3 FROM legal_hold WHERE id = $1 ON CONFLICT DO NOTHING RETURNING hold_id`,
      values: [number, reason, actor.name],
    });
  });
  if (released.length > 0) return;
  throw new NotFoundError(`No hold that lasts has the number ${number}.`, ['input', 'number']);
};
