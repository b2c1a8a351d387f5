/** A text, at once where nothing has to be waited for. */
export type Text = string | Promise<string>;

export const thenText = (text: Text, next: (text: string) => string): Text =>
  typeof text === 'string' ? next(text) : text.then(next);

const whole = (pieces: readonly Text[]): string => pieces.join('');

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  'then' in value &&
  typeof value.then === 'function';

const ignore = (): void => {};

/**
 * The text of each item after a head, in brackets. All pieces are joined at once: V8 takes several times as long for text
 * that grew piece by piece. When one fails, the others are waited for, so that nothing fails unheard.
 */
export const joined = <Item>(
  [open, close]: readonly [string, string],
  items: readonly Item[],
  headOf: (index: number) => string,
  textOf: (item: Item, index: number) => Text,
): Text => {
  const pieces: Text[] = [open];
  let isWhole = true;
  try {
    for (let index = 0; index < items.length; index += 1) {
      const text = textOf(items[index] as Item, index);
      if (typeof text !== 'string') isWhole = false;
      pieces.push(headOf(index), text);
    }
  } catch (error) {
    // Of those after it nobody would hear any more.
    for (const item of items) if (isPromise(item)) item.then(ignore, ignore);
    if (isWhole) throw error;
    return Promise.allSettled(pieces).then(() => {
      throw error;
    });
  }
  pieces.push(close);
  return isWhole ? whole(pieces) : Promise.all(pieces).then(whole);
};
