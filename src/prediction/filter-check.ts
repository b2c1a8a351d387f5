import type { InputIssue } from '../platform/errors.ts';
import { collectIssues, type Issues } from '../platform/issues.ts';
import { unstorableText } from '../platform/storable-text.ts';
import { checkWindow } from '../platform/time-window.ts';
import { MAX_VALUES } from './comparators.ts';
import { type FilterPart, givenMembers, type Path, partsOf } from './filter-parts.ts';
import {
  type FeatureFilterShape,
  MAX_CONDITIONS,
  MAX_FEATURES,
  MAX_FILTER_DEPTH,
  type PredictionFilter,
} from './prediction-filter-input.ts';

/** Everything wrong with a filter that can be seen without looking anything up. */
export const filterIssues = (filter: PredictionFilter): readonly InputIssue[] => {
  const issues = collectIssues();
  const parts = partsOf(filter);
  const tooDeep = parts.find(({ depth }) => depth > MAX_FILTER_DEPTH);
  if (tooDeep !== undefined) {
    issues.add(
      tooDeep.path,
      `is nested more than ${MAX_FILTER_DEPTH} levels deep; say it with fewer levels.`,
    );
    return issues.list;
  }
  const count = parts.reduce((sum, part) => sum + conditionCount(part.filter), 0);
  if (count > MAX_CONDITIONS) {
    issues.add(['filter'], `has ${count} conditions; give at most ${MAX_CONDITIONS}.`);
    return issues.list;
  }
  for (const part of parts) checkPart(part, issues);
  return issues.list;
};

const COMBINATORS = ['and', 'or', 'not'];

const conditionCount = (filter: PredictionFilter): number =>
  givenMembers(filter).filter((name) => !COMBINATORS.includes(name) && name !== 'features').length +
  (filter.features?.length ?? 0);

const checkPart = ({ filter, path, depth }: FilterPart, issues: Issues): void => {
  if (depth > 1 && givenMembers(filter).length === 0) {
    issues.add(path, 'is empty; give a condition, or leave it out.');
  }
  checkWindow([...path, 'occurredAt'], filter.occurredAt, issues);
  checkWindow([...path, 'recordedAt'], filter.recordedAt, issues);
  checkTexts([...path, 'requestIds'], filter.requestIds, issues);
  checkTexts([...path, 'entityKeys'], filter.entityKeys, issues);
  checkText([...path, 'traceId'], filter.traceId, issues);
  checkComparison([...path, 'score'], filter.score, issues);
  checkComparison([...path, 'label'], filter.label, issues);
  checkComparison([...path, 'latencyMs'], filter.latencyMs, issues);
  checkComparison([...path, 'outcome'], filter.outcome, issues);
  checkComparison([...path, 'outcome', 'label'], filter.outcome?.label, issues);
  checkComparison([...path, 'outcome', 'value'], filter.outcome?.value, issues);
  checkSize([...path, 'features'], filter.features, MAX_FEATURES, issues);
  checkSize([...path, 'and'], filter.and, MAX_CONDITIONS, issues);
  checkSize([...path, 'or'], filter.or, MAX_CONDITIONS, issues);
  filter.features?.forEach((feature, index) => {
    checkFeature([...path, 'features', index], feature, issues);
  });
};

const checkFeature = (path: Path, { name, is }: FeatureFilterShape, issues: Issues): void => {
  checkText([...path, 'name'], name, issues);
  checkWindow([...path, 'is', 'timestamp'], is.timestamp, issues);
  checkComparison([...path, 'is', 'float'], is.float, issues);
  checkComparison([...path, 'is', 'integer'], is.integer, issues);
  checkComparison([...path, 'is', 'string'], is.string, issues);
};

/** Any comparator: it must compare with something, and with nothing that cannot be stored. */
const checkComparison = (path: Path, comparison: object | null | undefined, issues: Issues) => {
  if (comparison == null) return;
  if (givenMembers(comparison).length === 0) {
    issues.add(path, 'has no condition; give one, or leave it out.');
  }
  for (const [name, value] of Object.entries(comparison)) {
    const at = [...path, name];
    if (typeof value === 'string') checkText(at, value, issues);
    if (Array.isArray(value)) checkTexts(at, value, issues);
    // A variable cannot hold such a number, but 1e999 in a document is read as one.
    if (typeof value === 'number' && !Number.isFinite(value)) {
      issues.add(at, 'is beyond the largest number, 1.7976931348623157e+308.');
    }
  }
};

const checkTexts = (
  path: Path,
  texts: readonly string[] | null | undefined,
  issues: Issues,
): void => {
  checkSize(path, texts, MAX_VALUES, issues);
  texts?.slice(0, MAX_VALUES).forEach((text, index) => {
    checkText([...path, index], text, issues);
  });
};

const checkText = (path: Path, text: string | null | undefined, issues: Issues): void => {
  const reason = text == null ? null : unstorableText(text);
  if (reason !== null) issues.add(path, `${reason}.`);
};

const checkSize = (
  path: Path,
  list: readonly unknown[] | null | undefined,
  most: number,
  issues: Issues,
): void => {
  if (list == null || (list.length > 0 && list.length <= most)) return;
  issues.add(path, `has ${list.length} items; give 1 to ${most}, or leave it out.`);
};
