import { refuseArguments } from '../platform/bad-user-input.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { type Page, type PageRequest, pageOf } from '../platform/pagination.ts';
import { unstorableText } from '../platform/storable-text.ts';
import { type CountEstimate, ESTIMATE_NUMBERS } from './count-estimate.ts';
import { type PredictionLog, selectPredictions } from './prediction-log.ts';
import { allOf, type Condition, parameterList } from './sql-condition.ts';

export interface SearchOrder {
  readonly field: 'OCCURRED_AT' | 'RECORDED_AT';
  readonly direction: 'ASC' | 'DESC';
}

// Either ends in the whole identity, so that no two rows have the same place.
const SORT_COLUMNS = {
  OCCURRED_AT: ['l.occurred_at', 'l.request_id', 'l.endpoint_id', 'l.item'],
  RECORDED_AT: ['l.recorded_at', 'l.occurred_at', 'l.request_id', 'l.endpoint_id', 'l.item'],
} as const;

const sortKey =
  ({ field }: SearchOrder) =>
  ({ recordedAt, occurredAt, requestId, endpointId, item }: PredictionLog): readonly string[] => {
    const identity = [String(occurredAt), requestId, String(endpointId), String(item)];
    return field === 'OCCURRED_AT' ? identity : [String(recordedAt), ...identity];
  };

const INSTANT = /^-?\d{1,16}$/;

const isInteger = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31;

interface Place {
  readonly instants: readonly number[];
  readonly requestId: string;
  readonly endpointId: number;
  readonly item: number;
}

/** Reads what `sortKey` wrote; null for anything else, such as a cursor of the other order. */
const placeOf = ({ field }: SearchOrder, key: readonly string[]): Place | null => {
  const times = field === 'OCCURRED_AT' ? 1 : 2;
  const instants = key.slice(0, times);
  const [requestId = '', endpointId = '', item = ''] = key.slice(times);
  const isPlace =
    key.length === times + 3 &&
    instants.every((instant) => INSTANT.test(instant)) &&
    isInteger(endpointId) &&
    isInteger(item) &&
    unstorableText(requestId) === null;
  if (!isPlace) return null;
  return {
    instants: instants.map(Number),
    requestId,
    endpointId: Number(endpointId),
    item: Number(item),
  };
};

/** Only rows beyond a place. The bare comparison of times lets the planner skip partitions; it cannot with rows. */
const beyond =
  (order: SearchOrder, isAscending: boolean, place: Place): Condition =>
  (parameter) => {
    const [first, ...others] = place.instants.map((instant) =>
      parameter(formatInstant(instant), 'timestamptz'),
    );
    const key = [
      first,
      ...others,
      parameter(place.requestId, 'text'),
      parameter(place.endpointId, 'int'),
      parameter(place.item, 'int'),
    ];
    const columns = SORT_COLUMNS[order.field];
    const operator = isAscending ? '>' : '<';
    return `${columns[0]} ${operator}= ${first} AND (${columns.join(', ')}) ${operator} (${key.join(', ')})`;
  };

/** One page, in one statement. */
export const searchPage = async (
  database: Database,
  condition: Condition,
  order: SearchOrder,
  request: PageRequest,
): Promise<Page<PredictionLog>> => {
  const isAscending = (order.direction === 'ASC') !== request.isBackward;
  const place = request.from === null ? null : placeOf(order, request.from);
  if (request.from !== null && place === null) {
    const message = `The cursor is not of a list ordered by ${order.field}; pass one that this list returned.`;
    refuseArguments([{ path: [request.isBackward ? 'before' : 'after'], message }]);
  }
  const { values, parameter } = parameterList();
  const conditions = place === null ? [] : [beyond(order, isAscending, place)];
  const where = allOf([condition, ...conditions])(parameter);
  const keys = SORT_COLUMNS[order.field].map(
    (column) => `${column} ${isAscending ? 'ASC' : 'DESC'}`,
  );
  const rows = await selectPredictions(
    database,
    null,
    `WHERE ${where} ORDER BY ${keys.join(', ')} LIMIT ${request.limit + 1}`,
    values,
  );
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
