import type { Logger } from 'pino';
import { type Database, RETRY_SECONDS } from '../platform/database.ts';
import { hasRoom } from '../platform/disk-room.ts';
import { formatInstant } from '../platform/instant.ts';
import { MigrationError, readMigrations, unappliedMigrations } from '../platform/migrate.ts';
import type { Replicas } from '../platform/replicas.ts';
import { type Route, sendJson } from './routes.ts';

type Readiness =
  | { readonly status: 'ready'; readonly replicas?: readonly object[] }
  | { readonly status: 'unavailable'; readonly reason: string };

/** How long the database may take to answer, in milliseconds. */
const PATIENCE = 2000;

const unavailable = (reason: string): Readiness => ({ status: 'unavailable', reason });

/** Whether the server can do its work. Checks asked for at once share one, so probes cannot pile up on a slow database. */
const readinessOf = (
  database: Database,
  replicas: Replicas | null,
  log: Logger,
): (() => Promise<Readiness>) => {
  const migrations = readMigrations();
  const check = async (): Promise<Readiness> => {
    try {
      const [mode] = await database.query<{ is_read_only: boolean }>({
        text: "SELECT current_setting('transaction_read_only')::boolean AS is_read_only",
      });
      if (mode?.is_read_only === true) return unavailable('The database takes no writes.');
      if (!(await hasRoom(database))) return unavailable('The disk of the database is full.');
      const [next] = await unappliedMigrations(database, await migrations);
      return next === undefined
        ? { status: 'ready', ...(replicas !== null && { replicas: await replicasOf(replicas) }) }
        : unavailable(`Migration ${next.name} is not applied. Run \`hindcast migrate\`.`);
    } catch (error) {
      log.warn({ err: error }, 'not ready');
      return error instanceof MigrationError
        ? unavailable(error.message)
        : unavailable('The database refuses to answer.');
    }
  };
  let running: Promise<Readiness> | undefined;
  return async () => {
    running ??= check().finally(() => {
      running = undefined;
    });
    const { promise, stop } = impatience();
    return Promise.race([running, promise]).finally(stop);
  };
};

/** Replicas as readiness tells them. One that is away makes nothing unavailable: the primary answers for it. */
const replicasOf = async (replicas: Replicas): Promise<readonly object[]> =>
  (await replicas.states()).map(({ database, asOf, reason }) => ({
    location: database.location,
    isUsed: reason === null,
    ...(asOf !== null && { asOf: formatInstant(asOf) }),
    ...(reason !== null && { reason }),
  }));

const impatience = () => {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<Readiness>((resolve) => {
    timer = setTimeout(() => {
      resolve(unavailable(`The database did not answer within ${PATIENCE / 1000} s.`));
    }, PATIENCE);
  });
  return { promise, stop: () => clearTimeout(timer) };
};

/** Liveness says that the process answers, readiness that it can do its work. */
export const healthRoutes = (
  database: Database,
  replicas: Replicas | null,
  log: Logger,
): readonly Route[] => {
  const readiness = readinessOf(database, replicas, log);
  return [
    {
      method: 'GET',
      path: '/health/live',
      scope: null,
      handle: async (_request, response) => sendJson(response, 200, { status: 'live' }),
    },
    {
      method: 'GET',
      path: '/health/ready',
      scope: null,
      handle: async (_request, response) => {
        const state = await readiness();
        if (state.status === 'ready') sendJson(response, 200, state);
        else sendJson(response, 503, state, { 'retry-after': String(RETRY_SECONDS) });
      },
    },
  ];
};
