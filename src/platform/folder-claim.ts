import { createHash } from 'node:crypto';
import { mkdir, realpath, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Another process owns the folder of an embedded database. */
export class FolderClaimedError extends Error {
  override readonly name = 'FolderClaimedError';
  constructor(folder: string, owner: string) {
    super(
      `${folder} is in use by process ${owner}. One process at a time may open an embedded database: ` +
        'stop that process, ask its server with --url, choose another folder with --data, ' +
        'or set DATABASE_URL to share a PostgreSQL.',
    );
  }
}

/**
 * Claims a folder for this process by listening on a local socket named after it. Unlike a file with a process ID in it,
 * the claim ends with the process however it dies, and survives the reuse of its ID.
 */
export const claimFolder = async (
  folder: string,
): Promise<{ readonly release: () => Promise<void> }> => {
  await mkdir(folder, { recursive: true });
  const address = socketAddress(await realpath(folder));
  const server = (await listen(address)) ?? (await takeOver(address));
  if (typeof server === 'string') throw new FolderClaimedError(folder, server);
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
};

const socketAddress = (folder: string): string => {
  const name = `hindcast-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
};

/** A server on the address that tells callers this process's ID; null when the address is taken. */
const listen = (address: string): Promise<Server | null> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(String(process.pid));
    });
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });

/** The living owner's process ID, or a server on the address that a dead owner left behind. */
const takeOver = async (address: string): Promise<Server | string> => {
  const owner = await ownerOf(address);
  if (owner !== null) return owner;
  await unlink(address).catch(() => {});
  return (await listen(address)) ?? (await ownerOf(address)) ?? 'unknown';
};

const ownerOf = (address: string): Promise<string | null> =>
  new Promise((resolve) => {
    let said = '';
    const socket = createConnection(address);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      said += text;
    });
    socket.on('end', () => resolve(said));
    socket.on('error', () => resolve(null));
  });
