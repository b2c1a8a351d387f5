import { type ExactJson, stringifyExactJson } from '../platform/exact-json.ts';

export type FeatureIssueCode =
  | 'WRONG_TYPE'
  | 'NOT_REPRESENTABLE'
  | 'UNKNOWN_CATEGORY'
  | 'UNDECLARED_FEATURE'
  | 'MISSING_FEATURE'
  | 'WRONG_SHAPE'
  | 'INVALID_TIME'
  | 'INVALID_TEXT';

/** Why one feature of a record cannot be stored. */
export interface FeatureIssue {
  readonly code: FeatureIssueCode;
  /** Such as `features.distance` or `features.history[2]`. */
  readonly path: string;
  /** The offending value as JSON, at most 100 characters; empty when there is none. */
  readonly value: string;
  /** Names the path, the value and the remedy. */
  readonly message: string;
}

/** A reason that reads on from "features.distance is 1e39, ". */
export interface Refusal {
  readonly code: FeatureIssueCode;
  readonly reason: string;
}

/** Issues reported for one record. */
export const MAX_FEATURE_ISSUES = 20;

export const issueOf = (path: string, value: unknown, { code, reason }: Refusal): FeatureIssue => {
  const shown = excerpt(value);
  const subject = shown === '' ? `${path} is missing` : `${path} is ${shown}`;
  return { code, path, value: shown, message: `${subject}, ${reason}` };
};

/** A value as JSON, at most 100 characters; empty for undefined. */
export const excerpt = (value: unknown): string => {
  if (value === undefined) return '';
  const text =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 100))
      : stringifyExactJson(value as ExactJson);
  // Not half of a surrogate pair.
  return text.length > 100 ? `${text.slice(0, 99).replace(/[\ud800-\udbff]$/, '')}…` : text;
};
