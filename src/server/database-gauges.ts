import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import type { Replicas } from '../platform/replicas.ts';

/** How long the database may take, in milliseconds: a scrape does not wait longer. */
const PATIENCE = 2000;

interface Row {
  readonly partitions_ahead: number;
  readonly unsealed_seconds: number;
  readonly jobs: number;
}

const STATE = `SELECT
    (SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'prediction_log'::regclass AND c.relname > 'prediction_log_p' || $1)::int AS partitions_ahead,
    coalesce((SELECT extract(epoch FROM clock_timestamp() - min(recorded_at)) FROM ledger_batch
      WHERE leaf_index IS NULL), 0)::float8 AS unsealed_seconds,
    (SELECT count(*) FROM replay_job WHERE state IN ('QUEUED', 'RUNNING'))::int AS jobs`;

/** Gauges of the database, and the way to bring them up to date; false when the database does not answer. */
export const databaseGauges = (
  database: Database,
  replicas: Replicas | null,
  registers: Registry[],
): (() => Promise<boolean>) => {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `hindcast_${name}`, help, registers });
  const ahead = gauge('partitions_ahead', 'Partitions of the log that begin in the future.');
  const unsealed = gauge('unsealed_seconds', 'Age of the oldest record that is not sealed yet.');
  const jobs = gauge('replay_jobs', 'Replay jobs that wait or run.');
  const { connections } = database;
  const pool =
    connections === undefined
      ? null
      : new Gauge({
          name: 'hindcast_pool_connections',
          help: 'Connections of the pool by state; `waiting` are requests for one.',
          labelNames: ['state'],
          registers,
        });
  const replicaLag =
    replicas === null
      ? null
      : new Gauge({
          name: 'hindcast_replica_lag_seconds',
          help: 'How old the answers of a replica are; absent when it is not used.',
          labelNames: ['replica'],
          registers,
        });
  const observeReplicas = async (): Promise<void> => {
    replicaLag?.reset();
    for (const { database: replica, asOf, reason } of (await replicas?.states()) ?? []) {
      if (reason !== null || asOf === null) continue;
      replicaLag?.set({ replica: replica.location }, Math.max(0, Date.now() / 1000 - asOf / 1e6));
    }
  };
  const refresh = async (): Promise<boolean> => {
    const today = formatInstant(Date.now() * 1000)
      .slice(0, 10)
      .replaceAll('-', '');
    const [row] = await database.query<Row>({ name: 'gauges', text: STATE, values: [today] });
    if (row === undefined) return false;
    ahead.set(row.partitions_ahead);
    unsealed.set(row.unsealed_seconds);
    jobs.set(row.jobs);
    return true;
  };
  return async () => {
    for (const [state, count] of Object.entries(connections?.() ?? {})) pool?.set({ state }, count);
    await observeReplicas();
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), PATIENCE);
    });
    return Promise.race([refresh().catch(() => false), silence]).finally(() => clearTimeout(timer));
  };
};
