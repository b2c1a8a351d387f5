/** Characters that are kept at most. */
const MOST = 32 * 1024 * 1024;

let texts = new WeakMap<object, Map<object, string>>();
let size = 0;

/** The text that was written of an immutable object by a part of a query; undefined when it is not in memory. */
export const keptText = (source: object, part: object): string | undefined =>
  texts.get(source)?.get(part);

/** Keeps what a part of a query writes of an immutable object. When there is too much, all of it is forgotten. */
export const keepText = (source: object, part: object, text: string): void => {
  size += text.length;
  if (size > MOST) {
    texts = new WeakMap();
    size = text.length;
  }
  const ofSource = texts.get(source) ?? new Map<object, string>();
  texts.set(source, ofSource);
  ofSource.set(part, text);
};
