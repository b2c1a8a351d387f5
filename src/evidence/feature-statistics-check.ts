import type { Issues } from '../platform/issues.ts';
import {
  type NumericStatistics,
  type StatisticsSource,
  statisticsOf,
} from './feature-statistics.ts';

type Path = readonly (string | number)[];

const isIncreasing = (values: readonly number[], strictly: boolean): boolean =>
  values.every((value, index) => {
    const before = values[index - 1];
    return before === undefined || (strictly ? value > before : value >= before);
  });

export const checkStatistics = (source: StatisticsSource, path: Path, issues: Issues): void => {
  issues.name([...path, 'feature'], source.feature);
  const { numeric, categorical } = source;
  if ((numeric == null) === (categorical == null)) {
    issues.add(path, 'Statistics are either numeric or categorical: give exactly one of the two.');
  }
  if (numeric != null) checkNumeric(statisticsOf(source).numeric, [...path, 'numeric'], issues);
  if (categorical != null) {
    const { count, categories } = categorical;
    const place = [...path, 'categorical'];
    checkCounts(categorical, place, issues);
    const sum = categories.reduce((total, category) => total + category.count, 0);
    const names = new Set(categories.map(({ value }) => value));
    if (
      sum !== count ||
      names.size !== categories.length ||
      categories.length > 10_000 ||
      categories.some((category) => category.count < 0)
    ) {
      issues.add(
        [...place, 'categories'],
        `The categories count ${sum} values, and count is ${count}; name each category once, at most 10 000, with counts from 0 that add up.`,
      );
    }
    for (const [at, { value }] of categories.entries())
      issues.text([...place, 'categories', at, 'value'], value, 1000);
  }
};

const checkCounts = (
  counts: { readonly count: number; readonly missing: number },
  path: Path,
  issues: Issues,
): void => {
  for (const name of ['count', 'missing'] as const) {
    if (counts[name] < 0)
      issues.add([...path, name], `${name} is ${counts[name]}; give 0 or more.`);
  }
};

const checkNumeric = (numeric: NumericStatistics | null, path: Path, issues: Issues): void => {
  if (numeric === null) return;
  const { count, min, max, mean, quantiles, histogram } = numeric;
  checkCounts(numeric, path, issues);
  if (count > 0 && (min === null || max === null || mean === null)) {
    issues.add(path, `Of ${count} present values, min, max and mean are known; give all three.`);
  }
  if (count === 0 && (min !== null || max !== null || mean !== null)) {
    issues.add(path, 'No value is present, so min, max and mean are not known; leave them out.');
  }
  // Summing rounds: the mean of a constant may miss it by a little.
  const slack = Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0)) * 1e-9;
  const isOrdered =
    min === null ||
    max === null ||
    mean === null ||
    (min <= max && min - slack <= mean && mean <= max + slack);
  if (!isOrdered) {
    issues.add(path, `min ${min}, mean ${mean} and max ${max} are not in order.`);
  }
  const probabilities = quantiles.map(({ probability }) => probability);
  if (
    !isIncreasing(probabilities, true) ||
    probabilities.some((probability) => !(probability >= 0 && probability <= 1)) ||
    !isIncreasing(
      quantiles.map(({ value }) => value),
      false,
    ) ||
    quantiles.length > 1001
  ) {
    issues.add(
      [...path, 'quantiles'],
      'Quantiles need probabilities from 0 to 1 in increasing order and values that do not decrease; at most 1001.',
    );
  }
  if (histogram === null) return;
  const sum = histogram.counts.reduce((total, bin) => total + bin, 0);
  if (
    histogram.edges.length !== histogram.counts.length + 1 ||
    histogram.counts.length === 0 ||
    histogram.counts.length > 1000 ||
    !isIncreasing(histogram.edges, true) ||
    histogram.counts.some((bin) => bin < 0) ||
    sum !== count
  ) {
    issues.add(
      [...path, 'histogram'],
      `A histogram needs strictly increasing edges, one more than counts, at most 1000 counts from 0 that add up to count: ${histogram.edges.length} edges and ${histogram.counts.length} counts adding up to ${sum} were given for ${count} values.`,
    );
  }
};
