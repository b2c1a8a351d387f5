import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CanonicalJsonError,
  canonicalJson,
  digestOf,
  digestOfBytes,
  type JsonValue,
} from '../src/platform/canonical-json.ts';

const double = (bits: string): number => Buffer.from(bits, 'hex').readDoubleBE();

describe('RFC 8785', () => {
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the double %s as %s (appendix B)', (bits, text) => {
    expect(canonicalJson(double(bits))).toBe(text);
  });

  it('writes the example of section 3.2.2 as the bytes of section 3.2.4', () => {
    const document = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    const bytes =
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a' +
      '5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d' +
      '2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d';
    expect(Buffer.from(canonicalJson(document)).toString('hex')).toBe(bytes);
  });

  it('sorts keys by UTF-16 code units (section 3.2.3)', () => {
    const document = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(canonicalJson(document)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control",' +
        '"\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",' +
        '"\ud83d\ude00":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });
});

describe('strictness', () => {
  const self: unknown[] = [];
  self.push(self);
  it.each<[unknown, string]>([
    [Number.NaN, 'At $: NaN is not a JSON number; write it as a string'],
    [{ a: [1, -Infinity] }, 'At $.a[1]: -Infinity is not a JSON number; write it as a string'],
    [
      { a: 9007199254740993n },
      'At $.a: 9007199254740993 is an integer beyond ±(2^53 − 1); write it as a string',
    ],
    [undefined, 'At $: a value of type undefined has no JSON form'],
    [{ a: undefined }, 'At $.a: a value of type undefined has no JSON form'],
    [[undefined], 'At $[0]: a value of type undefined has no JSON form'],
    [new Array(1), 'At $[0]: a value of type undefined has no JSON form'],
    [{ a: Symbol('x') }, 'At $.a: a value of type symbol has no JSON form'],
    [{ toJSON: () => 1 }, 'At $.toJSON: a value of type function has no JSON form'],
    [new Date(0), 'At $: only plain objects have a JSON form'],
    [new Map(), 'At $: only plain objects have a JSON form'],
    ['a\ud800', 'At $: "a\\ud800" holds half a surrogate pair, which is not Unicode'],
    [
      { '\udc00\ud800': 1 },
      'At $: "\\udc00\\ud800" holds half a surrogate pair, which is not Unicode',
    ],
    [self, 'At $: the value nests more than 1000 levels deep'],
  ])('refuses %#', (value, message) => {
    expect(() => canonicalJson(value as JsonValue)).toThrow(new CanonicalJsonError(message));
  });

  it('writes __proto__ and toJSON keys like any other', () => {
    const value = JSON.parse('{"toJSON":1,"__proto__":{"a":2}}');
    expect(canonicalJson(value)).toBe('{"__proto__":{"a":2},"toJSON":1}');
  });
});

describe('properties', () => {
  const json = fc.jsonValue({ stringUnit: 'grapheme' }).map((value) => value as JsonValue);

  it('is a fixed point', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), json), {
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(entries, (pairs) => {
        const forward = canonicalJson(Object.fromEntries(pairs));
        expect(canonicalJson(Object.fromEntries(pairs.toReversed()))).toBe(forward);
      }),
    );
  });
});

describe('digests', () => {
  it('hashes the UTF-8 of the canonical text', () => {
    const digest = digestOf({ b: 'é', a: 1 });
    expect(digest).toBe(digestOfBytes(Buffer.from('{"a":1,"b":"é"}', 'utf8')));
    expect(digest).toBe(digestOfBytes('{"a":1,"b":"é"}'));
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('gives the published digest of no bytes', () => {
    expect(digestOfBytes('')).toBe(
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });
});
