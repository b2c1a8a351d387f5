import type { Context } from '../platform/context.ts';
import type { Instant } from '../platform/instant.ts';
import type { ModelVersion } from '../registry/model-version.ts';
import type { Endpoint } from './endpoint.ts';

/** A deployment that is about to start. */
export interface ProposedDeployment {
  readonly endpoint: Endpoint;
  readonly version: ModelVersion;
  /** When it starts; null for now. */
  readonly at: Instant | null;
}

/** Reasons why a deployment must not start unless somebody takes the responsibility; none when it may. */
export type DeploymentGuard = (
  context: Context,
  proposed: ProposedDeployment,
) => Promise<readonly string[]>;

const guards: DeploymentGuard[] = [];

/** Has every deployment looked at by those who know more than the registry, such as what the log shows. */
export const guardDeployments = (guard: DeploymentGuard): void => {
  guards.push(guard);
};

export const blockersOf: DeploymentGuard = async (context, proposed) =>
  (await Promise.all(guards.map((guard) => guard(context, proposed)))).flat();
