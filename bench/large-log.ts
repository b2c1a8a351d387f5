import { flightLines, type Placement } from './flights.ts';
import { append, registerAndStart, serve } from './hindcast.ts';
import { createScratch, type Scratch, settle } from './postgresql.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;

/** A Monday, so that the first partition begins with the log. */
const FROM = new Date('2026-01-05');
const DAYS = 90;

/** Rows of one version on the day after the others. */
export const DENSE = 200_000;

/** The version of the dense day, and that day. */
export const DENSE_VERSION = { release: { model: 'flight-delay', semver: '1.1.0' } };
export const DENSE_DAY = {
  from: new Date(FROM.getTime() + DAYS * DAY),
  noon: new Date(FROM.getTime() + (DAYS + 0.5) * DAY),
  to: new Date(FROM.getTime() + (DAYS + 1) * DAY),
};

export const ENDPOINT = { name: 'flight-delay', environment: 'production' };

const SEEDS = 11_020;

export const largePlacement = (rows: number): Placement => ({
  rows,
  from: FROM,
  days: DAYS,
  dense: Math.min(DENSE, rows / 2),
});

/** Rows that lie evenly in time and are copies of the rows of one table in turn. */
interface Stretch {
  readonly seeds: 'seed' | 'dense_seed';
  readonly first: number;
  readonly count: number;
  /** Unix time in milliseconds. */
  readonly begin: number;
  readonly days: number;
}

const stretchesOf = ({ rows, from, days, dense }: Placement): readonly Stretch[] => [
  { seeds: 'seed', first: 0, count: rows - dense, begin: from.getTime(), days },
  {
    seeds: 'dense_seed',
    first: rows - dense,
    count: dense,
    begin: from.getTime() + days * DAY,
    days: 1,
  },
];

const COPIED = `item, endpoint_id, model_version_id, feature_schema_id, entity_key, numbers, integers, texts, statuses,
  feature_observed_at, undeclared, score, label, output, latency_ms, digest, recorded_at, salt, batch_id`;

/** Copies of seeds, under the times and request IDs that `flightLines` gives to the rows of these numbers. */
const fillSql = (table: string, seeds: Stretch['seeds']): string => `
  INSERT INTO ${table} (request_id, occurred_at, trace_id, ${COPIED})
  SELECT substr(time, 1, 8) || '-' || substr(time, 9) || '-7' || substr(rest, 1, 3) || '-8' || substr(rest, 4, 3)
      || '-' || lpad(substr(rest, 7), 12, '0'),
    to_timestamp(ms / 1000.0) + (row % 1000) * interval '1 microsecond', md5(row::text), ${COPIED}
  FROM (SELECT row, ms, lpad(to_hex(ms), 12, '0') AS time, lpad(to_hex(row), 12, '0') AS rest
    FROM (SELECT row, floor($3::float8 + ((row - $1::bigint)::float8 / $2::bigint) * $4::float8 * ${DAY})::bigint AS ms
      FROM generate_series($7::bigint, $8::bigint) row) placed
    WHERE ms >= $5::bigint AND ms < $6::bigint) made
  JOIN ${seeds} ON place = row % (SELECT count(*) FROM ${seeds})
  ORDER BY row`;

/** Fills one week in a table without indexes, which attaching it makes all at once. */
const fillWeek = async (
  { pool }: Scratch,
  week: number,
  stretches: readonly Stretch[],
): Promise<void> => {
  const day = new Date(week).toISOString().slice(0, 10);
  const next = new Date(week + WEEK).toISOString().slice(0, 10);
  const table = `prediction_log_p${day.replaceAll('-', '')}`;
  await pool.query(
    `CREATE TABLE ${table} (LIKE prediction_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`,
  );
  for (const { seeds, first, count, begin, days } of stretches) {
    const rowAt = (ms: number): number => first + ((ms - begin) / (days * DAY)) * count;
    const near = [
      Math.max(first, Math.floor(rowAt(week)) - 1),
      Math.min(first + count - 1, Math.ceil(rowAt(week + WEEK)) + 1),
    ];
    const values = [first, count, begin, days, week, week + WEEK, ...near];
    await pool.query(fillSql(table, seeds), values);
  }
  await pool.query(`ALTER TABLE prediction_log ATTACH PARTITION ${table}
    FOR VALUES FROM ('${day}T00:00:00Z') TO ('${next}T00:00:00Z')`);
};

const numbered = (name: string, condition: string): string => `CREATE TABLE ${name} AS
  SELECT l.*, row_number() OVER (ORDER BY occurred_at) - 1 AS place FROM prediction_log l WHERE ${condition}`;

const ROLLUPS = `INSERT INTO prediction_rollup
    (model_version_id, endpoint_id, feature_schema_id, hour, count, first_at, last_at, estimated, variance)
  SELECT model_version_id, endpoint_id, feature_schema_id, date_trunc('hour', occurred_at, 'UTC'), count(*),
    min(occurred_at), max(occurred_at), count(*), 0
  FROM prediction_log WHERE occurred_at >= $1 GROUP BY 1, 2, 3, 4`;

/** An outcome of each row of the dense day: that of every fourth is late. */
const OUTCOMES = `INSERT INTO prediction_outcome
    (request_id, endpoint_id, item, observed_at, digest, label, value, recorded_at, salt, batch_id)
  SELECT request_id, endpoint_id, item, occurred_at + interval '2 hours', digest,
    CASE WHEN get_byte(salt, 0) < 64 THEN 'LATE' ELSE 'ON_TIME' END, get_byte(salt, 0) - 40, recorded_at, salt, batch_id
  FROM prediction_log WHERE occurred_at >= $1`;

/**
 * A log of so many rows in a database of its own. Seeds are appended as by any caller, and copied in the database, which
 * takes a fifth of the time. Copies differ in request ID, time and trace ID, so only their digests are not theirs.
 */
export const makeLargeLog = async (url: string, rows: number): Promise<Scratch> => {
  const scratch = await createScratch(url);
  const { pool } = scratch;
  const server = await serve({ database: scratch.url });
  await registerAndStart(server.url);
  const seeds = { rows: SEEDS, from: new Date(FROM.getTime() - WEEK), days: 7, dense: 0 };
  await append(server.url, flightLines(seeds, undefined), SEEDS);
  await server.stop();
  const placement = largePlacement(rows);
  await pool.query(numbered('seed', 'TRUE'));
  await pool.query(
    numbered(
      'dense_seed',
      "model_version_id = (SELECT id FROM model_version WHERE semver = '1.1.0')",
    ),
  );
  const end = FROM.getTime() + (DAYS + 1) * DAY;
  for (let week = FROM.getTime(); week < end; week += WEEK) {
    await fillWeek(scratch, week, stretchesOf(placement));
  }
  await pool.query(ROLLUPS, [FROM]);
  await pool.query(OUTCOMES, [new Date(FROM.getTime() + DAYS * DAY)]);
  await pool.query('DROP TABLE seed, dense_seed');
  await settle(scratch);
  return scratch;
};
