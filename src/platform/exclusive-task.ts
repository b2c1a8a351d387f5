import pg from 'pg';

/** Marks the locks of tasks among the advisory locks of the database: "hctk". */
const LOCKS = 0x6863746b;

/** How long to wait for a connection, in milliseconds. */
const PATIENCE = 10_000;

/** Notices within a minute that the machine of a process is gone, which then holds its lock no longer. */
const KEEPALIVE =
  '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3';

/**
 * Runs `work` unless another process is at the same task; false when one is. The claim is a lock of a transaction on a
 * connection of its own: it ends with the process or the connection, however those end, passes through poolers of
 * connections and of transactions, and takes nothing from the pool that the work itself needs.
 */
export const exclusively = async (
  connectionString: string,
  task: string,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<boolean> => {
  const client = new pg.Client({
    connectionString,
    options: KEEPALIVE,
    application_name: `hindcast ${task}`,
    connectionTimeoutMillis: PATIENCE,
  });
  const lost = new AbortController();
  client.on('error', (error) => lost.abort(error));
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    const { rows } = await client.query<{ is_won: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS is_won',
      [LOCKS, task],
    );
    if (rows[0]?.is_won !== true) return false;
    await work(lost.signal);
    return true;
  } finally {
    // The server does the same when the connection broke.
    await client.query('ROLLBACK').catch(() => {});
    await client.end().catch(() => {});
  }
};
