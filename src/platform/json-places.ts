/** Where a value stands in JSON text: from its first byte to the one after its last. */
export interface JsonPlace {
  readonly start: number;
  readonly end: number;
}

/** A member of an object. */
export interface JsonMember extends JsonPlace {
  readonly key: string;
}

/** The members of the object that begins at `at`, in the order written. The text must be valid JSON. */
export const membersAt = (text: Buffer, at: number): readonly JsonMember[] => {
  const members: JsonMember[] = [];
  for (let next = skip(text, at + 1); text[next] !== CLOSE_BRACE; ) {
    const colon = endOfValue(text, next);
    const key = JSON.parse(text.toString('utf8', next, colon)) as string;
    const start = skip(text, skip(text, colon) + 1);
    const end = endOfValue(text, start);
    members.push({ key, start, end });
    next = afterComma(text, end);
  }
  return members;
};

/** The elements of the array that begins at `at`. The text must be valid JSON. */
export const elementsAt = (text: Buffer, at: number): readonly JsonPlace[] => {
  const elements: JsonPlace[] = [];
  for (let start = skip(text, at + 1); text[start] !== CLOSE_BRACKET; ) {
    const end = endOfValue(text, start);
    elements.push({ start, end });
    start = afterComma(text, end);
  }
  return elements;
};

const afterComma = (text: Buffer, end: number): number => {
  const next = skip(text, end);
  return text[next] === COMMA ? skip(text, next + 1) : next;
};

const skip = (text: Buffer, at: number): number => {
  let next = at;
  while (WHITE_SPACE.has(text[next] ?? 0)) next += 1;
  return next;
};

const endOfValue = (text: Buffer, at: number): number => {
  let level = 0;
  let next = at;
  do {
    const byte = text[next];
    if (byte === QUOTE) {
      next = endOfString(text, next);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      level += 1;
      next += 1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      level -= 1;
      next += 1;
    } else {
      next = endOfWord(text, next);
    }
  } while (level > 0 && next < text.length);
  return next;
};

const endOfString = (text: Buffer, at: number): number => {
  let next = at + 1;
  while (text[next] !== QUOTE) next += text[next] === BACKSLASH ? 2 : 1;
  return next + 1;
};

/** A number or a name; within arrays and objects also what stands between values. */
const endOfWord = (text: Buffer, at: number): number => {
  let next = at + 1;
  while (next < text.length && !isPunctuation(text[next] ?? 0)) next += 1;
  return next;
};

const isPunctuation = (byte: number): boolean =>
  WHITE_SPACE.has(byte) ||
  byte === QUOTE ||
  byte === COMMA ||
  byte === OPEN_BRACE ||
  byte === CLOSE_BRACE ||
  byte === OPEN_BRACKET ||
  byte === CLOSE_BRACKET;

const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
