import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateOf, formatInstant, instantOf, parseInstant } from '../src/platform/instant.ts';

const NOON = Date.UTC(2026, 3, 3, 12) * 1000;
const first = Date.UTC(1685, 0) * 1000;
const last = Date.UTC(2255, 0) * 1000 - 1;

describe('reading', () => {
  it.each([
    ['2026-04-03T12:00:00Z', NOON],
    ['2026-04-03t12:00:00z', NOON],
    ['2026-04-03 12:00:00+00', NOON],
    ['2026-04-03T12:00:00-00:00', NOON],
    ['2026-04-03T14:00:00+02:00', NOON],
    ['2026-04-03T14:00:00+0200', NOON],
    ['2026-04-03T14:00:00.5+02', NOON + 500_000],
    ['2026-04-03T06:30:00-05:30', NOON],
    ['2026-04-04T11:59:00+23:59', NOON],
    ['2026-04-03T12:00:00.1Z', NOON + 100_000],
    ['2026-04-03T12:00:00.000001Z', NOON + 1],
    ['2026-04-03T12:00:00.123456000Z', NOON + 123_456],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['1970-01-01T00:00:00Z', 0],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29) * 1000],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29) * 1000],
    ['1685-01-01T00:00:00Z', first],
    ['2254-12-31T23:59:59.999999Z', last],
    ['2255-01-01T00:30:00+01:00', Date.UTC(2254, 11, 31, 23, 30) * 1000],
  ])('reads %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  it.each([
    '2026-04-03T12:00:00',
    '2026-04-03',
    '2026-04-03T12:00Z',
    '2026-4-3T12:00:00Z',
    '2026-04-03T12:00:00.Z',
    '2026-04-03T12:00:00,5Z',
    '2026-04-03T12:00:00Z ',
    '+002026-04-03T12:00:00Z',
    '1775217600',
    '',
    'now',
  ])('refuses %j, which is not RFC 3339', (text) => {
    expect(parseInstant(text)).toBe(
      `"${text}" is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z`,
    );
  });

  it.each([
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-04-00T00:00:00Z',
    '2026-04-03T24:00:00Z',
    '2026-04-03T12:60:00Z',
    '2026-04-03T12:00:00+24:00',
    '2026-04-03T12:00:00+01:60',
  ])('refuses %s, which does not exist', (text) => {
    expect(parseInstant(text)).toBe(`"${text}" names a day, time or offset that does not exist`);
  });

  it.each(['2016-12-31T23:59:60Z', '2017-01-01T00:59:60.5+01:00', '2026-04-03T12:00:60Z'])(
    'refuses %s, and says that it is a leap second',
    (text) => {
      expect(parseInstant(text)).toBe(
        `"${text}" is a leap second, which a count of microseconds has no place for; write the second 59 or the one after it`,
      );
    },
  );

  it('refuses digits that it would lose', () => {
    expect(parseInstant('2026-04-03T12:00:00.1234567Z')).toBe(
      '"2026-04-03T12:00:00.1234567Z" is finer than a microsecond; write at most 6 digits after the second',
    );
  });

  it.each([
    '0050-01-01T00:00:00Z',
    '1684-12-31T23:59:59.999999Z',
    '2255-01-01T00:00:00Z',
    '9999-12-31T00:00:00Z',
  ])('refuses %s, which a number of microseconds cannot hold exactly', (text) => {
    expect(parseInstant(text)).toBe(`"${text}" is outside the years 1685 to 2254`);
  });

  it('shows only the start of a long text', () => {
    expect(parseInstant('x'.repeat(100_000))).toBe(
      `"${'x'.repeat(60)}…" is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z`,
    );
  });
});

describe('writing', () => {
  it.each([
    [NOON, '2026-04-03T12:00:00.000Z'],
    [NOON + 120_000, '2026-04-03T12:00:00.120Z'],
    [NOON + 1, '2026-04-03T12:00:00.000001Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
  ])('writes %d as %s', (instant, text) => {
    expect(formatInstant(instant)).toBe(text);
  });

  it('is read back as the same microsecond, at any offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: first, max: last }),
        fc.integer({ min: -1439, max: 1439 }),
        (instant, offset) => {
          expect(parseInstant(formatInstant(instant))).toBe(instant);
          const local = formatInstant(instant + offset * 60_000_000).slice(0, -1);
          const minutes = Math.abs(offset);
          const two = (value: number): string => String(value).padStart(2, '0');
          const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
          expect(parseInstant(`${local}${zone}`)).toBe(instant);
        },
      ),
    );
  });
});

it('converts dates to and from instants', () => {
  expect(instantOf(new Date(1.5e12))).toBe(1.5e15);
  expect(dateOf(1_500_000_000_000_999)).toEqual(new Date(1.5e12));
  expect(dateOf(-1)).toEqual(new Date(-1));
});
