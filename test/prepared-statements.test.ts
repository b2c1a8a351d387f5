import { expect, it } from 'vitest';
import { openTestDatabase } from './setup/database.ts';

const database = await openTestDatabase();

const TEXT = `SELECT a.n::int8 AS n, $2::float8 AS number, $3::text[] AS texts, $4::timestamptz AS at, $5::bytea AS bytes, NULL AS nothing
  FROM generate_series(1, 3) a(n) WHERE a.n = ANY($1::int[]) ORDER BY 1`;
const VALUES = [
  [1, 3],
  Number.NaN,
  ['a,"b"\\', null, ''],
  '2001-04-03T14:03:27.123456Z',
  new Uint8Array([0, 255]),
];
const ROWS = [1n, 3n].map((n) => ({
  n,
  number: Number.NaN,
  texts: ['a,"b"\\', null, ''],
  at: 986_306_607_123_456,
  bytes: new Uint8Array([0, 255]),
  nothing: null,
}));

it('a statement gives the same with a name, again, and in a transaction', async () => {
  expect(await database.query({ text: TEXT, values: VALUES })).toEqual(ROWS);
  for (let time = 0; time < 7; time += 1) {
    expect(await database.query({ name: 'prepared', text: TEXT, values: VALUES })).toEqual(ROWS);
  }
  const within = await database.transaction((session) =>
    session.query({ name: 'prepared', text: TEXT, values: VALUES }),
  );
  expect(within).toEqual(ROWS);
});

it('one that fails leaves the next as it was', async () => {
  const unknown = { name: 'unknown', text: 'SELECT nothing FROM nowhere' };
  await expect(database.query(unknown)).rejects.toMatchObject({ code: '42P01' });
  const divide = { name: 'divide', text: 'SELECT 6 / $1::int AS result' };
  await expect(database.query({ ...divide, values: [0] })).rejects.toMatchObject({ code: '22012' });
  expect(await database.query({ ...divide, values: [2] })).toEqual([{ result: 3 }]);
  await expect(database.query(unknown)).rejects.toMatchObject({ code: '42P01' });
});

it('those asked at once wait for a transaction and for each other', async () => {
  const divide = { name: 'divide', text: 'SELECT 6 / $1::int AS result' };
  const results: Promise<unknown>[] = [];
  await database.transaction(async (session) => {
    await session.query({ text: 'CREATE TEMP TABLE waited (n int) ON COMMIT DROP' });
    for (const n of [1, 2, 3]) results.push(database.query({ ...divide, values: [n] }));
    await session.query({ text: 'INSERT INTO waited VALUES (1)' });
  });
  expect(await Promise.all(results)).toEqual([[{ result: 6 }], [{ result: 3 }], [{ result: 2 }]]);
});
