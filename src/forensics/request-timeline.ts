import type { Instant } from '../platform/instant.ts';
import type { PredictionConflict, PredictionOutcome } from '../prediction/observations.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { RejectedRecord } from '../prediction/rejected-record-query.ts';
import type { DeploymentRole } from '../serving/timeline.ts';

/** What an answer was to its request. */
export type AnswerKind = 'RETRY' | 'COMPONENT' | 'BATCH_ITEM' | 'SHADOW' | 'CANARY';

/** Something that happened to a request. */
export interface RequestEvent {
  readonly kind: 'PREDICTION' | 'CONFLICT' | 'OUTCOME' | 'REJECTED';
  readonly at: Instant;
  readonly prediction: PredictionLog | null;
  readonly answerKinds: readonly AnswerKind[];
  /** Which answer to the same item of the same request on the same endpoint in the same role, from 1. */
  readonly attempt: number | null;
  readonly conflict: PredictionConflict | null;
  readonly outcome: PredictionOutcome | null;
  readonly rejected: RejectedRecord | null;
}

const event = (
  kind: RequestEvent['kind'],
  at: Instant,
  more: Partial<RequestEvent>,
): RequestEvent => ({
  kind,
  at,
  prediction: null,
  answerKinds: [],
  attempt: null,
  conflict: null,
  outcome: null,
  rejected: null,
  ...more,
});

/** Roles that the version of each prediction was believed to have when it answered. */
export type RoleOf = (prediction: PredictionLog) => DeploymentRole | null;

const sameItem = (one: PredictionLog) => (other: PredictionLog) =>
  one.requestId === other.requestId &&
  one.endpointId === other.endpointId &&
  one.item === other.item;

const answerKinds = (
  prediction: PredictionLog,
  all: readonly PredictionLog[],
  attempt: number,
  role: DeploymentRole | null,
): readonly AnswerKind[] => {
  const siblings = all.filter(({ requestId }) => requestId === prediction.requestId);
  const isBatch = siblings.some(
    ({ endpointId, item }) => endpointId === prediction.endpointId && item > 0,
  );
  const hasComponents = all.some(({ endpointId }) => endpointId !== prediction.endpointId);
  return [
    ...(attempt > 1 ? (['RETRY'] as const) : []),
    ...(hasComponents ? (['COMPONENT'] as const) : []),
    ...(isBatch ? (['BATCH_ITEM'] as const) : []),
    ...(role === 'SHADOW' || role === 'CANARY' ? [role] : []),
  ];
};

/** Everything that happened to a request, in order of time; `predictions` are in that order already. */
export const requestTimeline = (
  predictions: readonly PredictionLog[],
  rejected: readonly RejectedRecord[],
  roleOf: RoleOf,
): readonly RequestEvent[] => {
  const answered = predictions.flatMap((prediction, index) => {
    const role = roleOf(prediction);
    const earlier = predictions.slice(0, index).filter(sameItem(prediction));
    const attempt = earlier.filter((other) => roleOf(other) === role).length + 1;
    const { conflicts, outcomes } = prediction.observations;
    return [
      event('PREDICTION', prediction.occurredAt, {
        prediction,
        attempt,
        answerKinds: answerKinds(prediction, predictions, attempt, role),
      }),
      ...conflicts.map((conflict) =>
        event('CONFLICT', conflict.recordedAt, { prediction, conflict }),
      ),
      // An outcome belongs to the item, not to one of the answers to it.
      ...(earlier.length > 0
        ? []
        : outcomes.map((outcome) => event('OUTCOME', outcome.observedAt, { prediction, outcome }))),
    ];
  });
  const refused = rejected.map((record) =>
    event('REJECTED', record.receivedAt, { rejected: record }),
  );
  return [...answered, ...refused].sort((a, b) => a.at - b.at);
};
