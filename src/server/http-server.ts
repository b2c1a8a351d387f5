import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessConfig, ConnectionLimits } from '../platform/config.ts';
import { openAccess } from './access-control.ts';
import { contextOf } from './app.ts';
import { startTendingPartitions } from './background-partitions.ts';
import { startReleasing } from './background-release.ts';
import { startReplaying } from './background-replay.ts';
import { startSealing } from './background-sealing.ts';
import { httpOptionsOf, limitConnections, trackConnections } from './connections.ts';
import { NO_DOCUMENTS } from './known-documents.ts';
import { startMetrics } from './metrics.ts';
import { StartError } from './request-guard.ts';
import { type ListenerOptions, requestListener } from './request-listener.ts';

export interface ServerOptions extends Omit<ListenerOptions, 'control'> {
  /** An address or name to listen on. */
  readonly host: string;
  /** Who may call; absent for a server that only this machine's user is to reach. */
  readonly access?: AccessConfig;
  /** 0 for any free port. */
  readonly port: number;
  readonly connections?: ConnectionLimits;
  /** Whether `/metrics` is served. */
  readonly hasMetrics?: boolean;
  /** Milliseconds that `close` waits for requests in progress. */
  readonly closePatience?: number;
  /** Seconds between two looks for replay jobs of other processes. */
  readonly pollSeconds?: number;
  /** Weeks for which partitions of the log are made in advance; null to leave partitions alone. */
  readonly partitionsAhead?: number | null;
  /** Seconds between two looks for records that another process should have released. */
  readonly releaseSeconds?: number;
  /** Seconds between checkpoints, where there is a signer. */
  readonly sealSeconds?: number;
  /** Keeps each of them outside the database; false when one is kept there that the ledger does not continue. */
  readonly keepCheckpoint?: (note: string) => Promise<boolean>;
}

export interface RunningServer {
  /** Base address, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Stops accepting, finishes what was accepted and resolves. The database stays open. */
  readonly close: () => Promise<void>;
}

const CONNECTIONS: ConnectionLimits = { atOnce: 10_000, headerSeconds: 10, idleSeconds: 65 };
const CLOSE_PATIENCE = 30_000;
const SEAL_SECONDS = 10;
const POLL_SECONDS = 2;

/** Serves GraphQL, the routes and health on one address. Throws a `StartError` when it cannot or may not listen there. */
export const startServer = async (given: ServerOptions): Promise<RunningServer> => {
  const { documents = NO_DOCUMENTS } = given;
  const control = await openAccess({ ...given, isShowing: !documents.areOnly });
  const stopping = new AbortController();
  const metrics =
    given.hasMetrics === true ? startMetrics(given.database, given.replicas ?? null) : null;
  const options = {
    ...given,
    control,
    showsSchema: control.showsSchema,
    stopping: stopping.signal,
    ...(metrics !== null && {
      routes: [...(given.routes ?? []), metrics.route],
      onAnswered: metrics.observe,
    }),
  };
  const limits = given.connections ?? CONNECTIONS;
  const server = createServer(httpOptionsOf(limits), requestListener(options));
  limitConnections(server, limits.atOnce, given.log);
  const connections = trackConnections(server);
  try {
    await listen(server, options);
  } catch (error) {
    await control.stop();
    throw error;
  }
  const sealing = sealingOf(options);
  const replaying = startReplaying(
    contextOf(options, { actor: given.actor, reads: null }),
    options.log,
    given.pollSeconds ?? POLL_SECONDS,
  );
  const releasing = startReleasing(options.database, options.log, given.releaseSeconds);
  const tending = tendingOf(options);
  let closed: Promise<void> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo),
    close: () => {
      stopping.abort();
      closed ??= connections
        .close(options.closePatience ?? CLOSE_PATIENCE)
        .then(() => Promise.all([replaying.stop(), releasing.stop(), tending?.stop()]))
        .then(() => control.stop())
        .then(() => sealing?.stop())
        .then(() => metrics?.stop());
      return closed;
    },
  };
};

const tendingOf = ({ database, archive, partitionsAhead: ahead = null, log }: ServerOptions) =>
  ahead === null
    ? null
    : startTendingPartitions({ database, archive: archive ?? null, ahead, log });

const sealingOf = ({
  database,
  signer,
  sealSeconds: seconds = SEAL_SECONDS,
  keepCheckpoint = async () => true,
  log,
}: ServerOptions) =>
  signer == null ? null : startSealing({ database, signer, seconds, log, keepCheckpoint });

const urlOf = ({ address, family, port }: AddressInfo): string =>
  `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;

const listen = (server: Server, { host, port }: ServerOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? `Port ${port} of ${host} is in use. Stop what uses it, or choose another with --port.`
          : `Cannot listen on port ${port} of ${host}: ${error.message}.`;
      reject(new StartError(reason, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
