/** What one cheap pass over JSON text shows before it is parsed. Says nothing about whether the text is valid. */
export interface JsonScan {
  /** Deepest level of arrays and objects. */
  readonly depth: number;
  /** Number of object keys, repeated ones included. */
  readonly keys: number;
  /** Number of values, those in others included. */
  readonly values: number;
  /** Whether some number may lose digits in `JSON.parse`. */
  readonly hasRiskyNumber: boolean;
}

/** 16 integer digits, 18 significant digits, 17 zeros after the point, or an exponent of 3 digits. */
const RISKY_NUMBER =
  /^-?(?:\d{16}|0\.0{17}|0\.0*[1-9]\d{17}|[1-9](?:\.?\d){17}|\d+(?:\.\d+)?[eE][-+]?\d{3})/;

/** Takes about half the time of `JSON.parse`. */
export const scanJson = (text: string): JsonScan => {
  let level = 0;
  let depth = 0;
  let keys = 0;
  let values = 1;
  let hasRiskyNumber = false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === COLON) {
      keys += 1;
    } else if (code === COMMA) {
      values += 1;
    } else if (code >= MINUS && code <= NINE) {
      const start = i;
      let hasExponent = false;
      let next = text.charCodeAt(i + 1);
      while (isInNumber(next)) {
        hasExponent ||= (next | 0x20) === LOWER_E;
        i += 1;
        next = text.charCodeAt(i + 1);
      }
      if (i - start >= 15 || hasExponent) {
        hasRiskyNumber ||= RISKY_NUMBER.test(text.slice(start, i + 1));
      }
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      level += 1;
      const next = text.charCodeAt(i + 1);
      if (next !== CLOSE_BRACE && next !== CLOSE_BRACKET) values += 1;
      if (level > depth) depth = level;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      level -= 1;
    }
  }
  return { depth, keys, values, hasRiskyNumber };
};

/** The first key, as written with quotes, that valid JSON text repeats within one object. */
export const repeatedKey = (text: string): { key: string; position: number } | null => {
  const open: Set<unknown>[] = [];
  let start = 0;
  let end = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      start = i;
      i = endOfString(text, i);
      end = i + 1;
    } else if (code === OPEN_BRACE) {
      open.push(new Set());
    } else if (code === CLOSE_BRACE) {
      open.pop();
    } else if (code === COLON) {
      const written = text.slice(start, end);
      const key: unknown = JSON.parse(written);
      const seen = open.at(-1);
      if (seen?.has(key)) return { key: written, position: start };
      seen?.add(key);
    }
  }
  return null;
};

/** Index of the closing quote, or the length of the text when there is none. */
const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slash = end - 1;
    while (text.charCodeAt(slash) === BACKSLASH) slash -= 1;
    if ((end - slash) % 2 === 1) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
};

const isInNumber = (code: number): boolean =>
  (code >= ZERO && code <= NINE) ||
  code === DOT ||
  code === MINUS ||
  code === PLUS ||
  (code | 0x20) === LOWER_E;

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
