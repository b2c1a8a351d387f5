import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ExactJson,
  ExactJsonError,
  parseExactJson,
  stringifyExactJson,
} from '../src/platform/exact-json.ts';

const refusal = (text: string): ExactJsonError => {
  try {
    parseExactJson(text);
  } catch (error) {
    if (error instanceof ExactJsonError) return error;
    throw error;
  }
  throw new Error(`accepted ${text}`);
};

describe('reading numbers', () => {
  it.each<[string, ExactJson]>([
    ['0', 0],
    ['-0', -0],
    ['-0.0', -0],
    ['-0e-999', -0],
    ['0e999999999999', 0],
    ['1.0', 1],
    ['1.5', 1.5],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['123456789012345678901234567890', 123456789012345678901234567890n],
    ['1e20', 1e20],
    ['1E+2', 100],
    ['1e308', 1e308],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['5e-324', 5e-324],
    ['2.2250738585072014E-308', 2.2250738585072014e-308],
    ['0.30000000000000004', 0.30000000000000004],
    ['0.000012345678901234567', 1.2345678901234568e-5],
    ['0.1000000000000000055511151231257827021181583404541015625', 0.1],
    ['1000000000000000055511151231257827021181583404541015625e-55', 0.1],
    ['1.000000000000000000000000', 1],
    ['100000000000000000000.0', 1e20],
    ['0.00000000000000000000000000000000000005', 5e-38],
  ])('reads %s exactly', (text, value) => {
    expect(parseExactJson(text)).toBe(value);
    expect(parseExactJson(` [ ${text} ] `)).toEqual([value]);
    expect(parseExactJson(`{"a":${text}}`)).toEqual({ a: value });
  });

  it.each([
    [
      '1e400',
      'The number 1e400 is beyond the largest double, 1.7976931348623157e+308; write it as a string',
    ],
    [
      '-1.8e308',
      'The number -1.8e308 is beyond the largest double, 1.7976931348623157e+308; write it as a string',
    ],
    [
      '1e-400',
      'The number 1e-400 is smaller than the smallest double, 5e-324; write 0, or write it as a string',
    ],
    [
      '0.123456789012345678',
      'The number 0.123456789012345678 has more digits than a double holds; write the nearest double, 0.12345678901234568, or write it as a string',
    ],
    [
      '-12345678901234567890.5',
      'The number -12345678901234567890.5 has more digits than a double holds; write the nearest double, -12345678901234567000, or write it as a string',
    ],
    [
      '0.1000000000000000055511151231257827021181583404541015626',
      'The number 0.1000000000000000055511151231257827021181583404541015626 has more digits than a double holds; write the nearest double, 0.1, or write it as a string',
    ],
    [
      `1${'0'.repeat(1000)}`,
      `The integer 1${'0'.repeat(59)}… has more than 1000 digits; write it as a string`,
    ],
  ])('refuses %s', (text, message) => {
    for (const document of [text, `[1,${text}]`, `{"a" :\n${text}}`]) {
      expect(refusal(document)).toMatchObject({ code: 'INEXACT_NUMBER', message });
    }
  });

  it('accepts all digits of any double, and none that differ from them', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        let mantissa = value;
        let power = 0;
        while (!Number.isInteger(mantissa)) {
          mantissa *= 2;
          power += 1;
        }
        // m / 2^p is m × 5^p / 10^p.
        const digits = String(BigInt(mantissa) * 5n ** BigInt(power));
        expect(Math.abs(Number(parseExactJson(`${digits}e-${power}`)))).toBe(Math.abs(value));
        const zeros = '0'.repeat(800);
        expect(refusal(`${digits === '0' ? '1' : digits}.${zeros}1e-${power}`).code).toBe(
          'INEXACT_NUMBER',
        );
      }),
    );
  });

  it('reads any number alike on the fast and the slow path', () => {
    const digits = (maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...'0001234567899'), minLength: 1, maxLength });
    const token = fc
      .tuple(
        fc.constantFrom('', '-'),
        digits(20).map((whole) => whole.replace(/^0+(?=\d)/, '')),
        fc.option(digits(40)),
        fc.option(fc.tuple(fc.constantFrom('e', 'E+', 'e-'), digits(4))),
      )
      .map(
        ([sign, whole, fraction, exponent]) =>
          `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent?.join('') ?? ''}`,
      );
    const outcome = (text: string): unknown => {
      try {
        const value = parseExactJson(text);
        return Array.isArray(value) ? value[0] : value;
      } catch (error) {
        return error instanceof ExactJsonError ? error.message : error;
      }
    };
    fc.assert(
      fc.property(token, (text) => {
        expect(outcome(`[${text}]`)).toBe(outcome(`[${text},1e-100]`));
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses a number of a million digits quickly', () => {
    expect(refusal(`0.${'1'.repeat(1_000_000)}`).code).toBe('INEXACT_NUMBER');
    expect(refusal(`0.${'0'.repeat(1_000_000)}1`).code).toBe('INEXACT_NUMBER');
    expect(parseExactJson(`1.${'0'.repeat(1_000_000)}`)).toBe(1);
  });

  it('leaves digits within strings alone', () => {
    const text = '{"1e400":"1e400, 0.123456789012345678, [9007199254740993]"}';
    expect(parseExactJson(text)).toEqual({
      '1e400': '1e400, 0.123456789012345678, [9007199254740993]',
    });
  });
});

describe('reading structure', () => {
  it('reads every kind of value on both paths', () => {
    const text = '{"a":[true,false,null,"é\\u00e9\\n\\"\\\\:{[\\ud800",{}],"":[[]]}';
    const value = { a: [true, false, null, 'éé\n"\\:{[\ud800', {}], '': [[]] };
    expect(parseExactJson(text)).toEqual(value);
    expect(parseExactJson(`[${text},1e-300]`)).toEqual([value, 1e-300]);
    expect(parseExactJson('null')).toBe(null);
  });

  it.each([
    ['', 'The text is not JSON: JSON value expected but reached end of input at position 0', 0],
    ['{"a":}', "The text is not JSON: Object value expected after ':' at position 5", 5],
    ['[1,]', "The text is not JSON: Array item expected but got ']' at position 3", 3],
    ['NaN', "The text is not JSON: JSON value expected but got 'N' at position 0", 0],
    ['01', "The text is not JSON: Expected end of input but got '1' at position 1", 1],
    ['[1]]', "The text is not JSON: Expected end of input but got ']' at position 3", 3],
    ['"\u0001"', "The text is not JSON: Invalid character '\u0001' at position 1", 1],
    [
      '"abc',
      "The text is not JSON: End of string '\"' expected but reached end of input at position 4",
      4,
    ],
  ])('refuses %j with its position', (text, message, position) => {
    expect(refusal(text)).toMatchObject({ code: 'SYNTAX', message, position });
  });

  it.each([
    ['{"a":1,"a":2}', '"a"', 7],
    ['{"a":1,"a":1}', '"a"', 7],
    ['[{"x":{"b":"{:}","b" :0}}]', '"b"', 17],
    ['{"a":0,"\\u0061":-0}', '"\\u0061"', 7],
    ['{"a":1e-300,"a":1e-300}', '"a"', 12],
    ['{"__proto__":1,"__proto__":1}', '"__proto__"', 15],
  ])('refuses the repeated key in %s', (text, key, position) => {
    const message = `The key ${key} appears twice in one object; send it once`;
    expect(refusal(text)).toMatchObject({ code: 'REPEATED_KEY', message, position });
  });

  it('accepts one key in several objects', () => {
    expect(parseExactJson('[{"a":{"a":1}},{"a":2}]')).toEqual([{ a: { a: 1 } }, { a: 2 }]);
  });

  it.each(['1', '1e-300'])('keeps __proto__ an ordinary key beside %s', (number) => {
    const value = parseExactJson(`{"__proto__":{"polluted":true},"constructor":${number}}`);
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
    expect(stringifyExactJson(value)).toBe(
      `{"__proto__":{"polluted":true},"constructor":${number}}`,
    );
  });

  it('accepts 100 levels and refuses more without overflowing the stack', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(stringifyExactJson(parseExactJson(nested(100)))).toBe(nested(100));
    expect(refusal(nested(101))).toMatchObject({
      code: 'TOO_DEEP',
      message: 'The JSON text nests 101 levels deep; the limit is 100',
    });
    expect(refusal('{"a":'.repeat(1_000_000)).code).toBe('TOO_DEEP');
    expect(refusal(`${']'.repeat(200_000)}${'['.repeat(200_000)}`).code).toBe('SYNTAX');
    expect(parseExactJson(`"${'['.repeat(200)}"`)).toBe('['.repeat(200));
  });
});

describe('writing', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(-0, 1e20, 2 ** 53, -(2 ** 53), 5e-324, Number.MAX_VALUE, 1e21),
  );
  const integer = fc.bigInt().filter((value) => !Number.isSafeInteger(Number(value)));
  const { value } = fc.letrec<{ value: ExactJson }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      number,
      integer,
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 5 }),
      fc
        .uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), tie('value')), {
          maxLength: 5,
          selector: ([key]) => key,
        })
        .map((entries) => Object.fromEntries(entries)),
    ),
  }));

  it('is the inverse of reading', () => {
    fc.assert(
      fc.property(value, (json) => {
        expect(parseExactJson(stringifyExactJson(json))).toStrictEqual(json);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with JSON.parse where that is exact', () => {
    const double = fc.double({ min: -1e15, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.oneof(double, fc.maxSafeInteger())), (numbers) => {
        const text = JSON.stringify(numbers);
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('keeps keys in the given order', () => {
    expect(stringifyExactJson({ b: -0, a: [1n, 1e20, 'x'] })).toBe('{"b":-0,"a":[1,1e+20,"x"]}');
  });
});
