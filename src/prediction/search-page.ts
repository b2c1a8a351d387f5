import { refuseArguments } from '../platform/bad-user-input.ts';
import type { Database } from '../platform/database.ts';
import { type Page, type PageRequest, pageOf } from '../platform/pagination.ts';
import { type CountEstimate, ESTIMATE_NUMBERS } from './count-estimate.ts';
import { LOGGED, type PredictionLog, readPredictions } from './prediction-log.ts';
import { orderedRows, placeOf, type Search, type SearchOrder, sortKey } from './search-order.ts';
import { type Condition, parameterList } from './sql-condition.ts';

/** One page, in one statement. */
export const searchPage = async (
  database: Database,
  search: Search,
  order: SearchOrder,
  request: PageRequest,
): Promise<Page<PredictionLog>> => {
  const isAscending = (order.direction === 'ASC') !== request.isBackward;
  const place = request.from === null ? null : placeOf(order, request.from);
  if (request.from !== null && place === null) {
    const message = `The cursor is not of a list ordered by ${order.field}; pass one that this list returned.`;
    refuseArguments([{ path: [request.isBackward ? 'before' : 'after'], message }]);
  }
  const { text, values } = orderedRows(
    LOGGED,
    search,
    order,
    isAscending,
    place,
    request.limit + 1,
  );
  const rows = await readPredictions(database, null, text, values);
  return pageOf(request, rows, sortKey(order));
};

/** How many predictions the matching rows are and stand for; null when more than `limit` match. One statement. */
export const estimateMatches = async (
  database: Database,
  condition: Condition,
  limit: number,
): Promise<CountEstimate | null> => {
  const { values, parameter } = parameterList();
  const [row] = await database.query<{ count: bigint; estimated: number; variance: number }>({
    text: `SELECT count(*) AS count, ${ESTIMATE_NUMBERS} FROM
      (SELECT l.sampling_rate FROM prediction_log l WHERE ${condition(parameter)} LIMIT ${limit + 1}) matches`,
    values,
  });
  const count = Number(row?.count ?? 0n);
  return row === undefined || count > limit ? null : { ...row, count };
};

/** How many rows match, up to `stopAfter`. One statement. */
export const countMatches = async (
  database: Database,
  condition: Condition,
  stopAfter: number,
): Promise<number> => {
  const { values, parameter } = parameterList();
  const [row] = await database.query<{ count: bigint }>({
    text: `SELECT count(*) AS count FROM
      (SELECT 1 FROM prediction_log l WHERE ${condition(parameter)} LIMIT ${stopAfter}) matches`,
    values,
  });
  return Number(row?.count ?? 0n);
};
