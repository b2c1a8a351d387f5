import type { Context } from '../platform/context.ts';
import {
  PREDICTION_COLUMNS,
  type PredictionLog,
  type PredictionRow,
  predictionOf,
} from '../prediction/prediction-log.ts';
import { predictionLookUp } from '../prediction/prediction-look-up.ts';
import {
  archivedOf,
  keyOf,
  onlyOne,
  type PredictionLogReference,
} from '../prediction/prediction-reference.ts';
import type { LifecycleFact } from '../registry/lifecycle.ts';
import { lifecycleLength, lifecycleOf, lifecycleOfLength } from '../registry/lifecycle-history.ts';
import {
  deploymentFactCount,
  deploymentsOf,
  deploymentsOfLength,
} from '../serving/deployment-history.ts';
import type { DeploymentHistory } from '../serving/timeline.ts';

/** What happened to what answered: all that is recorded of it, whenever. */
export interface ServingHistories {
  /** Stages of the version that answered. */
  readonly transitions: readonly LifecycleFact[];
  /** Deployments on the endpoint that was called. */
  readonly deployments: readonly DeploymentHistory[];
}

interface Row extends PredictionRow {
  readonly transition_count: number;
  readonly fact_count: number;
}

const lookUp = predictionLookUp<Row>(
  'traced',
  `${PREDICTION_COLUMNS}, ${lifecycleLength('l.model_version_id')} AS transition_count,
  ${deploymentFactCount('l.endpoint_id')} AS fact_count`,
);

/** The prediction that a reference names, with its histories; null when there is none. One statement on a warm process. */
export const findTraced = async (
  context: Context,
  reference: PredictionLogReference,
): Promise<(ServingHistories & { readonly prediction: PredictionLog }) | null> => {
  const { database } = context;
  const key = await keyOf(context, reference);
  if (key === null) return null;
  const row = onlyOne(key, await lookUp(database, key), (one) => one.occurred_at);
  if (row === null) {
    const prediction = await archivedOf(context, key);
    return prediction && { prediction, ...(await historiesOf(context, prediction)) };
  }
  return {
    prediction: predictionOf(row),
    transitions: await lifecycleOfLength(database, row.model_version_id, row.transition_count),
    deployments: await deploymentsOfLength(database, row.endpoint_id, row.fact_count),
  };
};

/** The histories of a prediction that was read without them: two statements for all predictions of a request. */
export const historiesOf = async (
  context: Context,
  { modelVersionId, endpointId }: PredictionLog,
): Promise<ServingHistories> => {
  const [transitions, deployments] = await Promise.all([
    lifecycleOf(context).load(modelVersionId),
    deploymentsOf(context).load(endpointId),
  ]);
  return { transitions, deployments };
};
