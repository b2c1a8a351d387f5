import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Database } from '../platform/database.ts';
import type { Replicas } from '../platform/replicas.ts';
import { onAppended } from '../prediction/append-events.ts';
import { databaseGauges } from './database-gauges.ts';
import type { Answered } from './request-log.ts';
import type { Route } from './routes.ts';

export interface Metrics {
  readonly route: Route;
  readonly observe: (answered: Answered) => void;
  readonly stop: () => void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const LAGS = [0.1, 1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 604_800];

/** What this process did, and how the database stands, for Prometheus. */
export const startMetrics = (database: Database, replicas: Replicas | null): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'hindcast_requests_total',
    help: 'Requests by operation (root field, or route) and HTTP status; `errors` says whether a GraphQL answer had some.',
    labelNames: ['operation', 'status', 'errors'],
    registers,
  });
  const duration = new Histogram({
    name: 'hindcast_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  });
  const cost = new Histogram({
    name: 'hindcast_operation_cost',
    help: 'Cost of GraphQL operations, as the limit counts it.',
    labelNames: ['operation'],
    buckets: [10, 30, 100, 300, 1000, 3000, 10_000],
    registers,
  });
  const records = new Counter({
    name: 'hindcast_records_total',
    help: 'Records appended, by kind and by what became of them.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const lag = new Histogram({
    name: 'hindcast_append_lag_seconds',
    help: 'From the newest prediction of a batch to its commit.',
    buckets: LAGS,
    registers,
  });
  const statements = new Counter({
    name: 'hindcast_sql_statements_total',
    help: 'SQL statements sent.',
    registers,
  });
  const answers = new Gauge({
    name: 'hindcast_database_up',
    help: 'Whether the database answered the last scrape.',
    registers,
  });
  const refresh = databaseGauges(database, replicas, registers);
  const forget = [
    database.observe(() => statements.inc()),
    onAppended(({ kind, report, newest }) => {
      const results = ['stored', 'duplicates', 'conflicts', 'rejected'] as const;
      for (const result of results) {
        records.inc({ kind: kind.toLowerCase(), result }, report[result]);
      }
      if (newest !== null) lag.observe(Math.max(0, Date.now() / 1000 - newest / 1e6));
    }),
  ];
  return {
    route: {
      method: 'GET',
      path: '/metrics',
      handle: async (_request, response) => {
        answers.set((await refresh()) ? 1 : 0);
        response.writeHead(200, { 'content-type': registry.contentType });
        response.end(await registry.metrics());
      },
    },
    observe: ({ record, status, ms }) => {
      const operation = record.operation ?? 'none';
      requests.inc({ operation, status, errors: String(record.hasErrors) });
      duration.observe({ operation }, ms / 1000);
      if (record.cost !== null) cost.observe({ operation }, record.cost);
    },
    stop: () => {
      for (const one of forget) one();
    },
  };
};
