import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that keeps what is put and gives it back, as S3 does. */
export interface BucketServer {
  readonly endpoint: string;
  /** What it holds, by `/bucket/key`. */
  readonly objects: Map<string, Uint8Array>;
  readonly close: () => Promise<void>;
}

const SIGNED = /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-test\/s3\/aws4_request/;

/** A bucket that there is not. */
export const NO_BUCKET = 'no-such-bucket';

const bodyOf = async (request: IncomingMessage): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
};

const absent = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`;

/** Starts one that refuses what is not signed with the access key `key` for the region `eu-test`. */
export const startBucketServer = async (): Promise<BucketServer> => {
  const objects = new Map<string, Uint8Array>();
  const service = createServer((request, response) => {
    void (async () => {
      const key = request.url ?? '';
      const body = await bodyOf(request);
      if (!SIGNED.test(request.headers.authorization ?? '')) response.writeHead(403).end();
      else if (key.startsWith(`/${NO_BUCKET}/`)) {
        response.writeHead(404).end(absent('NoSuchBucket'));
      } else if (request.method === 'PUT') {
        objects.set(key, body);
        response.writeHead(200).end();
      } else if (request.method === 'DELETE') {
        objects.delete(key);
        response.writeHead(204).end();
      } else if (objects.has(key)) response.writeHead(200).end(objects.get(key));
      else response.writeHead(404).end(absent('NoSuchKey'));
    })();
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    objects,
    close: () =>
      new Promise((resolve) => {
        service.close(() => resolve());
        service.closeAllConnections();
      }),
  };
};
