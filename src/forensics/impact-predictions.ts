import { refuseArguments } from '../platform/bad-user-input.ts';
import type { Context } from '../platform/context.ts';
import { formatInstant } from '../platform/instant.ts';
import type { PageArguments } from '../platform/pagination.ts';
import { MAX_WINDOW_DAYS, type PredictionFilter } from '../prediction/prediction-filter-input.ts';
import { resolveFilter } from '../prediction/resolve-filter.ts';
import { predictionPage } from '../prediction/search.ts';
import type { SearchOrder } from '../prediction/search-order.ts';
import { allOf, type Condition, fixed } from '../prediction/sql-condition.ts';
import type { Impact } from './impact.ts';
import { extentOf } from './impact-entities.ts';

const DAY = 86_400_000_000;

/** A page of the affected predictions that a filter matches. What is counted says which versions and times to read. */
export const affectedPredictions = async (
  context: Context,
  impact: Impact,
  filter: PredictionFilter,
  order: SearchOrder,
  args: PageArguments,
) => {
  const matches = await resolveFilter(context, filter, { mustBeBounded: false });
  const extent = extentOf(impact);
  if (extent === null) {
    return predictionPage(
      context,
      { condition: fixed('FALSE'), versions: null },
      order,
      args,
      impact.window,
    );
  }
  const days = Math.ceil((extent.to - extent.from) / DAY);
  if (days > MAX_WINDOW_DAYS) {
    const message = `The affected predictions span ${days} days; they are listed of at most ${MAX_WINDOW_DAYS}. Give \`from\` and \`to\`.`;
    refuseArguments([{ path: ['during'], message }]);
  }
  const versions = [...new Set(impact.spans.map(({ modelVersionId }) => modelVersionId))];
  // The versions by themselves, because only they and the time are in an index.
  const within: Condition = (parameter) =>
    `l.model_version_id = ANY(${parameter(versions, 'int[]')})
      AND l.occurred_at >= ${parameter(formatInstant(extent.from), 'timestamptz')}
      AND l.occurred_at < ${parameter(formatInstant(extent.to), 'timestamptz')}`;
  const condition = allOf([within, impact.condition, matches]);
  return predictionPage(context, { condition, versions }, order, args, extent);
};
