import { builder } from '../platform/builder.ts';
import { assertNoIssues } from '../platform/errors.ts';
import { formatInstant } from '../platform/instant.ts';
import { collectIssues } from '../platform/issues.ts';
import { ModelVersionReferenceInput } from '../registry/model-version.ts';
import { FUTURE_TOLERANCE } from '../registry/transition.ts';
import { DeploymentEndReasonEnum, DeploymentRef, DeploymentRoleEnum } from './deployment-type.ts';
import { EndpointRouteInput } from './endpoint.ts';

export const StartDeploymentInput = builder.inputType('StartDeploymentInput', {
  description: 'A deployment to start.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointRouteInput,
      required: true,
      description: 'Endpoint; created when new.',
    }),
    modelVersion: t.field({
      type: ModelVersionReferenceInput,
      required: true,
      description: 'Version to serve.',
    }),
    role: t.field({
      type: DeploymentRoleEnum,
      required: true,
      defaultValue: 'PRIMARY',
      description:
        'How its answers are used. PRIMARY needs the stage PRODUCTION; CANARY and SHADOW need STAGING or PRODUCTION.',
    }),
    trafficShare: t.float({
      required: true,
      defaultValue: 1,
      description:
        "Share of the endpoint's requests, from 0 to 1. Those of PRIMARY and CANARY never exceed 1 together.",
    }),
    startedAt: t.field({
      type: 'DateTime',
      description:
        'When it started, to the millisecond, if it is recorded late; now when omitted. At most 5 minutes ahead.',
    }),
    replaces: t.globalIDList({
      for: DeploymentRef,
      description: 'Deployments of this endpoint that it takes over from: they end when it starts.',
    }),
    endReason: t.field({
      type: DeploymentEndReasonEnum,
      required: true,
      defaultValue: 'SUPERSEDED',
      description: 'Why the replaced deployments end.',
    }),
    reason: t.string({
      required: true,
      defaultValue: '',
      description: 'Why; kept in the audit trail. At most 2000 characters.',
    }),
    overrideReason: t.string({
      description:
        'Why it starts although a rollback check is against it; recorded when one is. 1 to 2000 characters.',
    }),
  }),
});

export type StartSource = typeof StartDeploymentInput.$inferInput;

/** Refuses what no deployment may be, everything at once. */
export const checkStart = ({
  endpoint,
  trafficShare,
  startedAt,
  reason,
  overrideReason,
}: StartSource): void => {
  const issues = collectIssues();
  issues.name(['input', 'endpoint', 'name'], endpoint.name);
  issues.name(['input', 'endpoint', 'environment'], endpoint.environment);
  if (endpoint.environment.includes('/')) {
    issues.add(
      ['input', 'endpoint', 'environment'],
      `environment is ${JSON.stringify(endpoint.environment)}; it may not hold a slash.`,
    );
  }
  if (!(trafficShare >= 0 && trafficShare <= 1)) {
    issues.add(
      ['input', 'trafficShare'],
      `trafficShare is ${trafficShare}; give a number from 0 to 1.`,
    );
  }
  if (startedAt != null && startedAt > Date.now() * 1000 + FUTURE_TOLERANCE) {
    issues.add(
      ['input', 'startedAt'],
      `startedAt is ${formatInstant(startedAt)}, more than 5 minutes ahead; record a deployment when it has started.`,
    );
  }
  issues.text(['input', 'reason'], reason);
  if (overrideReason != null) {
    issues.text(['input', 'overrideReason'], overrideReason);
    if (overrideReason.trim() === '') {
      issues.add(['input', 'overrideReason'], 'overrideReason is empty; say why, or leave it out.');
    }
  }
  assertNoIssues(issues.list);
};
