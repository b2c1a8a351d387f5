import { connect } from 'node:net';

/** What a connection sends, as it is: once, and then again and again. */
export interface Sent {
  readonly first: string;
  readonly again?: string;
}

const PAUSE = 100;

/** Sends what no client of HTTP would; resolves with all that came back when the server closed the connection. */
export const sendRaw = (url: string, { first, again }: Sent): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const sending = again === undefined ? undefined : setInterval(() => socket.write(again), PAUSE);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    // What is cut off while it sends is closed as well.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearInterval(sending);
      resolve(text);
    });
    socket.write(first);
  });
