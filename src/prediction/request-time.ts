import { type Instant, isInstant } from '../platform/instant.ts';

const UUID_7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const ULID = /^([0-7][0-9A-HJKMNP-TV-Z]{9})[0-9A-HJKMNP-TV-Z]{16}$/i;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** When a request ID was made, as far as it says so itself: UUIDv7 and ULID begin with the time. Null for others, and for times that no record can have. */
export const timeOfRequestId = (requestId: string): Instant | null => {
  const [, high, low] = UUID_7.exec(requestId) ?? [];
  if (high !== undefined && low !== undefined) return instantAt(Number.parseInt(high + low, 16));
  const [, time] = ULID.exec(requestId) ?? [];
  if (time === undefined) return null;
  const millis = [...time.toUpperCase()].reduce(
    (sum, digit) => sum * 32 + CROCKFORD.indexOf(digit),
    0,
  );
  return instantAt(millis);
};

const instantAt = (millis: number): Instant | null =>
  isInstant(millis * 1000) ? millis * 1000 : null;
