import { digestOf } from '../platform/canonical-json.ts';
import { END_OF_TIME, formatInstant, type Instant, nowAfter } from '../platform/instant.ts';
import { remembered } from '../platform/remembered.ts';
import type { LifecycleStage } from '../registry/lifecycle.ts';

export type DeploymentRole = 'PRIMARY' | 'CANARY' | 'SHADOW';
export type DeploymentEndReason = 'SUPERSEDED' | 'ROLLED_BACK' | 'REVOKED' | 'RETIRED';

/** What was believed of a deployment from `recordedAt` on: its whole interval, half open. */
export interface DeploymentFact {
  /** Position in the order of recording, from 1. */
  readonly sequence: number;
  /** Share of the endpoint's requests, from 0 to 1. */
  readonly trafficShare: number;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly endReason: DeploymentEndReason | null;
  /** A retracted deployment never was. */
  readonly isRetracted: boolean;
  readonly reason: string;
  readonly actor: string;
  readonly recordedAt: Instant;
  readonly digest: string;
  readonly previousDigest: string | null;
  /** Why it was started although a check was against it. */
  readonly overrideReason: string | null;
}

/** A deployment: what never changes, and every fact about it in the order of recording. */
export interface DeploymentHistory {
  readonly id: number;
  readonly publicId: string;
  readonly endpointId: number;
  readonly modelVersionId: number;
  readonly role: DeploymentRole;
  readonly predecessorId: number | null;
  readonly recordedAt: Instant;
  readonly facts: readonly DeploymentFact[];
}

/** A deployment as believed at one record time. */
export interface DeploymentBelief extends DeploymentFact {
  readonly deployment: DeploymentHistory;
  readonly role: DeploymentRole;
}

/** Each fact of a deployment as what was believed from then on, in the order of recording. */
const beliefsOf = remembered((deployment: DeploymentHistory): readonly DeploymentBelief[] =>
  deployment.facts.map((fact) => ({ ...fact, deployment, role: deployment.role })),
);

/** What was believed of a deployment; null when it was not on record yet, or had been retracted. */
export const beliefAt = (
  deployment: DeploymentHistory,
  knownAt: Instant = END_OF_TIME,
): DeploymentBelief | null => {
  const belief = beliefsOf(deployment).findLast(({ recordedAt }) => recordedAt <= knownAt);
  return belief === undefined || belief.isRetracted ? null : belief;
};

const isInForce = ({ startedAt, endedAt }: DeploymentFact, at: Instant): boolean =>
  startedAt <= at && (endedAt === null || at < endedAt);

const ROLE_ORDER: readonly DeploymentRole[] = ['PRIMARY', 'CANARY', 'SHADOW'];

/** Deployments in force at an instant as believed at another: by role, then by start. */
export const deploymentsAt = (
  histories: readonly DeploymentHistory[],
  at: Instant,
  knownAt?: Instant,
): readonly DeploymentBelief[] =>
  histories
    .map((deployment) => beliefAt(deployment, knownAt))
    .filter((belief) => belief !== null)
    .filter((belief) => isInForce(belief, at))
    .sort(
      (a, b) =>
        ROLE_ORDER.indexOf(a.role) - ROLE_ORDER.indexOf(b.role) ||
        a.startedAt - b.startedAt ||
        a.deployment.id - b.deployment.id,
    );

/** Now, as far as histories tell. */
export const presentOf = (histories: readonly DeploymentHistory[]): Instant =>
  nowAfter(histories.flatMap(({ facts }) => facts.map(({ recordedAt }) => recordedAt)));

// Shares such as 0.1 + 0.9 are not exact in binary.
const SHARE_TOLERANCE = 1e-9;

/** The first instant at which callers would be served more than once. */
export interface ShareExcess {
  readonly at: Instant;
  readonly total: number;
  readonly deployments: readonly DeploymentBelief[];
}

/** Finds an instant at which the shares of PRIMARY and CANARY exceed the whole. Shadows answer nobody. */
export const shareExcess = (histories: readonly DeploymentHistory[]): ShareExcess | null => {
  const beliefs = histories.map((history) => beliefAt(history)).filter((belief) => belief !== null);
  // The sum can only rise where a deployment starts.
  const starts = [...new Set(beliefs.map(({ startedAt }) => startedAt))].sort((a, b) => a - b);
  for (const at of starts) {
    const deployments = beliefs.filter(
      (belief) => belief.role !== 'SHADOW' && isInForce(belief, at),
    );
    const total = deployments.reduce((sum, { trafficShare }) => sum + trafficShare, 0);
    if (total > 1 + SHARE_TOLERANCE) return { at, total, deployments };
  }
  return null;
};

/** Stages in which a version may be served in a role. */
export const stagesThatMayServe = (role: DeploymentRole): readonly LifecycleStage[] =>
  role === 'PRIMARY' ? ['PRODUCTION'] : ['STAGING', 'PRODUCTION'];

/** Digest of a fact: covers all of it, the deployment it is about, and the fact before it. */
export const deploymentFactDigest = (
  deployment: Pick<DeploymentHistory, 'publicId' | 'role'>,
  fact: Omit<DeploymentFact, 'digest'>,
): string =>
  digestOf({
    deployment: deployment.publicId,
    role: deployment.role,
    sequence: fact.sequence,
    trafficShare: fact.trafficShare,
    startedAt: formatInstant(fact.startedAt),
    endedAt: fact.endedAt === null ? null : formatInstant(fact.endedAt),
    endReason: fact.endReason,
    isRetracted: fact.isRetracted,
    reason: fact.reason,
    actor: fact.actor,
    recordedAt: formatInstant(fact.recordedAt),
    previous: fact.previousDigest,
    ...(fact.overrideReason === null ? {} : { overrideReason: fact.overrideReason }),
  });

/** Sequences of the facts that break a deployment's hash chain: altered, missing or inserted. */
export const brokenDeploymentFacts = (deployment: DeploymentHistory): readonly number[] =>
  deployment.facts
    .filter(
      (fact, index) =>
        fact.sequence !== index + 1 ||
        fact.previousDigest !== (deployment.facts[index - 1]?.digest ?? null) ||
        fact.digest !== deploymentFactDigest(deployment, fact),
    )
    .map(({ sequence }) => sequence);
