import type { ExactJson, ExactJsonObject } from '../platform/exact-json.ts';
import { type Instant, parseInstant } from '../platform/instant.ts';
import { nearestName } from '../platform/nearest-name.ts';
import { unreadableText } from '../platform/storable-text.ts';
import { excerpt } from './feature-issue.ts';
import type { RecordIssue, RejectionCode } from './rejection.ts';

/** A record while its members are read: every reader below reports what is wrong and goes on. */
export interface RecordReading {
  readonly record: ExactJsonObject;
  readonly issues: RecordIssue[];
}

/** Longest identifier in bytes of UTF-8. A row of the log's index must fit a third of a database page. */
export const MAX_IDENTIFIER_BYTES = 1024;

/** How far ahead of this process's clock a time may be. Beyond it, a partition would be made for a mistake. */
const MAX_AHEAD = 86_400_000_000;

/** The latest time that a record may state now. */
export const latestTime = (): Instant => Date.now() * 1000 + MAX_AHEAD;

export const report = (
  { issues }: RecordReading,
  path: string,
  value: ExactJson | undefined,
  reason: string,
  code: RejectionCode = 'INVALID_FIELD',
): void => {
  const shown = excerpt(value);
  const subject = value === undefined ? `${path} is missing` : `${path} is ${shown}`;
  issues.push({
    code,
    path,
    value: value === undefined ? null : shown,
    message: `${subject}, ${reason}`,
  });
};

export const isJsonObject = (value: ExactJson | undefined): value is ExactJsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object that is its own, not one that every object inherits, such as `constructor`. */
export const memberOf = (object: ExactJsonObject, name: string): ExactJson | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** Refuses members that a record does not have, naming the one that was probably meant. */
export const refuseUnknown = (
  reading: RecordReading,
  known: ReadonlySet<string>,
  kind: string,
): void => {
  for (const name in reading.record) {
    if (known.has(name)) continue;
    const names = [...known];
    const nearest = nearestName(name, names);
    const remedy =
      nearest === null ? `it may have ${names.join(', ')}` : `did you mean ${nearest}?`;
    report(reading, name, reading.record[name], `but ${kind} has no such member; ${remedy}`);
    if (reading.issues.length >= MAX_ISSUES) return;
  }
};

const MAX_ISSUES = 20;

/** Text of 1 to 1024 bytes; an empty string after reporting that it is not. */
export const readIdentifier = (reading: RecordReading, name: string): string => {
  const value = memberOf(reading.record, name);
  if (value === undefined) {
    report(reading, name, value, 'but every record needs it; send 1 to 1024 bytes of text');
    return '';
  }
  return checkedText(reading, name, value, 1) ?? '';
};

/** Optional text; absent and null are the same. */
export const readText = (
  reading: RecordReading,
  name: string,
  least: 0 | 1 = 1,
  most: number = MAX_IDENTIFIER_BYTES,
): string | null => {
  const value = memberOf(reading.record, name) ?? null;
  return value === null ? null : checkedText(reading, name, value, least, most);
};

export const checkedText = (
  reading: RecordReading,
  path: string,
  value: ExactJson,
  least: 0 | 1,
  most: number = MAX_IDENTIFIER_BYTES,
): string | null => {
  if (typeof value !== 'string') {
    report(reading, path, value, 'which is not text; put it in quotes');
    return null;
  }
  if (value.length < least) {
    report(reading, path, value, `which is empty; send 1 to ${most} bytes of text`);
    return null;
  }
  // No text has fewer bytes than UTF-16 units, nor more than three times as many.
  const bytes = value.length * 3 > most ? Buffer.byteLength(value) : 0;
  if (bytes > most) {
    report(reading, path, value, `which has ${bytes} bytes; send ${least} to ${most}`);
    return null;
  }
  const problem = unreadableText(value);
  if (problem === null) return value;
  report(reading, path, value, `which ${problem}`);
  return null;
};

/** A time from 1970 to `latest`; 0 after reporting that it is not. */
export const readTime = (reading: RecordReading, name: string, latest: Instant): Instant => {
  const value = memberOf(reading.record, name);
  if (typeof value !== 'string') {
    const missing = value === undefined ? 'but every record needs it' : 'which is not a time';
    report(reading, name, value, `${missing}; ${TIME_EXAMPLE}`);
    return 0;
  }
  const instant = parseInstant(value);
  if (typeof instant === 'string') {
    report(reading, name, value, `but ${instant}`);
    return 0;
  }
  if (instant > latest) {
    report(reading, name, value, TOO_FAR_AHEAD, 'TIME_OUT_OF_RANGE');
  } else if (instant < 0) {
    report(reading, name, value, BEFORE_1970, 'TIME_OUT_OF_RANGE');
  }
  return instant;
};

const TIME_EXAMPLE = 'send an RFC 3339 string such as "2026-04-03T14:03:27.123456Z"';
const TOO_FAR_AHEAD =
  'which is more than 24 hours ahead of this server; the serving clock is ahead: set it right and send the record again';
const BEFORE_1970 = 'which is before 1970; send the time at which it happened';
