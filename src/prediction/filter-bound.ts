import {
  MAX_WINDOW_DAYS,
  type PredictionFilter,
  type TimeWindow,
} from './prediction-filter-input.ts';
import type { Window } from './rollups.ts';

const DAY = 86_400_000_000;

/** Why a window does not bound a search; null when it does. */
const windowFault = ({ from, to }: TimeWindow): string | null => {
  if (from == null) return 'has no `from`';
  if (to == null) return 'has no `to`';
  const days = Math.ceil((to - from) / DAY);
  return days > MAX_WINDOW_DAYS ? `spans ${days} days` : null;
};

/**
 * Whether indexes or partitions bound the rows that a filter can match. Everything in `and` must match, so one bound is
 * enough; in `or` each alternative needs its own; what `not` excludes bounds nothing.
 */
export const isBounded = (filter: PredictionFilter): boolean =>
  filter.entityKeys != null ||
  filter.requestIds != null ||
  filter.traceId != null ||
  (filter.occurredAt != null && windowFault(filter.occurredAt) === null) ||
  (filter.and ?? []).some(isBounded) ||
  (filter.or?.every(isBounded) ?? false);

/** Why a filter would search too much of the log, and the remedy; null when it is bounded. */
export const unboundedReason = (filter: PredictionFilter): string | null => {
  if (isBounded(filter)) return null;
  const fault = filter.occurredAt == null ? null : windowFault(filter.occurredAt);
  const why = fault === null ? '' : ` \`occurredAt\` ${fault}.`;
  return `does not bound the search.${why} Give \`occurredAt\` with \`from\` and \`to\` at most ${MAX_WINDOW_DAYS} days apart, \`entityKeys\`, \`requestIds\` or \`traceId\`; within \`or\`, in each alternative.`;
};

/** The window outside of which a filter matches nothing, as far as it says so itself. */
export const windowOf = (filter: PredictionFilter | null | undefined): Window => {
  const windows = [filter, ...(filter?.and ?? [])].map((part) => part?.occurredAt);
  const given = (end: 'from' | 'to') => windows.flatMap((window) => window?.[end] ?? []);
  const [from, to] = [given('from'), given('to')];
  return {
    from: from.length === 0 ? null : Math.max(...from),
    to: to.length === 0 ? null : Math.min(...to),
  };
};
