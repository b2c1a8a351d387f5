import { type Severity, worse } from '../evidence/schema-compatibility.ts';

/** Kinds of trace findings, most telling first; findings of one severity are listed in this order. */
export const FINDING_CODES = [
  'DIGEST_MISMATCH',
  'CONFLICTING_RECORDS',
  'FEATURE_SCHEMA_MISMATCH',
  'DEPLOYMENT_MISMATCH',
  'STAGE_NOT_SERVABLE',
  'REVOKED_SINCE',
  'FEATURE_MISSING',
  'FEATURE_TYPE_MISMATCH',
  'FEATURE_UNDECLARED',
  'FEATURE_STALE',
  'SAMPLING_RATE_MISMATCH',
  'SAMPLING_KEY_NOT_KEPT',
  'DIRTY_COMMIT',
  'CLOCK_SKEW',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** One observation about a trace. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
  /** Type and key of the object concerned, as in its global ID. */
  readonly subject: { readonly type: string; readonly key: string } | null;
}

export type GapReason =
  | 'NEVER_RECORDED'
  | 'EXPIRED'
  | 'REDACTED'
  | 'ERASED'
  | 'SAMPLED_OUT'
  | 'REJECTED';

/** Evidence that is absent, and why. */
export interface EvidenceGap {
  readonly subject: string;
  readonly reason: GapReason;
  readonly message: string;
}

export type Verdict = 'VERIFIED' | 'INCOMPLETE' | 'INCONSISTENT';

const SEVERITY_ORDER: readonly Severity[] = ['ERROR', 'WARNING', 'INFO'];

/** Most severe first, then by code, then by message, so that the same evidence reads the same. */
export const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
  [...findings].sort(
    (a, b) =>
      SEVERITY_ORDER.indexOf(a.severity) - SEVERITY_ORDER.indexOf(b.severity) ||
      FINDING_CODES.indexOf(a.code) - FINDING_CODES.indexOf(b.code) ||
      (a.message < b.message ? -1 : 1),
  );

/** An outcome is awaited, not owed, so its absence alone leaves a trace verified. */
const AWAITED = 'outcome';

/** Errors contradict; warnings and gaps leave something unproven. */
export const verdictOf = (findings: readonly Finding[], gaps: readonly EvidenceGap[]): Verdict => {
  const worst = findings.map(({ severity }) => severity).reduce(worse, 'INFO');
  if (worst === 'ERROR') return 'INCONSISTENT';
  return worst === 'WARNING' || gaps.some(({ subject }) => subject !== AWAITED)
    ? 'INCOMPLETE'
    : 'VERIFIED';
};

/** `"a", "b" and "c"`, at most `limit` of them by name. */
export const listed = (names: readonly string[], limit = 10): string => {
  const shown = names.slice(0, limit);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  const last = shown.at(-1) ?? '';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
};
