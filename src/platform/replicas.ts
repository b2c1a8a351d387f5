import type { Database } from './database.ts';
import type { Instant } from './instant.ts';

/** How long what was found out about a replica holds, in milliseconds: while it is of use, and while it is not. */
const HOLDS = { usable: 1000, unusable: 5000 };

/** How long a server may take to tell where it is, in milliseconds; both in less than readiness waits. */
const PATIENCE = 800;

/** Seconds that a replica may be behind. */
const MAX_LAG = 60;

/** A replica as it was found. */
export interface ReplicaState {
  readonly database: Database;
  /** Everything that was committed by then is there; null when that is unknown. */
  readonly asOf: Instant | null;
  /** Why nothing is read from it; null when it is of use. */
  readonly reason: string | null;
}

/** Read replicas of a database. */
export interface Replicas {
  /** One that may answer, in turn; null when the primary has to. */
  readonly choose: () => Promise<{ readonly database: Database; readonly asOf: Instant } | null>;
  readonly states: () => Promise<readonly ReplicaState[]>;
  readonly close: () => Promise<void>;
}

/** Where the log of the primary ends, and when it did. */
interface Mark {
  readonly lsn: string;
  readonly at: Instant;
  /** Cluster and database. */
  readonly identity: string;
}

const IDENTITY = `(SELECT system_identifier FROM pg_control_system())::text || '/' || current_database()`;

const markOf = async (primary: Database): Promise<Mark | null> => {
  const [mark] = await primary.query<Mark>({
    name: 'replica_mark',
    text: `SELECT pg_current_wal_lsn()::text AS lsn, clock_timestamp() AS at, ${IDENTITY} AS identity`,
  });
  return mark ?? null;
};

interface Position {
  readonly is_replica: boolean;
  readonly identity: string;
  /** Whether everything up to the mark is there. */
  readonly is_current: boolean | null;
  /** When the last transaction was committed that is there. */
  readonly replayed_to: Instant | null;
}

const positionOf = async (replica: Database, mark: Mark | null): Promise<Position | null> => {
  const [position] = await replica.query<Position>({
    name: 'replica_position',
    text: `SELECT pg_is_in_recovery() AS is_replica, ${IDENTITY} AS identity,
      pg_last_wal_replay_lsn() >= $1::text::pg_lsn AS is_current, pg_last_xact_replay_timestamp() AS replayed_to`,
    values: [mark?.lsn ?? null],
  });
  return position ?? null;
};

/** What is null when it is silent. */
const inTime = async <Value>(work: Promise<Value>): Promise<Value | null> => {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE);
  });
  return Promise.race([work.catch(() => null), silence]).finally(() => clearTimeout(timer));
};

/** What follows from where both are. Pure. A mark of null says that the primary does not answer. */
const assess = (
  position: Position | null,
  mark: Mark | null,
  identity: string | null,
): Omit<ReplicaState, 'database'> => {
  const unusable = (reason: string) => ({ asOf: null, reason });
  if (position === null) return unusable('It does not answer.');
  if (!position.is_replica) return unusable('It is not a replica, or no longer.');
  if (position.identity !== identity) return unusable('It is a replica of another database.');
  const asOf = mark !== null && position.is_current === true ? mark.at : position.replayed_to;
  if (asOf === null) return unusable('It has not replayed anything yet.');
  // While the primary is away, what is there is better than nothing.
  const lag = mark === null ? 0 : (mark.at - asOf) / 1e6;
  return lag > MAX_LAG
    ? { asOf, reason: `It is more than ${MAX_LAG} s behind.` }
    : { asOf, reason: null };
};

/** Watches replicas, only while somebody reads. */
export const watchReplicas = (primary: Database, databases: readonly Database[]): Replicas => {
  let identity: string | null = null;
  const watch = (database: Database): (() => Promise<ReplicaState>) => {
    let known: Promise<ReplicaState> | null = null;
    const look = async (): Promise<ReplicaState> => {
      // First where the primary is, then whether the replica is there: so it is never said to be further than it is.
      const mark = await inTime(markOf(primary));
      identity = mark?.identity ?? identity;
      const state = assess(await inTime(positionOf(database, mark)), mark, identity);
      const timer = setTimeout(
        () => {
          known = null;
        },
        state.reason === null ? HOLDS.usable : HOLDS.unusable,
      );
      timer.unref();
      return { database, ...state };
    };
    return () => {
      known ??= look();
      return known;
    };
  };
  const watched = databases.map(watch);
  let turn = 0;
  return {
    choose: async () => {
      turn = (turn + 1) % watched.length;
      for (const state of [...watched.slice(turn), ...watched.slice(0, turn)]) {
        const { database, asOf, reason } = await state();
        if (reason === null && asOf !== null) return { database, asOf };
      }
      return null;
    },
    states: () => Promise.all(watched.map((state) => state())),
    close: async () => {
      await Promise.all(databases.map((database) => database.close()));
    },
  };
};
