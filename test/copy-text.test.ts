import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  copyBytes,
  copyIntegers,
  copyNumbers,
  copyText,
  copyTexts,
} from '../src/prediction/copy-text.ts';

interface Row {
  readonly text: string | null;
  readonly numbers: readonly (number | null)[];
  readonly integers: readonly (bigint | null)[];
  readonly texts: readonly (string | null)[];
  readonly bytes: Uint8Array | null;
}

describe('the text of a row', () => {
  it.each<[string, string]>([
    [copyText(null), '\\N'],
    [copyText(''), ''],
    [copyText('\\N\t\n\r\\.'), '\\\\N\\t\\n\\r\\\\.'],
    [copyNumbers([]), '{}'],
    [
      copyNumbers([-0, 0, 1.5, null, Number.NaN, Infinity, -Infinity]),
      '{-0,0,1.5,NULL,NaN,Infinity,-Infinity}',
    ],
    [copyIntegers([-9223372036854775808n, null]), '{-9223372036854775808,NULL}'],
    [copyTexts(['a"b\\c\td', null, 'NULL', '']), '{"a\\\\"b\\\\\\\\c\\td",NULL,"NULL",""}'],
    [copyBytes(Uint8Array.of(0, 255, 92)), '\\\\x00ff5c'],
    [copyBytes(Uint8Array.of(1, 2, 3).subarray(1)), '\\\\x0203'],
    [copyBytes(null), '\\N'],
  ])('is %j', (actual, expected) => {
    expect(actual).toBe(expected);
  });
});

describe('a database that copies the text', () => {
  let database: PGlite;
  beforeAll(async () => {
    database = await PGlite.create();
    await database.exec(
      'CREATE TABLE t (n int, text text, numbers float8[], integers int8[], texts text[], bytes bytea)',
    );
  }, 60_000);
  afterAll(() => database.close());

  const roundTrip = async (rows: readonly Row[]): Promise<Row[]> => {
    const lines = rows.map(
      (row, n) =>
        `${[
          n,
          copyText(row.text),
          copyNumbers(row.numbers),
          copyIntegers(row.integers),
          copyTexts(row.texts),
          copyBytes(row.bytes),
        ].join('\t')}\n`,
    );
    await database.exec('TRUNCATE t');
    await database.query("COPY t FROM '/dev/blob'", [], { blob: new Blob(lines) });
    // As JSON of text, so that no driver turns a number or an array into something else on the way.
    const { rows: read } = await database.query<Record<string, string | null>>(
      `SELECT to_json(text)::text AS text, to_json(numbers::text[])::text AS numbers,
        to_json(integers::text[])::text AS integers, to_json(texts)::text AS texts,
        encode(bytes, 'hex') AS bytes FROM t ORDER BY n`,
    );
    const strings = (json: string | null | undefined): (string | null)[] => JSON.parse(json ?? '');
    return read.map(({ text, numbers, integers, texts, bytes }) => ({
      text: JSON.parse(text ?? 'null'),
      numbers: strings(numbers).map((value) => (value === null ? null : Number(value))),
      integers: strings(integers).map((value) => (value === null ? null : BigInt(value))),
      texts: strings(texts),
      bytes: typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'hex')) : null,
    }));
  };

  it('holds the values that are easily damaged', async () => {
    const texts = [
      '',
      'NULL',
      'null',
      '\\N',
      '\\.',
      '\\',
      '\\\\',
      '"',
      '""',
      "'",
      ',',
      '{}',
      '{',
      '}',
      ' ',
      ' a ',
      '\t',
      '\n',
      '\r',
      '\r\n',
      '\b\f\v',
      '\\t',
      '\u0001',
      '\u007f',
      '\u0085',
      '\u2028',
      '\ufeff',
      'é',
      '😀',
      '\ufffd',
      '\uffff',
      '$1',
      '$&',
    ];
    const rows = texts.map((text) => ({
      text,
      numbers: [
        -0,
        0,
        5e-324,
        -5e-324,
        2.2250738585072014e-308,
        Number.MAX_VALUE,
        0.1,
        1e21,
        1e-7,
        Number.NaN,
        Infinity,
        -Infinity,
        null,
      ],
      integers: [-9223372036854775808n, 9223372036854775807n, 9007199254740993n, 0n, null],
      texts: [text, null, text],
      bytes: Buffer.from(text),
    }));
    const expected = rows.map((row) => ({ ...row, bytes: Uint8Array.from(row.bytes) }));
    expect(await roundTrip(rows)).toStrictEqual(expected);
  });

  it('holds any values exactly', async () => {
    const text = fc
      .oneof(
        fc.string({ unit: 'binary' }),
        fc.string({
          unit: fc.constantFrom('\\', '"', '\t', '\n', '\r', ',', '{', '}', 'N', '.', ' ', '😀'),
        }),
      )
      .filter((value) => !/[\0\p{Surrogate}]/u.test(value));
    const number = fc.oneof(
      fc.double(),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
        const double = Buffer.alloc(8);
        double.writeBigUInt64BE(bits);
        return double.readDoubleBE();
      }),
    );
    const row: fc.Arbitrary<Row> = fc.record({
      text: fc.option(text),
      numbers: fc.array(fc.option(number)),
      integers: fc.array(fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
      texts: fc.array(fc.option(text)),
      bytes: fc.option(fc.uint8Array()),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 50, size: 'max' }),
        async (rows) => {
          const expected = rows.map((each) => ({
            ...each,
            bytes: each.bytes === null ? null : Uint8Array.from(each.bytes),
          }));
          expect(await roundTrip(rows)).toStrictEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});
