/** Microseconds since 1970-01-01T00:00:00Z: exact as a JavaScript number from the year 1685 to 2254. */
export type Instant = number;

/** Later than every instant: as known at it, nothing is left out, whatever the clocks of process and database say. */
export const END_OF_TIME: Instant = Number.MAX_SAFE_INTEGER;

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)$/;

const FIRST_MILLISECOND = Date.UTC(1685, 0);
const LAST_MILLISECOND = Date.UTC(2255, 0) - 1;

/**
 * Reads an RFC 3339 date-time with a UTC offset, to the microsecond; PostgreSQL's shorter offsets `+02` and `+0200`
 * are read too. Returns a sentence that says what is wrong when the text is not one, or would lose digits.
 */
export const parseInstant = (text: string): Instant | string => {
  if (!RFC_3339.test(text)) {
    return `${quoted(text)} is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z`;
  }
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const fractionEnd = endOfFraction(text);
  const offset = offsetMinutes(text, fractionEnd);
  if (second === 60) {
    return `${quoted(text)} is a leap second, which a count of microseconds has no place for; write the second 59 or the one after it`;
  }
  if (
    day < 1 ||
    day > daysInMonth(year, month) ||
    hour > 23 ||
    minute > 59 ||
    second > 59 ||
    offset === null
  ) {
    return `${quoted(text)} names a day, time or offset that does not exist`;
  }
  const micros = microseconds(text, fractionEnd);
  if (micros === null) {
    return `${quoted(text)} is finer than a microsecond; write at most 6 digits after the second`;
  }
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const millis =
    year < 100 ? -Infinity : Date.UTC(year, month - 1, day, hour, minute, second) - offset * 60_000;
  return millis >= FIRST_MILLISECOND && millis <= LAST_MILLISECOND
    ? millis * 1000 + micros
    : `${quoted(text)} is outside the years 1685 to 2254`;
};

/** Whether it lies in the years that can be kept. */
export const isInstant = (micros: number): boolean =>
  micros >= FIRST_MILLISECOND * 1000 && micros < (LAST_MILLISECOND + 1) * 1000;

/** Reading digits in place takes half the time of capturing groups. */
const twoDigits = (text: string, at: number): number =>
  text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;

const daysInMonth = (year: number, month: number): number => {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  if (month === 4 || month === 6 || month === 9 || month === 11) return 30;
  return month >= 1 && month <= 12 ? 31 : 0;
};

const endOfFraction = (text: string): number => {
  let end = 19;
  if (text[end] === '.') end += 1;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end;
};

/** `null` when a digit beyond the sixth is not 0. */
const microseconds = (text: string, end: number): number | null => {
  let micros = 0;
  for (let at = 20; at < 26; at += 1) {
    micros = micros * 10 + (at < end ? text.charCodeAt(at) - 48 : 0);
  }
  for (let at = 26; at < end; at += 1) if (text[at] !== '0') return null;
  return micros;
};

/** `null` for an hour above 23 or a minute above 59. */
const offsetMinutes = (text: string, at: number): number | null => {
  const sign = text[at];
  if (sign === 'Z' || sign === 'z') return 0;
  const hours = twoDigits(text, at + 1);
  const minutes = text.length > at + 3 ? twoDigits(text, text.length - 2) : 0;
  if (hours > 23 || minutes > 59) return null;
  return (hours * 60 + minutes) * (sign === '-' ? -1 : 1);
};

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

const quoted = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** RFC 3339 in UTC, with 3 digits after the second when that is exact and 6 otherwise. */
export const formatInstant = (instant: Instant): string => {
  const millis = Math.floor(instant / 1000);
  const micros = instant - millis * 1000;
  const text = new Date(millis).toISOString();
  return micros === 0 ? text : `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
};

/**
 * Now, as far as what is on record tells: never before the last of it was recorded. The clock of the database gives
 * record times, and this process's may be behind it.
 */
export const nowAfter = (recorded: readonly Instant[]): Instant =>
  recorded.reduce((latest, one) => Math.max(latest, one), Date.now() * 1000);

export const instantOf = (date: Date): Instant => date.getTime() * 1000;

/** The instant as a `Date`; sub-millisecond digits are cut off, so use it only for facts kept to the millisecond. */
export const dateOf = (instant: Instant): Date => new Date(Math.floor(instant / 1000));
