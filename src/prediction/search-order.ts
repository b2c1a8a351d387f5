import { formatInstant } from '../platform/instant.ts';
import type { PredictionIdentity, PredictionLog } from './prediction-log.ts';
import { allOf, type Condition, parameterList } from './sql-condition.ts';

/** Which predictions. */
export interface Search {
  /** On rows `l` of the log. */
  readonly condition: Condition;
  /** Versions whose predictions are read side by side, each by time; null when all are read and sorted. */
  readonly versions: readonly number[] | null;
}

export interface SearchOrder {
  readonly field: 'OCCURRED_AT' | 'RECORDED_AT';
  readonly direction: 'ASC' | 'DESC';
}

// Either ends in the whole identity, so that no two rows have the same place.
const SORT_COLUMNS = {
  OCCURRED_AT: ['l.occurred_at', 'l.request_id', 'l.endpoint_id', 'l.item'],
  RECORDED_AT: ['l.recorded_at', 'l.occurred_at', 'l.request_id', 'l.endpoint_id', 'l.item'],
} as const;

/** What places a prediction in the order of time. */
export const timeKey = ({
  occurredAt,
  requestId,
  endpointId,
  item,
}: PredictionIdentity): readonly string[] => [
  String(occurredAt),
  requestId,
  String(endpointId),
  String(item),
];

export const sortKey =
  ({ field }: SearchOrder) =>
  (prediction: PredictionLog): readonly string[] =>
    field === 'OCCURRED_AT'
      ? timeKey(prediction)
      : [String(prediction.recordedAt), ...timeKey(prediction)];

const INSTANT = /^-?\d{1,16}$/;

const isInteger = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31;

export interface Place {
  readonly instants: readonly number[];
  readonly requestId: string;
  readonly endpointId: number;
  readonly item: number;
}

/** Reads what `sortKey` wrote; null for anything else, such as a cursor of the other order. */
export const placeOf = ({ field }: SearchOrder, key: readonly string[]): Place | null => {
  const times = field === 'OCCURRED_AT' ? 1 : 2;
  const instants = key.slice(0, times);
  const [requestId = '', endpointId = '', item = ''] = key.slice(times);
  const isPlace =
    key.length === times + 3 &&
    instants.every((instant) => INSTANT.test(instant)) &&
    isInteger(endpointId) &&
    isInteger(item);
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

/**
 * The statement that reads `columns` of the first rows `l` of a search beyond a place. Side by side it reads as many of each
 * version as it may need, on the node that has them.
 */
export const orderedRows = (
  columns: string,
  { condition, versions }: Search,
  order: SearchOrder,
  isAscending: boolean,
  place: Place | null,
  limit: number,
): { readonly text: string; readonly values: readonly unknown[] } => {
  const { values, parameter } = parameterList();
  const conditions = place === null ? [] : [beyond(order, isAscending, place)];
  const where = allOf([condition, ...conditions])(parameter);
  const keys = SORT_COLUMNS[order.field].map(
    (column) => `${column} ${isAscending ? 'ASC' : 'DESC'}`,
  );
  const first = `ORDER BY ${keys.join(', ')} LIMIT ${limit}`;
  const select = `SELECT ${columns} FROM prediction_log l WHERE ${where}`;
  if (versions === null || versions.length === 0 || order.field === 'RECORDED_AT') {
    return { text: `${select} ${first}`, values };
  }
  const parts = versions.map(
    (id) => `(${select} AND l.model_version_id = ${parameter(id, 'int')} ${first})`,
  );
  return { text: `SELECT * FROM (${parts.join(' UNION ALL ')}) l ${first}`, values };
};
