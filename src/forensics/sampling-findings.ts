import { formatInstant } from '../platform/instant.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { routeOf } from '../serving/endpoint.ts';
import { describeSampling, type KnownKeys, keeps, rateFor } from '../serving/sampling.ts';
import type { Finding } from './finding.ts';
import type { TraceEvidence } from './trace-evidence.ts';

/** What sampling may have looked at; the entity key is not known any more when it was erased. */
export const sampledKeys = ({
  digest,
  entityKey,
  requestId,
  traceId,
}: Pick<PredictionLog, 'digest' | 'entityKey' | 'requestId' | 'traceId'>): KnownKeys => ({
  REQUEST_ID: requestId,
  TRACE_ID: traceId,
  ...(digest === null ? {} : { ENTITY_KEY: entityKey }),
});

/** What was declared of the sampling, held against the record. */
export const samplingFindings = ({
  prediction,
  predictionKey,
  endpoint,
  sampling,
}: TraceEvidence): readonly Finding[] => {
  const keys = sampledKeys(prediction);
  const subject = { type: 'PredictionLog', key: predictionKey };
  const stated = prediction.samplingRate ?? 1;
  const expected = sampling === null ? 1 : rateFor(sampling, keys);
  const declared =
    sampling === null
      ? `no sampling was declared on ${routeOf(endpoint)} at that moment`
      : `declared was ${describeSampling(sampling)} on ${routeOf(endpoint)} from ${formatInstant(sampling.validFrom)} on, by ${sampling.actor}`;
  const mismatch: Finding = {
    code: 'SAMPLING_RATE_MISMATCH',
    severity: 'WARNING',
    message: `The record states that it was kept at rate ${stated}, not ${expected}: ${declared}.`,
    subject,
  };
  const notKept: Finding = {
    code: 'SAMPLING_KEY_NOT_KEPT',
    severity: 'WARNING',
    message: `The record came although its key is not kept: ${declared}.`,
    subject,
  };
  return [
    ...(stated === expected ? [] : [mismatch]),
    ...(sampling !== null && keeps(sampling, keys) === false ? [notKept] : []),
  ];
};
