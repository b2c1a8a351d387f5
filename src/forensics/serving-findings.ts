import { formatInstant } from '../platform/instant.ts';
import { type LifecycleStage, stageAt } from '../registry/lifecycle.ts';
import { type DeploymentBelief, deploymentsAt, stagesThatMayServe } from '../serving/timeline.ts';
import { type Finding, listed } from './finding.ts';
import type { TraceEvidence } from './trace-evidence.ts';

/** What the registry believed at that moment, held against what the log shows. */
export const servingFindings = (evidence: TraceEvidence): readonly Finding[] => [
  ...notDeployed(evidence),
  ...notServable(evidence),
  ...revokedSince(evidence),
];

const notDeployed = ({
  deployment,
  deployments,
  endpoint,
  prediction,
  knownAt,
  release,
  releases,
}: TraceEvidence): readonly Finding[] => {
  if (deployment !== null) return [];
  const inForce = deploymentsAt(deployments, prediction.occurredAt, knownAt);
  return [
    {
      code: 'DEPLOYMENT_MISMATCH',
      severity: 'ERROR',
      message: `${release} answered on ${endpoint.environment}/${endpoint.name} at ${formatInstant(prediction.occurredAt)}, but was not on record as deployed there. ${believed(inForce, releases)}`,
      subject: { type: 'Endpoint', key: `${endpoint.environment}/${endpoint.name}` },
    },
  ];
};

const believed = (
  inForce: readonly DeploymentBelief[],
  releases: ReadonlyMap<number, string>,
): string => {
  if (inForce.length === 0) return 'Nothing was.';
  const described = inForce.map(
    ({ role, trafficShare, deployment }) =>
      `${releases.get(deployment.modelVersionId) ?? 'an unknown version'} as ${role} (${Math.round(trafficShare * 10_000) / 100} %)`,
  );
  return `On record: ${listed(described)}.`;
};

const notServable = ({
  deployment,
  stage,
  version,
  release,
  prediction,
}: TraceEvidence): readonly Finding[] => {
  const allowed: readonly LifecycleStage[] =
    deployment === null ? ['STAGING', 'PRODUCTION'] : stagesThatMayServe(deployment.role);
  if (stage !== null && allowed.includes(stage)) return [];
  const state = stage === null ? 'not registered yet' : `in stage ${stage}`;
  const need = deployment === null ? 'Serving' : `Serving as ${deployment.role}`;
  return [
    {
      code: 'STAGE_NOT_SERVABLE',
      severity: 'ERROR',
      message: `${release} was ${state} at ${formatInstant(prediction.occurredAt)}. ${need} needs ${allowed.join(' or ')}.`,
      subject: { type: 'ModelVersion', key: version.digest },
    },
  ];
};

const revokedSince = ({
  stage,
  transitions,
  knownAt,
  version,
  release,
}: TraceEvidence): readonly Finding[] => {
  if (stage === 'REVOKED' || stageAt(transitions, knownAt, knownAt) !== 'REVOKED') return [];
  const revocation = transitions.findLast(
    ({ to, recordedAt }) => to === 'REVOKED' && recordedAt <= knownAt,
  );
  const details =
    revocation === undefined
      ? ''
      : ` at ${formatInstant(revocation.occurredAt)} by ${revocation.actor}: ${revocation.reason}`;
  return [
    {
      code: 'REVOKED_SINCE',
      severity: 'WARNING',
      message: `${release} has been revoked since${details}`,
      subject: { type: 'ModelVersion', key: version.digest },
    },
  ];
};
