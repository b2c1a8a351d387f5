import { MAX_FILTER_DEPTH, type PredictionFilter } from './prediction-filter-input.ts';

export type Path = readonly (string | number)[];

/** One filter of a tree of filters. */
export interface FilterPart {
  readonly filter: PredictionFilter;
  readonly path: Path;
  /** 1 for the whole. */
  readonly depth: number;
}

/** A filter and all within it, outermost first; of what is nested too deeply only the outermost. */
export const partsOf = (
  filter: PredictionFilter,
  path: Path = ['filter'],
  depth = 1,
): readonly FilterPart[] => {
  const part = { filter, path, depth };
  if (depth > MAX_FILTER_DEPTH) return [part];
  const inner = (nested: PredictionFilter, ...steps: Path) =>
    partsOf(nested, [...path, ...steps], depth + 1);
  return [
    part,
    ...(filter.and ?? []).flatMap((nested, index) => inner(nested, 'and', index)),
    ...(filter.or ?? []).flatMap((nested, index) => inner(nested, 'or', index)),
    ...(filter.not == null ? [] : inner(filter.not, 'not')),
  ];
};

/** Names of the members that are given. */
export const givenMembers = (object: object): readonly string[] =>
  Object.entries(object).flatMap(([name, value]) => (value == null ? [] : [name]));
