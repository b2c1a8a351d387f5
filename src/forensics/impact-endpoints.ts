import type { Instant } from '../platform/instant.ts';
import { type CountEstimate, totalOf } from '../prediction/count-estimate.ts';
import type { DeploymentBelief } from '../serving/timeline.ts';
import type { Impact } from './impact.ts';

/** How one endpoint is affected. */
export interface EndpointImpact {
  readonly endpointId: number;
  readonly deployedFrom: Instant | null;
  readonly deployedTo: Instant | null;
  readonly answeredFrom: Instant | null;
  readonly answeredTo: Instant | null;
  readonly predictions: CountEstimate;
  /** Share of requests that affected versions answer now, from 0 to 1. */
  readonly activeTrafficShare: number;
}

/** Deployments in force at some moment of the window. */
export const deploymentsDuring = ({
  deployments,
  window: { from, to },
}: Pick<Impact, 'deployments' | 'window'>): readonly DeploymentBelief[] =>
  deployments.filter(
    ({ startedAt, endedAt }) =>
      (to === null || startedAt < to) && (from === null || endedAt === null || endedAt > from),
  );

const smallest = (instants: readonly Instant[]): Instant | null =>
  instants.length === 0 ? null : instants.reduce((one, other) => Math.min(one, other));

const largest = (instants: readonly Instant[]): Instant | null =>
  instants.length === 0 ? null : instants.reduce((one, other) => Math.max(one, other));

/** Belief and fact of each endpoint: those served now first, then by estimated number of predictions. */
export const endpointImpacts = (
  impact: Pick<Impact, 'deployments' | 'spans' | 'window'>,
  now: Instant,
): readonly EndpointImpact[] => {
  const { deployments, spans } = impact;
  const during = deploymentsDuring(impact);
  const ids = new Set([
    ...deployments.map(({ deployment }) => deployment.endpointId),
    ...spans.map(({ endpointId }) => endpointId),
  ]);
  return [...ids]
    .map((endpointId) => {
      const believed = during.filter(({ deployment }) => deployment.endpointId === endpointId);
      const answered = spans.filter((span) => span.endpointId === endpointId);
      const ends = believed.map(({ endedAt }) => endedAt);
      const active = deployments.filter(
        ({ deployment, role, startedAt, endedAt }) =>
          deployment.endpointId === endpointId &&
          role !== 'SHADOW' &&
          startedAt <= now &&
          (endedAt === null || endedAt > now),
      );
      const share = active.reduce((sum, { trafficShare }) => sum + trafficShare, 0);
      return {
        endpointId,
        deployedFrom: smallest(believed.map(({ startedAt }) => startedAt)),
        deployedTo: ends.includes(null) ? null : largest(ends.filter((end) => end !== null)),
        answeredFrom: smallest(answered.map(({ firstAt }) => firstAt)),
        answeredTo: largest(answered.map(({ lastAt }) => lastAt)),
        predictions: totalOf(answered),
        activeTrafficShare: Math.min(1, share),
      };
    })
    .sort(
      (a, b) =>
        Number(b.activeTrafficShare > 0) - Number(a.activeTrafficShare > 0) ||
        b.predictions.estimated - a.predictions.estimated ||
        a.endpointId - b.endpointId,
    );
};
