/** JSON as it is written: numbers keep their text, objects the order of their members. */
export type JsonText =
  | null
  | boolean
  | string
  | JsonNumber
  | readonly JsonText[]
  | ReadonlyMap<string, JsonText>;

export interface JsonNumber {
  readonly token: string;
}

export const isNumber = (value: JsonText | undefined): value is JsonNumber =>
  typeof value === 'object' && value !== null && 'token' in value;

export const isObject = (value: JsonText | undefined): value is ReadonlyMap<string, JsonText> =>
  value instanceof Map;

export const isList = (value: JsonText | undefined): value is readonly JsonText[] =>
  Array.isArray(value);

const TOKEN =
  /[ \t\n\r]*(?:([{}[\]:,])|("(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)|(true|false|null))/y;

/** Reads RFC 8259 text, strictly, and no object that repeats a member; throws a `SyntaxError` for any other. */
export const readJson = (text: string): JsonText => {
  let at = 0;
  const next = (): RegExpExecArray => {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new SyntaxError(`No JSON at ${at}`);
    at = TOKEN.lastIndex;
    return found;
  };
  const read = ([, mark, string, number, word]: RegExpExecArray): JsonText => {
    if (string !== undefined) return JSON.parse(string) as string;
    if (number !== undefined) return { token: number };
    if (word !== undefined) return word === 'null' ? null : word === 'true';
    if (mark === '[') return list();
    if (mark === '{') return object();
    throw new SyntaxError(`${mark} at ${at}`);
  };
  const list = (): readonly JsonText[] => {
    const items: JsonText[] = [];
    for (let token = next(); token[1] !== ']' || items.length > 0; token = next()) {
      items.push(read(token));
      if (isEnd(']')) break;
    }
    return items;
  };
  const object = (): ReadonlyMap<string, JsonText> => {
    const members = new Map<string, JsonText>();
    for (let token = next(); token[1] !== '}' || members.size > 0; token = next()) {
      if (token[2] === undefined || next()[1] !== ':') throw new SyntaxError(`No member at ${at}`);
      const name = JSON.parse(token[2]) as string;
      if (members.has(name)) throw new SyntaxError(`${name} again at ${at}`);
      members.set(name, read(next()));
      if (isEnd('}')) break;
    }
    return members;
  };
  const isEnd = (close: string): boolean => {
    const [, mark] = next();
    if (mark !== ',' && mark !== close) throw new SyntaxError(`No ${close} at ${at}`);
    return mark === close;
  };
  const value = read(next());
  if (/[^ \t\n\r]/.test(text.slice(at))) throw new SyntaxError(`More at ${at}`);
  return value;
};
