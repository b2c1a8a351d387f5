import { hash } from 'node:crypto';
import { formatInstant, type Instant } from '../platform/instant.ts';
import {
  copyBytes,
  copyIntegers,
  copyNumber,
  copyNumbers,
  copyText,
  copyTexts,
} from './copy-text.ts';
import type { EncodedFeatures } from './feature-layout.ts';

/** What a prediction says, references apart, in the form in which the log stores it. */
export interface PredictionContent {
  readonly requestId: string;
  readonly occurredAt: Instant;
  readonly item: number;
  readonly entityKey: string | null;
  readonly traceId: string | null;
  readonly features: EncodedFeatures;
  readonly score: number | null;
  readonly label: string | null;
  readonly output: string | null;
  readonly latencyMs: number | null;
  /** Null for 1. */
  readonly samplingRate: number | null;
}

/** What a prediction refers to, by names that hold in any database. */
export interface PredictionNames {
  /** `environment/name`. */
  readonly endpoint: string;
  /** Digest of the model version. */
  readonly modelVersion: string;
  /** Digest of the feature schema. */
  readonly featureSchema: string;
}

/** Columns of the log from `entity_key` to `latency_ms`, in COPY's text format. */
export const contentText = (content: PredictionContent): string => {
  const { features } = content;
  return [
    copyText(content.entityKey),
    copyText(content.traceId),
    copyNumbers(features.numbers),
    copyIntegers(features.integers),
    copyTexts(features.texts),
    copyBytes(features.statuses),
    copyIntegers(features.observedAt),
    copyText(features.undeclared),
    copyNumber(content.score),
    copyText(content.label),
    copyText(content.output),
    copyNumber(content.latencyMs),
  ].join('\t');
};

/**
 * A prediction as it is understood, as text made of the stored row alone and the names of what it refers to:
 * `prediction/1`, request ID, time (RFC 3339, UTC), item, endpoint, model version, feature schema, then `contentText`,
 * each in COPY's text format (null is `\N`), joined by tabs. That format escapes tabs, so no two predictions share a text.
 * One that was kept at a rate below 1 begins with `prediction/2` and ends with the rate.
 */
export const predictionText = (
  content: PredictionContent,
  names: PredictionNames,
  written: string = contentText(content),
): string => {
  const requestId = copyText(content.requestId);
  const { samplingRate } = content;
  const head = `prediction/${samplingRate === null ? 1 : 2}\t${requestId}\t${formatInstant(content.occurredAt)}\t${content.item}`;
  const references = `${copyText(names.endpoint)}\t${names.modelVersion}\t${names.featureSchema}`;
  const rate = samplingRate === null ? '' : `\t${copyNumber(samplingRate)}`;
  return `${head}\t${references}\t${written}${rate}`;
};

/** SHA-256, in hexadecimal, of `predictionText` in UTF-8: equal content written differently has one digest. */
export const predictionDigest = (
  content: PredictionContent,
  names: PredictionNames,
  written?: string,
): string => hash('sha256', predictionText(content, names, written), 'hex');
