import { type Instant, parseInstant } from '../platform/instant.ts';
import { type FeatureIssue, issueOf, MAX_FEATURE_ISSUES } from './feature-issue.ts';
import { isSentStatus } from './feature-status.ts';

/** A feature sent as `{value, observedAt, status}`; an undefined value is absent. */
export interface SentFeature {
  readonly value: unknown;
  readonly observedAt: Instant | null;
  readonly status: 'PRESENT' | 'DEFAULTED';
}

/** Reads the wrapped form and checks that its status does not contradict its value. */
export const readWrapper = (
  path: string,
  wrapper: Readonly<Record<string, unknown>>,
): SentFeature | FeatureIssue[] => {
  const { value, observedAt = null, status } = wrapper;
  const issues: FeatureIssue[] = [];
  for (const key in wrapper) {
    if (key === 'value' || key === 'observedAt' || key === 'status') continue;
    if (issues.length === MAX_FEATURE_ISSUES) break;
    issues.push(issueOf(`${path}.${key}`, wrapper[key], UNKNOWN_KEY));
  }
  const sent = {
    value: readValue(path, value, status, issues),
    observedAt: readObservedAt(path, observedAt, issues),
    status: status === 'DEFAULTED' ? 'DEFAULTED' : 'PRESENT',
  } as const;
  return issues.length > 0 ? issues : sent;
};

const UNKNOWN_KEY = {
  code: 'WRONG_TYPE',
  reason: 'but an object may only have the keys "value", "observedAt" and "status"',
} as const;

const readObservedAt = (path: string, value: unknown, issues: FeatureIssue[]): Instant | null => {
  if (value === null) return null;
  const instant = typeof value === 'string' ? parseInstant(value) : NOT_A_TIME;
  if (typeof instant === 'number') return instant;
  const reason = typeof value === 'string' ? `but ${instant}` : instant;
  issues.push(issueOf(`${path}.observedAt`, value, { code: 'INVALID_TIME', reason }));
  return null;
};

const NOT_A_TIME =
  'which is not a time; write an RFC 3339 string such as "2026-04-03T14:03:27.123456Z"';

/** The value to store: null for the status NULL, undefined where there is none. */
const readValue = (
  path: string,
  value: unknown,
  sentStatus: unknown,
  issues: FeatureIssue[],
): unknown => {
  const status = sentStatus === undefined && value !== undefined ? impliedBy(value) : sentStatus;
  const isEmpty = value === undefined || value === null;
  let reason: string | null = null;
  if (status === undefined) {
    reason = 'and so is the value; send either';
  } else if (!isSentStatus(status)) {
    reason = 'which is no status; send "PRESENT", "NULL", "MISSING", "DEFAULTED" or "STALE"';
  } else if (status === 'PRESENT' || status === 'STALE') {
    if (isEmpty) reason = 'but there is no value; send the value, or the status that fits';
  } else if (status !== 'DEFAULTED' && !isEmpty) {
    reason = 'but there is a value; leave it out, or send the status that fits';
  }
  if (reason !== null)
    issues.push(issueOf(`${path}.status`, status, { code: 'WRONG_TYPE', reason }));
  if (status === 'NULL') return null;
  return status === 'MISSING' ? undefined : value;
};

const impliedBy = (value: unknown): 'PRESENT' | 'NULL' => (value === null ? 'NULL' : 'PRESENT');
