import { hash } from 'node:crypto';
import { parseExactJson } from '../platform/exact-json.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant } from '../platform/instant.ts';
import { routeOf } from '../serving/endpoint.ts';
import { copyNumber, copyText } from './copy-text.ts';
import type { FieldPlan } from './feature-field-encode.ts';
import type { FeatureIssue } from './feature-issue.ts';
import type { EncodedFeatures } from './feature-layout.ts';
import type { RowReferences } from './hour-counts.ts';
import {
  contentText,
  type PredictionContent,
  type PredictionNames,
  predictionText,
} from './prediction-digest.ts';
import { type PredictionRecord, sortedJsonText } from './prediction-record.ts';
import { predictionReferences, type ReferenceTable } from './record-references.ts';
import type { RecordIssue, RecordIssues } from './rejection.ts';
import { codecOf } from './schema-codec.ts';

/** A record that was read, checked and encoded in full. */
export interface UnderstoodPrediction {
  readonly names: PredictionNames;
  readonly references: RowReferences;
  readonly samplingRate: number | null;
  readonly plans: readonly FieldPlan[];
  /** The row up to `sampling_rate`, in COPY's text format. */
  readonly row: string;
  /** A character for each byte. */
  readonly digest: string;
}

/** Checks a record against what it refers to; everything wrong with it in return when it is refused. */
export const understand = (
  record: PredictionRecord,
  table: ReferenceTable,
  undeclared: 'reject' | 'keep',
): UnderstoodPrediction | RecordIssues => {
  const found = predictionReferences(table, record);
  if (Array.isArray(found)) return found;
  const { endpoint, version, schema } = found;
  const { plans, encode } = codecOf(schema);
  const encoded = encode(record.features, { undeclared });
  if (Array.isArray(encoded)) return violations(encoded);
  const content: PredictionContent = { ...record, features: withSortedUndeclared(encoded) };
  const names = {
    endpoint: routeOf(endpoint),
    modelVersion: version.digest,
    featureSchema: schema.digest,
  };
  const written = contentText(content);
  const { requestId, item, samplingRate } = record;
  const identity = `${copyText(requestId)}\t${formatInstant(record.occurredAt)}\t${endpoint.id}\t${item}`;
  return {
    names,
    references: {
      endpointId: endpoint.id,
      modelVersionId: version.id,
      featureSchemaId: schema.id,
    },
    samplingRate,
    plans,
    row: `${identity}\t${version.id}\t${schema.id}\t${written}\t${copyNumber(samplingRate)}`,
    digest: hash('sha256', predictionText(content, names, written), 'binary'),
  };
};

/** Undeclared features that are equal have equal text, whatever the order in which they were sent. */
const withSortedUndeclared = (encoded: EncodedFeatures): EncodedFeatures =>
  encoded.undeclared === null
    ? encoded
    : { ...encoded, undeclared: sortedJsonText(parseExactJson(encoded.undeclared)) };

const violations = (issues: readonly FeatureIssue[]): RecordIssues => {
  const [first, ...rest] = issues.map(({ code, path, value, message }): RecordIssue => {
    const isNumber = code === 'NOT_REPRESENTABLE';
    return {
      code: isNumber ? 'NUMBER_NOT_REPRESENTABLE' : 'FEATURE_SCHEMA_VIOLATION',
      path,
      value: value === '' ? null : value,
      message,
    };
  });
  return [referenced(first ?? null), ...rest];
};
