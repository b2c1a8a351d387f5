/** Something that is not as it was recorded. */
export interface Discrepancy {
  readonly kind: 'ALTERED' | 'REMOVED' | 'INSERTED' | 'ROLLED_BACK';
  /** Table, or what else it is about. */
  readonly source: string;
  /** Key of the row, or what else names it. */
  readonly row: string;
  readonly message: string;
}

/** Most discrepancies that are listed; more are counted. */
const MAX_LISTED = 1000;

/** Collects discrepancies without end. */
export interface Discrepancies {
  readonly list: readonly Discrepancy[];
  readonly count: number;
  add(discrepancy: Discrepancy): void;
}

export const collectDiscrepancies = (): Discrepancies => {
  const list: Discrepancy[] = [];
  let count = 0;
  return {
    list,
    get count() {
      return count;
    },
    add: (discrepancy) => {
      count += 1;
      if (list.length < MAX_LISTED) list.push(discrepancy);
    },
  };
};
