import DataLoader from 'dataloader';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { LOGGED, type PredictionIdentity, type PredictionRow } from './prediction-log.ts';

/** What is known of a prediction that is looked for. */
export type PredictionKey = Omit<PredictionIdentity, 'occurredAt'> & {
  /** Null when it is not known: then there may be several. */
  readonly occurredAt: PredictionIdentity['occurredAt'] | null;
};

/** Most rows that one key finds: enough to show that it is ambiguous. */
const MOST = 11;

/** Most keys in one statement. */
const BATCH = 100;

const textOf = (columns: string, hasTime: boolean): string => {
  const keys = ['request_id', 'endpoint_id', 'item', ...(hasTime ? ['occurred_at'] : [])].join(
    ', ',
  );
  const times = hasTime ? ', $4::timestamptz[]' : '';
  const wanted = `JOIN unnest($1::text[], $2::int[], $3::int[]${times}) WITH ORDINALITY AS w (${keys}, place)
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
    const statement = {
      name: hasTime ? `${name}_by_identity` : `${name}_by_request`,
      text: textOf(columns, hasTime),
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
