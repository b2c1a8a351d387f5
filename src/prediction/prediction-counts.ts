import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { ModelVersionRef } from '../registry/model-version.ts';
import { EndpointRef } from '../serving/endpoint.ts';
import { type CountEstimate, CountEstimateRef, totalOf } from './count-estimate.ts';
import { answeredSpans } from './rollups.ts';

const COST = 10;

const HOW = 'from hourly counts, so its cost does not grow with their number';

const duringArgument = {
  type: TimeWindowInput,
  description: 'Only predictions of this window; all when omitted.',
} as const;

const countOf = async (
  database: Database,
  column: 'model_version_id' | 'endpoint_id',
  id: number,
  during: typeof TimeWindowInput.$inferInput | null | undefined,
): Promise<CountEstimate> => {
  const window = { from: during?.from ?? null, to: during?.to ?? null };
  return totalOf(
    await answeredSpans(database, (parameter) => `${column} = ${parameter(id, 'int')}`, window),
  );
};

builder.objectField(ModelVersionRef, 'predictionEstimate', (t) =>
  t.field({
    type: CountEstimateRef,
    description: `How many predictions the version made: ${HOW}.`,
    complexity: COST,
    args: { during: t.arg(duringArgument) },
    resolve: ({ id }, { during }, { database }) =>
      countOf(database, 'model_version_id', id, during),
  }),
);

builder.objectField(EndpointRef, 'predictionEstimate', (t) =>
  t.field({
    type: CountEstimateRef,
    description: `How many predictions the endpoint returned: ${HOW}.`,
    complexity: COST,
    args: { during: t.arg(duringArgument) },
    resolve: ({ id }, { during }, { database }) => countOf(database, 'endpoint_id', id, during),
  }),
);
