import { END_OF_TIME, type Instant } from '../platform/instant.ts';
import type { SamplingFact } from '../serving/sampling.ts';

/** A record that came with the identity of a stored prediction and other content. */
export interface PredictionConflict {
  /** SHA-256 of the record's content, in hex. */
  readonly digest: string;
  /** JSON text as received. */
  readonly record: string;
  readonly recordedAt: Instant;
}

/** An observed truth for a prediction. */
export interface PredictionOutcome {
  readonly label: string | null;
  readonly value: number | null;
  readonly observedAt: Instant;
  readonly recordedAt: Instant;
}

/** A record of the same request that was refused and still waits. */
export interface RefusedRecord {
  readonly code: string;
  readonly message: string;
  readonly receivedAt: Instant;
}

/** That the content of a prediction was erased. */
export interface ErasureFact {
  readonly id: number;
  readonly legalBasis: string;
  readonly actor: string;
  readonly recordedAt: Instant;
}

/** What was learned about a prediction beside its row. Each list is in the order of recording. */
export interface Observations {
  readonly conflicts: readonly PredictionConflict[];
  readonly outcomes: readonly PredictionOutcome[];
  readonly refused: readonly RefusedRecord[];
  /** Null when the content is there. */
  readonly erasure: ErasureFact | null;
  /** The sampling that is now believed to have held at that moment; null when none was declared. */
  readonly sampling: SamplingFact | null;
}

const micros = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint`;

/** An SQL aggregate of rows `o`, the outcomes of one prediction. */
export const OUTCOME_LIST = `json_agg(json_build_object('label', o.label, 'value', o.value::text,
      'observedAt', ${micros('o.observed_at')}, 'recordedAt', ${micros('o.recorded_at')})
      ORDER BY o.recorded_at, o.observed_at, o.digest)`;

/**
 * An SQL expression for the outcomes of row `l` of the log, on the node that has both. Where its request ID is known,
 * Citus asks one node instead of all if it is told for both tables.
 */
export const outcomesOf = (
  requestId: string,
): string => `(SELECT ${OUTCOME_LIST} FROM prediction_outcome o
    WHERE o.request_id = ${requestId} AND o.endpoint_id = l.endpoint_id AND o.item = l.item)`;

/**
 * An SQL expression for the observations of `l`, a row of the log with its outcomes, as JSON text: index look-ups in
 * the same statement. The coordinator of a cluster has all these tables, but not the log.
 */
export const OBSERVATIONS = `json_build_object(
  'conflicts', (SELECT json_agg(json_build_object('digest', encode(c.digest, 'hex'), 'record', c.record,
      'recordedAt', ${micros('c.recorded_at')}) ORDER BY c.recorded_at, c.digest)
    FROM prediction_conflict c
    WHERE c.request_id = l.request_id AND c.occurred_at = l.occurred_at
      AND c.endpoint_id = l.endpoint_id AND c.item = l.item),
  'outcomes', l.outcomes,
  'refused', (SELECT json_agg(json_build_object('code', r.code, 'message', r.message,
      'receivedAt', ${micros('r.received_at')}) ORDER BY r.received_at, r.id)
    FROM rejected_record r
    WHERE r.request_id = l.request_id AND r.kind = 'PREDICTION' AND r.resolved_at IS NULL),
  'erasure', CASE WHEN l.digest IS NULL THEN (SELECT json_build_object('id', e.id, 'legalBasis', e.legal_basis,
      'actor', e.actor, 'recordedAt', ${micros('e.recorded_at')})
    FROM erased_record d JOIN erasure e ON e.id = d.erasure_id
    WHERE d.request_id = l.request_id AND d.endpoint_id = l.endpoint_id AND d.item = l.item
      AND d.batch_id = l.batch_id LIMIT 1) END,
  'sampling', (SELECT json_build_object('endpointId', f.endpoint_id, 'sequence', f.sequence, 'rule', f.rule,
      'key', f.key, 'rate', f.rate, 'validFrom', ${micros('f.valid_from')}, 'reason', f.reason, 'actor', f.actor,
      'recordedAt', ${micros('f.recorded_at')})
    FROM sampling_fact f WHERE f.endpoint_id = l.endpoint_id AND f.valid_from <= l.occurred_at
    ORDER BY f.valid_from DESC, f.sequence DESC LIMIT 1)
)::text`;

interface Json {
  readonly conflicts: readonly PredictionConflict[] | null;
  readonly outcomes:
    | readonly (Omit<PredictionOutcome, 'value'> & { value: string | null })[]
    | null;
  readonly refused: readonly RefusedRecord[] | null;
  readonly erasure: ErasureFact | null;
  readonly sampling: SamplingFact | null;
}

/** Reads the text that `OBSERVATIONS` makes. */
export const observationsOf = (text: string): Observations => {
  const { conflicts, outcomes, refused, erasure, sampling } = JSON.parse(text) as Json;
  return {
    conflicts: conflicts ?? [],
    // As text, because JSON numbers cannot hold NaN and infinities.
    outcomes: (outcomes ?? []).map(({ value, ...outcome }) => ({
      ...outcome,
      value: value === null ? null : Number(value),
    })),
    refused: refused ?? [],
    erasure,
    sampling,
  };
};

/** Only what had been recorded by an instant; the sampling stays what is believed now. */
const observationsKnownAt = (
  { conflicts, outcomes, refused, erasure, sampling }: Observations,
  knownAt: Instant,
): Observations => ({
  conflicts: conflicts.filter(({ recordedAt }) => recordedAt <= knownAt),
  outcomes: outcomes.filter(({ recordedAt }) => recordedAt <= knownAt),
  refused: refused.filter(({ receivedAt }) => receivedAt <= knownAt),
  // What was known before cannot be told any more, so that it was erased is told for every instant.
  erasure,
  sampling,
});

/** A prediction with what of its observations was known at an instant. */
export const asKnownAt = <Observed extends { readonly observations: Observations }>(
  observed: Observed,
  knownAt: Instant,
): Observed =>
  knownAt === END_OF_TIME
    ? observed
    : { ...observed, observations: observationsKnownAt(observed.observations, knownAt) };

/** The outcome that holds: the one observed last; of those, the one recorded last. */
export const latestOutcome = (outcomes: readonly PredictionOutcome[]): PredictionOutcome | null =>
  outcomes.reduce<PredictionOutcome | null>(
    (latest, outcome) =>
      latest !== null && latest.observedAt > outcome.observedAt ? latest : outcome,
    null,
  );
