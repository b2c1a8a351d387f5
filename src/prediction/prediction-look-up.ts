import DataLoader from 'dataloader';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import {
  LOGGED,
  LOGGED_OF_REQUEST,
  type PredictionIdentity,
  type PredictionRow,
} from './prediction-log.ts';

/** What is known of a prediction that is looked for. */
export type PredictionKey = Omit<PredictionIdentity, 'occurredAt'> & {
  /** Null when it is not known: then there may be several. */
  readonly occurredAt: PredictionIdentity['occurredAt'] | null;
};

/** Most rows that one key finds: enough to show that it is ambiguous. */
const MOST = 11;

/** Most keys in one statement. */
const BATCH = 100;

/** For one key: so Citus asks the one node that has it, and all nodes for several. */
const textOfOne = (columns: string, hasTime: boolean): string =>
  // The time as a sub-select, for the same reason as below.
  `SELECT 1 AS place, ${columns} FROM (
      SELECT ${LOGGED_OF_REQUEST} FROM prediction_log l WHERE l.request_id = $1 AND l.endpoint_id = $2 AND l.item = $3
        ${hasTime ? 'AND l.occurred_at = (SELECT $4::timestamptz)' : ''} ORDER BY l.occurred_at LIMIT ${MOST}) l
    ORDER BY l.occurred_at`;

const textOf = (columns: string, hasTime: boolean): string => {
  const keys = ['request_id', 'endpoint_id', 'item', ...(hasTime ? ['occurred_at'] : [])].join(
    ', ',
  );
  // As sub-selects, which hide how many keys there are: where the planner knows, it plans every time anew, at several times
  // the cost of looking up.
  const arrays = ['text', 'int', 'int', ...(hasTime ? ['timestamptz'] : [])]
    .map((type, index) => `(SELECT $${index + 1}::${type}[])`)
    .join(', ');
  const wanted = `JOIN unnest(${arrays}) WITH ORDINALITY AS w (${keys}, place)
    USING (${keys})`;
  // The rank is taken among rows of one request, so that where the log is distributed each part can tell it.
  const rank = 'row_number() OVER (PARTITION BY l.request_id, w.place ORDER BY l.occurred_at)';
  return `SELECT l.place, ${columns} FROM (
      SELECT ${LOGGED}, w.place::int AS place, ${rank} AS rank FROM prediction_log l ${wanted} OFFSET 0) l
    WHERE l.rank <= ${MOST} ORDER BY l.place, l.occurred_at`;
};

/**
 * Looks up rows of the log, by columns as `PREDICTION_COLUMNS` are, with one statement for everything that is looked for at
 * the same time, by whichever request: sending a statement and beginning with it costs more than the look-up itself.
 */
export const predictionLookUp = <Row extends PredictionRow>(name: string, columns: string) => {
  const loaderOf = (database: Database, hasTime: boolean) => {
    const by = hasTime ? 'identity' : 'request';
    const ofOne = { name: `${name}_by_one_${by}`, text: textOfOne(columns, hasTime) };
    const ofAll = { name: `${name}_by_${by}`, text: textOf(columns, hasTime) };
    return new DataLoader<PredictionKey, readonly Row[]>(
      async (keys) => {
        const values = [
          keys.map(({ requestId }) => requestId),
          keys.map(({ endpointId }) => endpointId),
          keys.map(({ item }) => item),
          ...(hasTime ? [keys.map(({ occurredAt }) => formatInstant(occurredAt ?? 0))] : []),
        ];
        const isOne = keys.length === 1;
        const rows = await database.query<Row & { readonly place: number }>(
          isOne ? { ...ofOne, values: values.flat() } : { ...ofAll, values },
        );
        const found = keys.map((): Row[] => []);
        for (const row of rows) found[row.place - 1]?.push(row);
        return found;
      },
      // After everything that arrived meanwhile was read.
      { cache: false, maxBatchSize: BATCH, batchScheduleFn: (dispatch) => setImmediate(dispatch) },
    );
  };
  const loaders = new WeakMap<
    Database,
    readonly [ReturnType<typeof loaderOf>, ReturnType<typeof loaderOf>]
  >();
  return (database: Database, key: PredictionKey): Promise<readonly Row[]> => {
    const made = loaders.get(database) ?? [loaderOf(database, false), loaderOf(database, true)];
    loaders.set(database, made);
    return made[key.occurredAt === null ? 0 : 1].load(key);
  };
};
