import { expect, it } from 'vitest';
import { decimalOf, numericOf } from '../src/ledger/exact-decimal.ts';
import { useTestDatabase } from './setup/database.ts';

const database = await useTestDatabase();

it('makes of a float the decimal that the database makes of it, halves included', async () => {
  // The last three have 16 digits, of which the last is a half.
  const odd = [1, 3, 7, 10, 1 / 3, 0.1, 1e9, 1e18, 1.1e-16, 123456789012.0625, 512345678901234.5];
  const values = [...odd, 512345678901235.5, 0.5 ** 50];
  for (let index = 0; index < 500; index += 1) {
    const rate = Math.random() ** 4 + 1e-9;
    values.push(1 / rate, (1 - rate) / (rate * rate));
  }
  const given = values.filter((value) => value > 0);
  const rows = await database.query<{ text: string }>({
    text: 'SELECT value::numeric::text AS text FROM unnest($1::float8[]) AS value',
    values: [given],
  });
  expect(given.map(numericOf)).toEqual(rows.map(({ text }) => decimalOf(text)));
});
