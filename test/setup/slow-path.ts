import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A way to a PostgreSQL server that can be made slow, or to hold everything back. */
export interface SlowPath {
  readonly url: string;
  /** From now on, how long each piece is held back in each direction, in milliseconds. */
  readonly slowDown: (ms: number) => void;
  /** Holds everything back until the function that it returns is called. */
  readonly stall: () => () => void;
  readonly close: () => Promise<void>;
}

/** Starts such a way, on loopback. */
export const startSlowPath = async (target: string): Promise<SlowPath> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let lag = 0;
  let open = Promise.resolve();

  const forward = (from: Socket, to: Socket): void => {
    // One after another, so that pieces stay in order.
    let turn = Promise.resolve();
    from.on('data', (piece: Buffer) => {
      from.pause();
      turn = turn
        .then(() => open)
        .then(() => (lag === 0 ? undefined : delay(lag)))
        .then(() => {
          if (!to.destroyed) to.write(piece);
          from.resume();
        });
    });
    from.on('close', () => {
      sockets.delete(from);
      turn.then(() => to.destroy());
    });
    from.on('error', () => {});
    sockets.add(from);
  };

  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    forward(client, database);
    forward(database, client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const url = new URL(target);
  url.port = String(typeof address === 'object' ? address?.port : 0);
  return {
    url: url.href,
    slowDown: (ms) => {
      lag = ms;
    },
    stall: () => {
      let release = (): void => {};
      open = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
