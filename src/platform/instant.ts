/** Microseconds since 1970-01-01T00:00:00Z: exact as a JavaScript number from the year 1684 to 2255. */
export type Instant = number;

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}(?::?\d{2})?)$/;

/**
 * Reads an RFC 3339 date-time with a UTC offset, to the microsecond.
 * Returns a sentence that says what is wrong when the text is not one, or would lose digits.
 */
export const parseInstant = (text: string): Instant | string => {
  const match = RFC_3339.exec(text);
  if (match === null) {
    return `${JSON.stringify(text)} is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z`;
  }
  const [, year, month, day, hour, minute, second, fraction = '', offset = 'Z'] = match;
  const utc = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  if (Number.isNaN(utc) || new Date(utc).toISOString() !== written) {
    return `${JSON.stringify(text)} names a day or time that does not exist`;
  }
  if (/[1-9]/.test(fraction.slice(6))) {
    return `${JSON.stringify(text)} is finer than a microsecond; write at most 6 digits after the second`;
  }
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0'));
  const instant = utc * 1000 + micros - offsetMinutes(offset) * 60_000_000;
  return Number.isSafeInteger(instant)
    ? instant
    : `${JSON.stringify(text)} is outside the years 1685 to 2254`;
};

const offsetMinutes = (offset: string): number => {
  if (offset === 'Z' || offset === 'z') return 0;
  const digits = offset.slice(1).replace(':', '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2, 4) || 0);
  return offset.startsWith('-') ? -minutes : minutes;
};

/** RFC 3339 in UTC, with 3 digits after the second when that is exact and 6 otherwise. */
export const formatInstant = (instant: Instant): string => {
  const millis = Math.floor(instant / 1000);
  const micros = instant - millis * 1000;
  const text = new Date(millis).toISOString();
  return micros === 0 ? text : `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
};

export const instantOf = (date: Date): Instant => date.getTime() * 1000;

/** The instant as a `Date`; sub-millisecond digits are cut off, so use it only for facts kept to the millisecond. */
export const dateOf = (instant: Instant): Date => new Date(Math.floor(instant / 1000));
