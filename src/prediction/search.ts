import {
  type BoundedCount,
  BoundedCountRef,
  checkCountLimit,
  countArguments,
  countUpTo,
} from '../platform/bounded-count.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { OrderDirection } from '../platform/order-direction.ts';
import {
  connectionType,
  type Page,
  type PageArguments,
  pageArguments,
  pageCost,
  pageRequest,
} from '../platform/pagination.ts';
import { ModelVersionRef } from '../registry/model-version.ts';
import { EndpointRef } from '../serving/endpoint.ts';
import { type CountEstimate, CountEstimateRef } from './count-estimate.ts';
import { windowOf } from './filter-bound.ts';
import { givenMembers } from './filter-parts.ts';
import {
  MAX_WINDOW_DAYS,
  type PredictionFilter,
  PredictionLogFilter,
} from './prediction-filter-input.ts';
import { type PredictionLog, PredictionLogRef } from './prediction-log.ts';
import { resolveFilter } from './resolve-filter.ts';
import type { Window } from './rollups.ts';
import type { Search, SearchOrder } from './search-order.ts';
import { countMatches, estimateMatches, searchPage } from './search-page.ts';
import { searchedVersions } from './searched-versions.ts';
import { allOf, type Condition } from './sql-condition.ts';

/** What a page of predictions tells beside itself. */
interface Searched {
  readonly count: (limit: number) => Promise<BoundedCount>;
  /** When the predictions that were searched were made. */
  readonly window: Window;
  readonly estimate: (limit: number) => Promise<CountEstimate | null>;
}

export const PredictionLogConnection = connectionType<PredictionLog, Searched>(
  PredictionLogRef,
  'PredictionLog',
  'predictions',
);

builder.objectFields(PredictionLogConnection, (t) => ({
  count: t.field({
    type: BoundedCountRef,
    description:
      'Number of matching predictions on all pages that are recorded, counted up to a bound: the log is too large to be counted for a page.',
    args: countArguments,
    resolve: ({ count }, { limit }) => count(limit),
  }),
  estimate: t.field({
    type: CountEstimateRef,
    nullable: true,
    description:
      'How many predictions those that match stand for where services sample; null when more than `limit` match.',
    args: countArguments,
    resolve: ({ estimate }, { limit }) => estimate(limit),
  }),
}));

/** A page of the predictions of a search. */
export const predictionPage = async (
  { database }: Context,
  search: Search,
  order: SearchOrder,
  args: PageArguments,
  window: Window,
): Promise<Page<PredictionLog> & Searched> => ({
  window,
  ...(await searchPage(database, search, order, pageRequest(args))),
  count: (limit) =>
    countUpTo(limit, (stopAfter) => countMatches(database, search.condition, stopAfter)),
  estimate: async (limit) => {
    checkCountLimit(limit);
    return estimateMatches(database, search.condition, limit);
  },
});

const OrderField = builder.enumType('PredictionLogOrderField', {
  description: 'Fields that order predictions.',
  values: {
    OCCURRED_AT: { description: 'When the model answered.' },
    RECORDED_AT: {
      description:
        'When Hindcast stored the record. Of records stored at the same moment, one may become visible a little after those with a later time.',
    },
  } as const,
});

const PredictionLogOrder = builder.inputType('PredictionLogOrder', {
  description:
    'Order of predictions. Those of the same instant are ordered by request ID in byte order, endpoint and item.',
  fields: (t) => ({
    field: t.field({ type: OrderField, required: true, description: 'Field to order by.' }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'DESC',
      description: 'Direction.',
    }),
  }),
});

/** The argument `orderBy` of every list of predictions. */
export const orderByArgument = {
  type: PredictionLogOrder,
  required: true,
  defaultValue: { field: 'OCCURRED_AT', direction: 'DESC' },
  description: 'Order of the list.',
} as const;

const BOUND = `\`occurredAt\` with both ends at most ${MAX_WINDOW_DAYS} days apart, \`entityKeys\`, \`requestIds\` or \`traceId\``;

const STABLE =
  'Pages stay in place while predictions are appended: what was there when paging began comes exactly once.';

builder.queryField('predictionLogs', (t) =>
  t.field({
    type: PredictionLogConnection,
    nullable: true,
    description: `Searches the prediction log. The filter must give ${BOUND}. ${STABLE}`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({
        type: PredictionLogFilter,
        required: true,
        description: 'Which predictions.',
      }),
      orderBy: t.arg(orderByArgument),
    },
    resolve: async (_, { filter, orderBy, ...args }, context) => {
      const condition = await resolveFilter(context, filter, { mustBeBounded: true });
      const versions = await searchedVersions(context.database, filter);
      return predictionPage(context, { condition, versions }, orderBy, args, windowOf(filter));
    },
  }),
);

/** An index holds the predictions of a version by time, so that alone needs no bound. */
const isInIndex = (filter: PredictionFilter, { field }: SearchOrder): boolean =>
  field === 'OCCURRED_AT' && givenMembers(filter).every((name) => name === 'occurredAt');

builder.objectField(ModelVersionRef, 'predictions', (t) =>
  t.field({
    type: PredictionLogConnection,
    description: `Predictions made by this version. A filter on more than \`occurredAt\`, and the order RECORDED_AT, must give ${BOUND}. ${STABLE}`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({ type: PredictionLogFilter, description: 'Which of them.' }),
      orderBy: t.arg(orderByArgument),
    },
    resolve: async ({ id }, { filter, orderBy, ...args }, context) => {
      const which = filter ?? {};
      const matches = await resolveFilter(context, which, {
        mustBeBounded: !isInIndex(which, orderBy),
      });
      const ofVersion: Condition = (parameter) => `l.model_version_id = ${parameter(id, 'int')}`;
      const condition = allOf([ofVersion, matches]);
      return predictionPage(
        context,
        { condition, versions: null },
        orderBy,
        args,
        windowOf(filter),
      );
    },
  }),
);

builder.objectField(EndpointRef, 'predictions', (t) =>
  t.field({
    type: PredictionLogConnection,
    description: `Predictions returned by this endpoint. The filter must give ${BOUND}. ${STABLE}`,
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({
        type: PredictionLogFilter,
        required: true,
        description: 'Which of them.',
      }),
      orderBy: t.arg(orderByArgument),
    },
    resolve: async ({ id }, { filter, orderBy, ...args }, context) => {
      const matches = await resolveFilter(context, filter, { mustBeBounded: true });
      const ofEndpoint: Condition = (parameter) => `l.endpoint_id = ${parameter(id, 'int')}`;
      const condition = allOf([ofEndpoint, matches]);
      const versions = await searchedVersions(context.database, filter);
      return predictionPage(context, { condition, versions }, orderBy, args, windowOf(filter));
    },
  }),
);
