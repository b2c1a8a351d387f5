import { argumentError } from '../platform/bad-user-input.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { TimeWindow } from '../prediction/prediction-filter-input.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { Condition } from '../prediction/sql-condition.ts';

const DAY = 86_400_000_000;
/** Days before and after the prediction that are searched when no window is given. */
export const DAYS_AROUND = 7;
export const MAX_DAYS = 31;
export const MAX_NEAREST = 50;

export interface ClosedWindow {
  readonly from: Instant;
  readonly to: Instant;
}

const refuse = (path: string, message: string): never => {
  throw argumentError({ path: [path], message });
};

/** The window to search. Refuses one that is open or too long. */
export const searchWindow = (
  { occurredAt }: PredictionLog,
  during: TimeWindow | null | undefined,
): ClosedWindow => {
  if (during == null) {
    return { from: occurredAt - DAYS_AROUND * DAY, to: occurredAt + DAYS_AROUND * DAY };
  }
  const { from, to } = during;
  if (from == null || to == null) {
    return refuse('during', `has no \`${from == null ? 'from' : 'to'}\`; give both ends.`);
  }
  if (from >= to) return refuse('during', 'is empty: `from` must lie before `to`.');
  if (to - from > MAX_DAYS * DAY) {
    const days = Math.ceil((to - from) / DAY);
    return refuse('during', `spans ${days} days; give at most ${MAX_DAYS}.`);
  }
  return { from, to };
};

/** The condition on rows that went the other way: another label, or a score that differs by a margin. */
export const otherWay = (
  { label, score }: PredictionLog,
  margin: number | null | undefined,
): Condition => {
  if (margin == null) {
    if (label === null) {
      refuse('margin', 'is needed: the prediction has no label that another could differ from.');
    }
    return (parameter) => `l.label <> ${parameter(label, 'text')}`;
  }
  if (!(margin > 0)) refuse('margin', `${margin}; give more than 0.`);
  if (score === null || !Number.isFinite(score)) {
    return refuse('margin', 'compares scores, and that of the prediction is absent or not finite.');
  }
  return (parameter) =>
    `(l.score <= ${parameter(score - margin, 'float8')} OR l.score >= ${parameter(score + margin, 'float8')})
      AND l.score <> 'NaN'`;
};

/** The condition on rows of one version in a window. */
export const ofVersionIn =
  (modelVersionId: number, { from, to }: ClosedWindow): Condition =>
  (parameter) =>
    `l.model_version_id = ${parameter(modelVersionId, 'int')}
      AND l.occurred_at >= ${parameter(formatInstant(from), 'timestamptz')}
      AND l.occurred_at < ${parameter(formatInstant(to), 'timestamptz')}`;

export const checkFirst = (first: number): void => {
  if (first < 1 || first > MAX_NEAREST) refuse('first', `${first}; give 1 to ${MAX_NEAREST}.`);
};
