import DataLoader from 'dataloader';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { logRows, type PredictionIdentity, type PredictionRow } from './prediction-log.ts';

/** What is known of a prediction that is looked for. */
export type PredictionKey = Omit<PredictionIdentity, 'occurredAt'> & {
  /** Null when it is not known: then there may be several. */
  readonly occurredAt: PredictionIdentity['occurredAt'] | null;
};

/** Most rows that one key finds: enough to show that it is ambiguous. */
const MOST = 11;

/** Most keys in one statement. */
const BATCH = 100;

// Ranked, so that a key with too many rows leaves the others theirs. An identity finds one at most.
const OF_TIME = 'AND l.occurred_at = w.occurred_at';
const RANKED = `ORDER BY row_number() OVER (PARTITION BY w.place ORDER BY l.occurred_at) LIMIT ${MOST * BATCH}`;

// Parameters as sub-selects hide how many keys there are. Where the planner knows, a plan of its own looks cheaper to it each
// time, and planning takes seven times as long as looking up.
const ROWS = (columns: string, hasTime: boolean): string =>
  `SELECT l.place, ${columns} FROM ${logRows(
    `unnest((SELECT $1::text[]), (SELECT $2::int[]), (SELECT $3::int[])${hasTime ? ', (SELECT $4::timestamptz[])' : ''})
    WITH ORDINALITY AS w (request_id, endpoint_id, item${hasTime ? ', occurred_at' : ''}, place)
  JOIN prediction_log l ON l.request_id = w.request_id AND l.endpoint_id = w.endpoint_id AND l.item = w.item
    ${hasTime ? OF_TIME : RANKED}`,
    ', w.place::int AS place',
  )}`;

/**
 * Looks up rows of the log by `columns` of `l`, with one statement for everything that is looked for at the same time,
 * by whichever request: sending a statement and beginning with it costs more than the look-up itself.
 */
export const predictionLookUp = <Row extends PredictionRow>(name: string, columns: string) => {
  const loaderOf = (database: Database, hasTime: boolean) => {
    const statement = {
      name: hasTime ? `${name}_by_identity` : `${name}_by_request`,
      text: ROWS(columns, hasTime),
    };
    return new DataLoader<PredictionKey, readonly Row[]>(
      async (keys) => {
        const times = keys.map(({ occurredAt }) => formatInstant(occurredAt ?? 0));
        const rows = await database.query<Row & { readonly place: number }>({
          ...statement,
          values: [
            keys.map(({ requestId }) => requestId),
            keys.map(({ endpointId }) => endpointId),
            keys.map(({ item }) => item),
            ...(hasTime ? [times] : []),
          ],
        });
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
