import type { ExactJsonObject } from '../platform/exact-json.ts';
import type { Instant } from '../platform/instant.ts';
import { readEndpoint } from './record-keys.ts';
import {
  memberOf,
  type RecordReading,
  readIdentifier,
  readText,
  readTime,
  refuseUnknown,
  report,
} from './record-members.ts';
import { readDouble, readItem } from './record-numbers.ts';
import type { RecordIssues } from './rejection.ts';

/** One observed truth as its sender describes it. */
export interface OutcomeRecord {
  readonly requestId: string;
  readonly item: number;
  /** `environment/name`. */
  readonly endpoint: string;
  readonly observedAt: Instant;
  readonly label: string | null;
  readonly value: number | null;
}

const MEMBERS: ReadonlySet<string> = new Set([
  'requestId',
  'item',
  'endpoint',
  'observedAt',
  'label',
  'value',
]);

/** Reads one line; the array in return holds everything wrong with it. Absent and null are the same. */
export const decodeOutcome = (
  record: ExactJsonObject,
  latest: Instant,
): OutcomeRecord | RecordIssues => {
  const reading: RecordReading = { record, issues: [] };
  refuseUnknown(reading, MEMBERS, 'an outcome');
  const decoded = {
    requestId: readIdentifier(reading, 'requestId'),
    item: readItem(reading, 'item'),
    endpoint: readEndpoint(reading),
    observedAt: readTime(reading, 'observedAt', latest),
    label: readText(reading, 'label', 0),
    value: readDouble(reading, 'value'),
  };
  if ((memberOf(record, 'label') ?? memberOf(record, 'value') ?? null) === null) {
    report(reading, 'label', undefined, 'and so is the value; send either, or both');
  }
  const [first, ...rest] = reading.issues;
  return first === undefined ? decoded : [first, ...rest];
};
