import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { ConnectionLimits } from '../platform/config.ts';

/** How long a connection may be silent both ways, in milliseconds; long, since a paused stream is silent too. */
const SILENCE = 300_000;
const MAX_HEADERS = 100;
const MINUTE = 60_000;

/** What Node itself watches over. */
export const httpOptionsOf = ({ headerSeconds, idleSeconds }: ConnectionLimits): ServerOptions => ({
  maxHeaderSize: 16 * 1024,
  headersTimeout: headerSeconds * 1000,
  // None for a whole request: a stream of predictions may take hours. Silence is limited instead.
  requestTimeout: 0,
  keepAliveTimeout: idleSeconds * 1000,
  // How late the end of the headers' time may be noticed.
  connectionsCheckingInterval: headerSeconds * 500,
});

/** Bounds what one connection may hold, and how many there are; says once a minute at most that more came. */
export const limitConnections = (server: Server, atOnce: number, log: Logger): void => {
  server.timeout = SILENCE;
  server.maxHeadersCount = MAX_HEADERS;
  server.maxConnections = atOnce;
  let toldAt = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    const now = performance.now();
    if (now - toldAt < MINUTE) return;
    toldAt = now;
    log.warn({ limit: atOnce }, 'too many connections: new ones are closed');
  });
};

/** How long a body that nobody reads may go on after the answer, in milliseconds; time to see the answer first. */
const LINGER = 1000;

const dropUnlessSoonComplete = (request: IncomingMessage): void => {
  // Node does so itself only when nothing of it was read.
  request.resume();
  const timer = setTimeout(() => {
    // Otherwise the connection is at its next request by now.
    if (!request.complete) request.socket.destroy();
  }, LINGER);
  request.once('close', () => clearTimeout(timer));
};

/**
 * Keeps account of a server's connections, so that it can stop without cutting off what it accepted: Node itself would
 * wait for connections on which nothing was asked yet, such as those that browsers open ahead.
 */
export const trackConnections = (server: Server) => {
  const requests = new Map<Socket, number>();
  let isClosing = false;

  server.on('connection', (socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    if (isClosing) response.setHeader('connection', 'close');
    response.once('close', () => {
      const others = (requests.get(socket) ?? 1) - 1;
      if (!socket.destroyed) requests.set(socket, others);
      if (isClosing && others === 0) socket.end();
      if (!request.complete) dropUnlessSoonComplete(request);
    });
  });

  return {
    /** Accepts nothing more; resolves when what was accepted is answered, or cut off after `patience` milliseconds. */
    close: async (patience: number): Promise<void> => {
      isClosing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const [socket, count] of requests) if (count === 0) socket.destroy();
      const timer = setTimeout(() => server.closeAllConnections(), patience);
      await closed;
      clearTimeout(timer);
    },
  };
};
