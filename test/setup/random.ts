/** Choices that a number decides, so that the same number makes the same ones again. */
export interface Random {
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number;
  readonly isOneIn: (number: number) => boolean;
  readonly pick: <Value>(values: readonly Value[]) => Value;
}

/** Marsaglia's xorshift on 32 bits. */
export const randomBy = (seed: number): Random => {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  return {
    below,
    isOneIn: (number) => below(number) === 0,
    pick: <Value>(values: readonly Value[]): Value => {
      const value = values[below(values.length)];
      if (value === undefined) throw new Error('There is nothing to choose from.');
      return value;
    },
  };
};
