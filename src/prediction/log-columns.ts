import { formatInstant } from '../platform/instant.ts';
import {
  copyBytes,
  copyIntegers,
  copyNumber,
  copyNumbers,
  copyText,
  copyTexts,
} from './copy-text.ts';

/** What a column of the log holds, as the database gives it. */
export type LogColumnKind =
  | 'text'
  | 'instant'
  | 'integer'
  | 'bigint'
  | 'double'
  | 'bytes'
  | 'doubles'
  | 'bigints'
  | 'texts'
  | 'instants';

export interface LogColumn {
  readonly name: string;
  readonly kind: LogColumnKind;
}

const column = (name: string, kind: LogColumnKind): LogColumn => ({ name, kind });

/** Every column of `prediction_log`: what leaves the log and comes back is exactly these. */
export const LOG_COLUMNS: readonly LogColumn[] = [
  column('request_id', 'text'),
  column('occurred_at', 'instant'),
  column('endpoint_id', 'integer'),
  column('item', 'integer'),
  column('model_version_id', 'integer'),
  column('feature_schema_id', 'integer'),
  column('entity_key', 'text'),
  column('trace_id', 'text'),
  column('numbers', 'doubles'),
  column('integers', 'bigints'),
  column('texts', 'texts'),
  column('statuses', 'bytes'),
  column('feature_observed_at', 'instants'),
  column('undeclared', 'text'),
  column('score', 'double'),
  column('label', 'text'),
  column('output', 'text'),
  column('latency_ms', 'double'),
  column('sampling_rate', 'double'),
  column('digest', 'bytes'),
  column('recorded_at', 'instant'),
  column('salt', 'bytes'),
  column('batch_id', 'bigint'),
];

/** A row of the log by the names of its columns. */
export type LogRow = Readonly<Record<string, unknown>>;

const COPIERS: Readonly<Record<LogColumnKind, (value: never) => string>> = {
  text: (value: string | null) => copyText(value),
  instant: (value: number) => formatInstant(value),
  integer: (value: number) => String(value),
  bigint: (value: bigint) => String(value),
  double: (value: number | null) => copyNumber(value),
  bytes: (value: Uint8Array | null) => copyBytes(value),
  doubles: (value: readonly (number | null)[]) => copyNumbers(value),
  bigints: (value: readonly (bigint | null)[]) => copyIntegers(value),
  texts: (value: readonly (string | null)[]) => copyTexts(value),
  instants: (value: readonly (bigint | null)[]) => copyIntegers(value),
};

/** A row in COPY's text format, in the order of the columns: rows are equal when their texts are. */
export const logRowText = (row: LogRow): string =>
  LOG_COLUMNS.map(({ name, kind }) => COPIERS[kind](row[name] as never)).join('\t');

/** The columns as a list in SQL. */
export const LOG_COLUMN_LIST = LOG_COLUMNS.map(({ name }) => name).join(', ');
