import type { Logger } from 'pino';
import type { Config } from '../platform/config.ts';
import { localActor } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { openArchiveStore } from '../platform/open-archive-store.ts';
import { openArtifactStore } from '../platform/open-artifact-store.ts';
import type { Replicas } from '../platform/replicas.ts';
import { openSigningKey } from '../platform/signing-key.ts';
import type { ServerOptions } from '../server/http-server.ts';
import { logRoutes } from '../server/log-routes.ts';
import { keepCheckpoint } from './kept-checkpoint.ts';

/** A server as the configuration describes it. */
export const serverOptionsOf = async (
  config: Config,
  database: Database,
  log: Logger,
  replicas: Replicas | null = null,
): Promise<ServerOptions> => ({
  database,
  replicas,
  actor: localActor(config.actor),
  artifacts: openArtifactStore(config),
  archive: openArchiveStore(config),
  inferenceUrl: config.inferenceUrl,
  signer: await openSigningKey(config),
  sealSeconds: config.sealSeconds,
  keepCheckpoint: (note) => keepCheckpoint(config, database, note),
  hasMetrics: config.hasMetrics,
  slowMs: config.slowMs,
  routes: logRoutes,
  log,
  host: config.host,
  port: config.port,
  connections: config.connections,
});
