import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { runCommand } from './setup/command.ts';
import { unique } from './setup/database.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { append, field, line, served } from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
const { version, endpoint } = await served(hindcast, [field('distance')]);

const LEAP_SECOND =
  'is a leap second, which a count of microseconds has no place for; write the second 59 or the one after it';
const NONE = 'names a day, time or offset that does not exist';
const NO_RFC =
  'is not an RFC 3339 date-time with a UTC offset, such as 2026-04-03T14:03:27.123456Z';
const YEARS = 'is outside the years 1685 to 2254';

const REFUSED = [
  ['2016-12-31T23:59:60Z', LEAP_SECOND],
  ['2017-01-01T00:59:60.500+01:00', LEAP_SECOND],
  ['2026-02-01T24:00:00Z', NONE],
  ['2026-02-29T12:00:00Z', NONE],
  ['-0001-02-01T12:00:00Z', NO_RFC],
  ['2026-03-29T02:30:00', NO_RFC],
  ['2026-03-29T02:30:00[Europe/Paris]', NO_RFC],
  ['0001-01-01T00:00:00Z', YEARS],
  ['9999-12-31T23:59:59Z', YEARS],
  [
    '2026-02-01T12:00:00.123456789Z',
    'is finer than a microsecond; write at most 6 digits after the second',
  ],
] as const;

const messageOf = (text: string, reason: string): string =>
  `occurredAt is ${JSON.stringify(text)}, but ${JSON.stringify(text)} ${reason}`;

/** One that is right, and then the others: they look the same but for the time. */
const lines = [
  line(version, endpoint, { distance: 1 }),
  ...REFUSED.map(([occurredAt]) => line(version, endpoint, { distance: 1 }, { occurredAt })),
];
const renamed = (prefix: string) => lines.map((one) => ({ ...one, requestId: unique(prefix) }));

const storedLike = async (prefix: string): Promise<number> => {
  const [row] = await hindcast.database.query<{ count: bigint }>({
    text: `SELECT count(*) AS count FROM prediction_log WHERE starts_with(request_id, $1)`,
    values: [prefix],
  });
  return Number(row?.count);
};

describe('a text that is no time to the microsecond in the years that can be kept', () => {
  it('rejects its line of a stream, and no other', async () => {
    const answer = await append(hindcast, renamed('stream'));
    expect(answer.filter(({ status }) => status === 'REJECTED')).toEqual(
      REFUSED.map(([text, reason], index) =>
        expect.objectContaining({
          line: index + 2,
          code: 'INVALID_FIELD',
          path: 'occurredAt',
          message: messageOf(text, reason),
        }),
      ),
    );
    expect(answer.at(-1)).toMatchObject({ summary: { stored: 1, rejected: REFUSED.length } });
    expect(await storedLike('stream-')).toBe(1);
  });

  it('rejects its record of a mutation, and no other', async () => {
    const predictions = renamed('mutation').map((one) => ({
      ...one,
      endpoint: { route: endpoint },
      modelVersion: { digest: version.digest },
    }));
    const { recordPredictions } = await hindcast.ask<{ recordPredictions: unknown }>(
      `mutation ($input: RecordPredictionsInput!) { recordPredictions(input: $input) {
        ... on RecordPredictionsPayload { storedCount rejectedCount results { status message } } } }`,
      { input: { predictions } },
    );
    expect(recordPredictions).toEqual({
      storedCount: 1,
      rejectedCount: REFUSED.length,
      results: REFUSED.map(([text, reason]) => ({
        status: 'REJECTED',
        message: messageOf(text, reason),
      })),
    });
    expect(await storedLike('mutation-')).toBe(1);
  });

  it('is told by the command, which ends with 1', async () => {
    const input = renamed('command')
      .map((one) => JSON.stringify(one))
      .join('\n');
    const { code, stdout, stderr } = await runCommand(
      ['ingest', '-', '--json', '--url', hindcast.url],
      {},
      input,
    );
    expect([code, stderr]).toEqual([1, '']);
    const { stored, rejected, refused } = JSON.parse(stdout);
    expect([stored, rejected]).toEqual([1, REFUSED.length]);
    expect(refused.map(({ message }: { message: string }) => message)).toEqual(
      REFUSED.map(([text, reason]) => messageOf(text, reason)),
    );
    expect(await storedLike('command-')).toBe(1);
  });

  it.each(REFUSED)('is refused as an argument: %s', async (text, reason) => {
    const { errors } = await hindcast.respond(
      `query ($route: EndpointRouteInput!, $at: DateTime!) { endpoint(by: { route: $route }) {
        deploymentsAt(at: $at) { id } } }`,
      { route: endpoint, at: text },
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toContain(`${JSON.stringify(text)} ${reason}`);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

it('refuses what is before 1970, and says so', async () => {
  const occurredAt = '1969-12-31T23:59:59.999999Z';
  const answer = await append(hindcast, [line(version, endpoint, { distance: 1 }, { occurredAt })]);
  expect(answer[0]).toMatchObject({
    status: 'REJECTED',
    code: 'TIME_OUT_OF_RANGE',
    message: `occurredAt is "${occurredAt}", which is before 1970; send the time at which it happened`,
  });
});

const OCCURRED = `query ($by: PredictionLogReference!) { predictionLog(by: $by) { requestId occurredAt } }`;

const occurredAtOf = async (requestId: unknown): Promise<unknown> => {
  const { predictionLog } = await hindcast.ask<{ predictionLog: { occurredAt: string } | null }>(
    OCCURRED,
    { by: { request: { requestId, endpoint } } },
  );
  return predictionLog?.occurredAt;
};

describe('a text with an offset', () => {
  it.each([
    [
      'the first of the two hours of the end of summer time',
      '2025-10-26T02:30:00+02:00',
      '2025-10-26T00:30:00.000Z',
    ],
    ['the second of them', '2025-10-26T02:30:00+01:00', '2025-10-26T01:30:00.000Z'],
    [
      'the hour that its beginning leaves out, which an offset makes real',
      '2025-03-30T02:30:00+01:00',
      '2025-03-30T01:30:00.000Z',
    ],
    ['another day in UTC', '2026-01-31T23:30:00-02:00', '2026-02-01T01:30:00.000Z'],
    ['nanoseconds that are none', '2026-02-01T12:00:00.123456000Z', '2026-02-01T12:00:00.123456Z'],
  ])('is that instant of UTC: %s', async (_, occurredAt, expected) => {
    const sent = line(version, endpoint, { distance: 1 }, { occurredAt });
    expect((await append(hindcast, [sent])).at(-1)).toMatchObject({ summary: { stored: 1 } });
    expect(await occurredAtOf(sent.requestId)).toBe(expected);
    // The same instant in other words is the same record.
    const again = { ...sent, occurredAt: expected };
    expect((await append(hindcast, [again])).at(-1)).toMatchObject({ summary: { duplicates: 1 } });
  });
});

describe('a request ID that begins with a time', () => {
  const uuidAt = (hex: string): string =>
    `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8def-0123456789ab`;
  const at = Date.UTC(2026, 1, 1, 12);
  const hexOf = (ms: number): string => ms.toString(16).padStart(12, '0');

  it.each([
    ['is right', uuidAt(hexOf(at))],
    ['is hours late', uuidAt(hexOf(at + 5 * 3_600_000))],
    ['is hours early', uuidAt(hexOf(at - 5 * 3_600_000))],
    ['is of 1970', uuidAt(hexOf(0))],
    ['is of the year 10889', uuidAt('ffffffffffff')],
    ['is of the year 10889, in a ULID', '7ZZZZZZZZZ0123456789ABCDEF'],
  ])('finds its record when that time %s', async (_, requestId) => {
    const sent = line(version, endpoint, { distance: 1 }, { requestId });
    expect((await append(hindcast, [sent])).at(-1)).toMatchObject({ summary: { stored: 1 } });
    expect(await occurredAtOf(requestId)).toBe('2026-02-01T12:00:00.123456Z');
    const { request } = await hindcast.ask<{ request: unknown }>(
      'query ($by: RequestReference!) { request(by: $by) { predictions { requestId } gaps { reason } } }',
      { by: { requestId } },
    );
    expect(request).toEqual({ predictions: [{ requestId }], gaps: [] });
  });
});
