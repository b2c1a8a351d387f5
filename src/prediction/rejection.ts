/** Why a line was refused. */
export type RejectionCode =
  | 'INVALID_JSON'
  | 'INVALID_ENCODING'
  | 'LINE_TOO_LONG'
  | 'TRUNCATED_BODY'
  | 'COMPRESSION_LIMIT'
  | 'CORRUPT_BODY'
  | 'INVALID_FIELD'
  | 'NUMBER_NOT_REPRESENTABLE'
  | 'TIME_OUT_OF_RANGE'
  | 'UNKNOWN_ENDPOINT'
  | 'UNKNOWN_MODEL_VERSION'
  | 'UNKNOWN_FEATURE_SCHEMA'
  | 'FEATURE_SCHEMA_VIOLATION'
  | 'WEEK_ARCHIVED';

/** One thing that is wrong with a record. */
export interface RecordIssue {
  readonly code: RejectionCode;
  /** Such as `occurredAt` or `features.distance`; null when no member is at fault. */
  readonly path: string | null;
  /** The offending value as JSON, at most 100 characters; null when there is none. */
  readonly value: string | null;
  /** Names the member, the value and the remedy. */
  readonly message: string;
  /** Key of the event that would cure it, such as `modelVersion:release:m@1.0.0`. */
  readonly waitsFor?: string;
}

/** Everything wrong with a record that is refused. */
export type RecordIssues = [RecordIssue, ...RecordIssue[]];

/** Why a record is refused: its first issue, with the messages of all. */
export interface Rejection {
  readonly code: RejectionCode;
  readonly path: string | null;
  readonly value: string | null;
  readonly message: string;
  readonly waitsFor: string | null;
}

const MAX_MESSAGE = 4000;
const MAX_PATH = 300;

export const rejectionOf = (issues: RecordIssues): Rejection => {
  const [{ code, path, value, waitsFor = null }] = issues;
  const message = issues.map((issue) => issue.message).join('; ');
  return {
    code,
    path: path === null ? null : storable(path, MAX_PATH),
    value: value === null ? null : storable(value, MAX_PATH),
    message: storable(message, MAX_MESSAGE),
    waitsFor,
  };
};

/** Paths and messages quote names as sent: what no database text holds is shown escaped. */
const storable = (text: string, limit: number): string => {
  const kept = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return kept.replace(
    UNSTORABLE,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
};

const UNSTORABLE = /\0|\p{Surrogate}/gu;
