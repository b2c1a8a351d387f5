import {
  type ExactJson,
  type ExactJsonObject,
  stringifyExactJson,
} from '../platform/exact-json.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { Instant } from '../platform/instant.ts';
import {
  type ContentReference,
  readEndpoint,
  readFeatureSchema,
  readModelVersion,
} from './record-keys.ts';
import {
  memberOf,
  type RecordReading,
  readIdentifier,
  readText,
  readTime,
  refuseUnknown,
  report,
} from './record-members.ts';
import { readDouble, readItem, readLatency, readSamplingRate } from './record-numbers.ts';
import type { RecordIssues } from './rejection.ts';

/** One prediction as its sender describes it: references not yet resolved, features not yet checked. */
export interface PredictionRecord {
  readonly requestId: string;
  readonly item: number;
  readonly occurredAt: Instant;
  /** `environment/name`. */
  readonly endpoint: string;
  readonly modelVersion: ContentReference;
  /** Null for the version's own. */
  readonly featureSchema: ContentReference | null;
  readonly entityKey: string | null;
  readonly traceId: string | null;
  readonly features: ExactJson;
  readonly score: number | null;
  readonly label: string | null;
  /** Exact JSON text with sorted keys; null when none was sent. */
  readonly output: string | null;
  readonly latencyMs: number | null;
  /** Below 1; null for 1. */
  readonly samplingRate: number | null;
}

const MEMBERS: ReadonlySet<string> = new Set([
  'requestId',
  'item',
  'occurredAt',
  'endpoint',
  'modelVersion',
  'featureSchema',
  'entityKey',
  'traceId',
  'features',
  'score',
  'label',
  'output',
  'latencyMs',
  'samplingRate',
]);

export const MAX_TRACE_ID_BYTES = 200;

/** Reads one line; the array in return holds everything wrong with it. Absent and null are the same but for `output`. */
export const decodePrediction = (
  record: ExactJsonObject,
  latest: Instant,
): PredictionRecord | RecordIssues => {
  const reading: RecordReading = { record, issues: [] };
  refuseUnknown(reading, MEMBERS, 'a prediction');
  const modelVersion = readModelVersion(reading);
  const features = memberOf(record, 'features');
  if (features === undefined) {
    const reason = 'but every prediction needs them; send {"<feature name>": <value>, …}';
    report(reading, 'features', features, reason);
  }
  const output = memberOf(record, 'output');
  const decoded = {
    requestId: readIdentifier(reading, 'requestId'),
    item: readItem(reading, 'item'),
    occurredAt: readTime(reading, 'occurredAt', latest),
    endpoint: readEndpoint(reading),
    featureSchema: readFeatureSchema(reading),
    entityKey: readText(reading, 'entityKey'),
    traceId: readText(reading, 'traceId', 1, MAX_TRACE_ID_BYTES),
    score: readDouble(reading, 'score'),
    label: readText(reading, 'label', 0),
    output: output === undefined ? null : sortedJsonText(output),
    latencyMs: readLatency(reading, 'latencyMs'),
    samplingRate: readSamplingRate(reading, 'samplingRate'),
  };
  const [first, ...rest] = reading.issues;
  if (first !== undefined) return [first, ...rest];
  // What is null or undefined was reported.
  return { ...decoded, modelVersion: referenced(modelVersion), features: features ?? null };
};

/** Exact JSON text in which equal values have equal text: members in the order of their names. */
export const sortedJsonText = (value: ExactJson): string => stringifyExactJson(sorted(value));

const sorted = (value: ExactJson): ExactJson => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value as ExactJsonObject);
  members.sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
};
