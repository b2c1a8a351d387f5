import { parse as parseLossless } from 'lossless-json';
import { exactNumber } from './exact-number.ts';
import { repeatedKey, scanJson } from './json-scan.ts';

/** A JSON value that has lost nothing: integers that a double cannot count to are `bigint`. */
export type ExactJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly ExactJson[]
  | ExactJsonObject;

export interface ExactJsonObject {
  readonly [key: string]: ExactJson;
}

/** Text that is not JSON, or that cannot be read without losing something. */
export class ExactJsonError extends Error {
  override readonly name = 'ExactJsonError';
  readonly code: 'SYNTAX' | 'TOO_DEEP' | 'TOO_MANY_VALUES' | 'REPEATED_KEY' | 'INEXACT_NUMBER';
  /** Offset in UTF-16 units, when known. */
  readonly position: number | null;
  /** What was too much, and how much would have been taken. */
  readonly excess: { readonly limit: number; readonly actual: number } | null;

  constructor(
    code: ExactJsonError['code'],
    message: string,
    position: number | null = null,
    excess: ExactJsonError['excess'] = null,
  ) {
    super(message);
    this.code = code;
    this.position = position;
    this.excess = excess;
  }
}

/** Levels of arrays and objects, so that whatever walks a parsed value may recurse. */
export const MAX_JSON_DEPTH = 100;

/** How much a text may hold; it is refused before it is parsed. */
export interface JsonBounds {
  readonly depth: number;
  readonly values: number;
}

const BOUNDS: JsonBounds = { depth: MAX_JSON_DEPTH, values: Number.POSITIVE_INFINITY };

/**
 * Reads RFC 8259 text without losing anything. Throws an {@link ExactJsonError} for text that is not JSON, a number
 * that no double holds, a key that an object repeats, or more than 100 levels.
 */
export const parseExactJson = (text: string, bounds = BOUNDS): ExactJson => {
  const { depth, keys, values, hasRiskyNumber } = scanJson(text);
  if (depth > bounds.depth) {
    const message = `The JSON text nests ${depth} levels deep; the limit is ${bounds.depth}`;
    throw new ExactJsonError('TOO_DEEP', message, null, { limit: bounds.depth, actual: depth });
  }
  if (values > bounds.values) {
    const message = `The JSON text has ${values} values; the limit is ${bounds.values}`;
    const excess = { limit: bounds.values, actual: values };
    throw new ExactJsonError('TOO_MANY_VALUES', message, null, excess);
  }
  const fast = hasRiskyNumber ? undefined : parseFast(text);
  const value = fast === undefined ? parseSlow(text) : fast;
  if (isContainer(value) && countKeys(value) !== keys) {
    const repeated = repeatedKey(text);
    const message = `The key ${repeated?.key} appears twice in one object; send it once`;
    throw new ExactJsonError('REPEATED_KEY', message, repeated?.position);
  }
  return value;
};

/** `undefined` where `JSON.parse` fails: its messages differ between Node versions, those of the slow path do not. */
const parseFast = (text: string): ExactJson | undefined => {
  try {
    return JSON.parse(text) as ExactJson;
  } catch {
    return undefined;
  }
};

const parseSlow = (text: string): ExactJson => {
  try {
    return parseLossless(text, null, {
      parseNumber: parseToken,
      onDuplicateKey: ({ newValue }) => newValue,
    }) as ExactJson;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = / at position (\d+)$/.exec(error.message)?.[1];
    throw new ExactJsonError(
      'SYNTAX',
      `The text is not JSON: ${error.message}`,
      position === undefined ? null : Number(position),
    );
  }
};

const parseToken = (token: string): number | bigint => {
  const value = exactNumber(token);
  if (typeof value === 'string') throw new ExactJsonError('INEXACT_NUMBER', value);
  return value;
};

const isContainer = (value: ExactJson): value is readonly ExactJson[] | ExactJsonObject =>
  typeof value === 'object' && value !== null;

/** A parser keeps one of each name, so fewer keys than the text has colons means that one was repeated. */
const countKeys = (value: readonly ExactJson[] | ExactJsonObject): number => {
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (isContainer(element)) count += countKeys(element);
    return count;
  }
  for (const key in value) {
    count += 1;
    const member = (value as ExactJsonObject)[key];
    if (member !== undefined && isContainer(member)) count += countKeys(member);
  }
  return count;
};

/** The inverse of {@link parseExactJson}: JSON text from which it reads the same value. */
export const stringifyExactJson = (value: ExactJson): string => {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'bigint') return value.toString();
  if (!isContainer(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringifyExactJson).join(',')}]`;
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}:${stringifyExactJson(member)}`,
  );
  return `{${members.join(',')}}`;
};

/** A large whole double keeps its exponent: written plainly it would be read back as an integer. */
const numberText = (value: number): string => {
  if (Object.is(value, -0)) return '-0';
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? value.toExponential()
    : String(value);
};
