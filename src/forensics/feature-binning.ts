import type { FeatureFieldDefinition } from '../evidence/feature-field.ts';
import type { FeatureStatistics } from '../evidence/feature-statistics.ts';

export type BinKind = 'RANGE' | 'CATEGORY' | 'OTHER_CATEGORY' | 'VALUE' | 'NAN' | 'ABSENT';

/** Into which values of a feature are sorted; every value, and every lack of one, falls into exactly one. */
export interface Bin {
  readonly kind: BinKind;
  /** Ends of a RANGE; null where it is open. */
  readonly lower: number | null;
  readonly upper: number | null;
  readonly category: string | null;
  /** Training values in it; null when the training data say nothing. */
  readonly trainingCount: number | null;
}

/** How the values of a feature are sorted into bins that were fixed before either cohort existed. */
export interface Binning {
  /** Edges of a numeric feature's bins; null for any other. */
  readonly edges: readonly number[] | null;
  /** Categories that have a bin each; null for a feature without. */
  readonly categories: readonly string[] | null;
  /** Smallest and largest training value. */
  readonly range: { readonly min: number; readonly max: number } | null;
  /** Ranges in order, one open at either end; or categories, then all others; or all values. Then NaN, then absent. */
  readonly bins: readonly Bin[];
  /** Why there are neither edges nor categories. */
  readonly note: string | null;
}

const bin = (kind: BinKind, trainingCount: number | null, more: Partial<Bin> = {}): Bin => ({
  lower: null,
  upper: null,
  category: null,
  ...more,
  kind,
  trainingCount,
});

/** All values are one bin: then only their presence can be compared. */
const presence = (note: string, range: Binning['range'] = null): Binning => ({
  edges: null,
  categories: null,
  range,
  bins: [bin('VALUE', null), bin('NAN', null), bin('ABSENT', null)],
  note,
});

const NUMBERS = ['BOOL', 'INT64', 'FP32', 'FP64', 'TIMESTAMP'];
const CATEGORIES = ['BOOL', 'INT64', 'STRING'];

type Definition = Pick<FeatureFieldDefinition, 'type' | 'shape'>;

const allAre = (definitions: readonly Definition[], types: readonly string[]): boolean =>
  definitions.every(({ type }) => types.includes(type));

/** The bins that frozen statistics give a feature, as all its definitions have it. `source` says whose they are. */
export const binningOf = (
  definitions: readonly Definition[],
  statistics: FeatureStatistics | null,
  source: string,
): Binning => {
  if (definitions.some(({ shape }) => shape.length > 0)) {
    return presence('A feature with a shape has no bins; its presence is compared.');
  }
  if (statistics === null) {
    return presence(`${source} has no frozen statistics of it; its presence is compared.`);
  }
  const { numeric, categorical } = statistics;
  if (numeric !== null && allAre(definitions, NUMBERS)) {
    const { min, max, histogram, missing } = numeric;
    const range = min === null || max === null ? null : { min, max };
    return histogram === null
      ? presence(`${source} has no frozen histogram of it; its presence is compared.`, range)
      : {
          edges: histogram.edges,
          categories: null,
          range,
          bins: [...ranges(histogram), bin('NAN', 0), bin('ABSENT', missing)],
          note: null,
        };
  }
  if (categorical !== null && allAre(definitions, CATEGORIES)) {
    return {
      edges: null,
      categories: categorical.categories.map(({ value }) => value),
      range: null,
      bins: [
        ...categorical.categories.map(({ value, count }) =>
          bin('CATEGORY', count, { category: value }),
        ),
        bin('OTHER_CATEGORY', 0),
        bin('NAN', 0),
        bin('ABSENT', categorical.missing),
      ],
      note: null,
    };
  }
  const types = [...new Set(definitions.map(({ type }) => type))].join(' and ');
  return presence(`The frozen statistics of ${source} are not for ${types}; presence is compared.`);
};

const ranges = ({
  edges,
  counts,
}: {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}): readonly Bin[] => [
  bin('RANGE', 0, { upper: edges[0] ?? null }),
  ...counts.map((count, at) =>
    bin('RANGE', count, { lower: edges[at] ?? null, upper: edges[at + 1] ?? null }),
  ),
  bin('RANGE', 0, { lower: edges.at(-1) ?? null }),
];
