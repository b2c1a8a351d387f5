import { brokenLinks } from '../registry/lifecycle.ts';
import type { ModelVersion } from '../registry/model-version.ts';
import { brokenDeploymentFacts, type DeploymentHistory } from '../serving/timeline.ts';
import type { ServingHistories } from './traced-prediction.ts';

/** Facts of the histories behind a trace that do not fit the chains of their digests, by their sequences. */
export interface AlteredHistories {
  readonly transitions: readonly number[];
  readonly deployments: readonly {
    readonly deployment: DeploymentHistory;
    readonly facts: readonly number[];
  }[];
}

const brokenDeployments = (
  deployments: readonly DeploymentHistory[],
): AlteredHistories['deployments'] =>
  deployments
    .map((deployment) => ({ deployment, facts: brokenDeploymentFacts(deployment) }))
    .filter(({ facts }) => facts.length > 0);

const knownTransitions = new WeakMap<object, AlteredHistories['transitions']>();
const knownDeployments = new WeakMap<object, AlteredHistories['deployments']>();

/** Computed once for histories that are kept in memory. */
const once = <Key extends object, Value>(
  known: WeakMap<object, Value>,
  key: Key,
  compute: (key: Key) => Value,
): Value => {
  const value = known.get(key) ?? compute(key);
  known.set(key, value);
  return value;
};

/** What was altered of the stages of the version that answered, and of the deployments on its endpoint. */
export const alteredHistories = (
  { transitions, deployments }: ServingHistories,
  { digest }: Pick<ModelVersion, 'digest'>,
): AlteredHistories => ({
  transitions: once(knownTransitions, transitions, (facts) => brokenLinks(digest, facts)),
  deployments: once(knownDeployments, deployments, brokenDeployments),
});
