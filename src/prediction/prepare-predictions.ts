import type { Database } from '../platform/database.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { routeOf } from '../serving/endpoint.ts';
import {
  type AppendOptions,
  type PreparedBatch,
  type RejectedLine,
  rejectedLine,
  type StagedRecord,
} from './append-report.ts';
import { copyNumber, copyText } from './copy-text.ts';
import type { FeatureIssue } from './feature-issue.ts';
import type { EncodedFeatures } from './feature-layout.ts';
import { contentText, type PredictionContent, predictionDigest } from './prediction-digest.ts';
import { decodePrediction, type PredictionRecord, sortedJsonText } from './prediction-record.ts';
import { parseLine, type RawLine, requestIdOf } from './raw-line.ts';
import {
  predictionReferences,
  type ReferenceTable,
  resolveReferences,
} from './record-references.ts';
import type { RecordIssue, RecordIssues } from './rejection.ts';
import { codecOf } from './schema-codec.ts';

/** A prediction ready to be stored. */
export interface StagedPrediction extends StagedRecord {
  readonly occurredAt: Instant;
  /** The columns that identify it, joined. */
  readonly identity: string;
  /** Hexadecimal. */
  readonly digest: string;
}

interface Decoded {
  readonly raw: RawLine;
  readonly record: PredictionRecord;
}

/** Reads, checks and encodes a batch; writes nothing. */
export const preparePredictions = async (
  database: Database,
  lines: readonly RawLine[],
  { undeclaredFeatures = 'reject' }: AppendOptions,
): Promise<PreparedBatch<StagedPrediction>> => {
  const rejected: RejectedLine[] = [];
  const decoded = decodeLines(lines, rejected);
  const records = decoded.map(({ record }) => record);
  const table = await resolveReferences(database, records);
  const staged: StagedPrediction[] = [];
  for (const { raw, record } of decoded) {
    const result = stage(raw, record, table, undeclaredFeatures);
    if ('row' in result) staged.push(result);
    else rejected.push(rejectedLine(raw, record.requestId, result));
  }
  return { received: lines.length, staged, rejected, undeclaredFeatures };
};

const decodeLines = (lines: readonly RawLine[], rejected: RejectedLine[]): readonly Decoded[] => {
  const now = Date.now() * 1000;
  const decoded: Decoded[] = [];
  for (const raw of lines) {
    const parsed = parseLine(raw);
    if ('issue' in parsed) {
      rejected.push(rejectedLine(raw, null, [parsed.issue]));
      continue;
    }
    const record = decodePrediction(parsed.record, now);
    if ('requestId' in record) decoded.push({ raw, record });
    else rejected.push(rejectedLine(raw, requestIdOf(parsed.record), record));
  }
  return decoded;
};

const stage = (
  raw: RawLine,
  record: PredictionRecord,
  table: ReferenceTable,
  undeclared: 'reject' | 'keep',
): StagedPrediction | RecordIssues => {
  const found = predictionReferences(table, record);
  if (Array.isArray(found)) return found;
  const { endpoint, version, schema } = found;
  const encoded = codecOf(schema).encode(record.features, { undeclared });
  if (Array.isArray(encoded)) return violations(encoded);
  const content: PredictionContent = { ...record, features: withSortedUndeclared(encoded) };
  const names = {
    endpoint: routeOf(endpoint),
    modelVersion: version.digest,
    featureSchema: schema.digest,
  };
  const written = contentText(content);
  const digest = predictionDigest(content, names, written);
  const { requestId, item } = record;
  const identity = `${copyText(requestId)}\t${formatInstant(record.occurredAt)}\t${endpoint.id}\t${item}`;
  return {
    raw,
    requestId,
    occurredAt: record.occurredAt,
    identity,
    digest,
    row: `${identity}\t${version.id}\t${schema.id}\t${written}\t\\\\x${digest}\t${copyNumber(record.samplingRate)}`,
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
