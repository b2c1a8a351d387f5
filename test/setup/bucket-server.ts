import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What arrived of files that come in parts. */
interface Upload {
  readonly key: string;
  readonly parts: Map<string, Uint8Array>;
}

/** A service that keeps what is put and gives it back, as S3 does. */
export interface BucketServer {
  readonly endpoint: string;
  /** What it holds, by `/bucket/key`. */
  readonly objects: Map<string, Uint8Array>;
  /** Files of which parts arrived that are not there yet, by the names of their uploads. */
  readonly uploads: ReadonlyMap<string, Upload>;
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

/** An upload in parts: begun, continued, put together or given up. One that begins with `lost` is not put together. */
const answerPart = (
  request: IncomingMessage,
  url: URL,
  body: Uint8Array,
  uploads: Map<string, Upload>,
  objects: Map<string, Uint8Array>,
): { readonly status: number; readonly etag?: string; readonly text?: string } => {
  if (url.searchParams.has('uploads')) {
    const id = `upload ${uploads.size + 1}`;
    uploads.set(id, { key: url.pathname, parts: new Map() });
    return { status: 200, text: `<R><UploadId>${id}</UploadId></R>` };
  }
  const id = url.searchParams.get('uploadId') ?? '';
  const upload = uploads.get(id);
  if (upload === undefined) return { status: 404, text: absent('NoSuchUpload') };
  const number = url.searchParams.get('partNumber');
  if (request.method === 'DELETE') {
    uploads.delete(id);
    return { status: 204 };
  }
  if (number !== null) {
    const etag = `"${number}-${body.length}"`;
    upload.parts.set(etag, body);
    return { status: 200, etag };
  }
  uploads.delete(id);
  const tags = [
    ...Buffer.from(body)
      .toString()
      .matchAll(/<ETag>([^<]+)<\/ETag>/g),
  ];
  const parts = tags.map(([, tag = '']) => upload.parts.get(tag));
  const whole = Buffer.concat(parts.filter((part) => part !== undefined));
  if (parts.includes(undefined) || whole.toString().startsWith('lost')) {
    return { status: 200, text: absent('InvalidPart') };
  }
  objects.set(upload.key, whole);
  return { status: 200, text: '<R><ETag>"whole"</ETag></R>' };
};

/** Starts one that refuses what is not signed with the access key `key` for the region `eu-test`. */
export const startBucketServer = async (): Promise<BucketServer> => {
  const objects = new Map<string, Uint8Array>();
  const uploads = new Map<string, Upload>();
  const service = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '', 'http://bucket');
      const key = url.pathname;
      const body = await bodyOf(request);
      if (!SIGNED.test(request.headers.authorization ?? '')) response.writeHead(403).end();
      else if (key.startsWith(`/${NO_BUCKET}/`)) {
        response.writeHead(404).end(absent('NoSuchBucket'));
      } else if (url.searchParams.has('uploads') || url.searchParams.has('uploadId')) {
        const { status, etag, text } = answerPart(request, url, body, uploads, objects);
        response.writeHead(status, etag === undefined ? {} : { etag }).end(text);
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
    uploads,
    close: () =>
      new Promise((resolve) => {
        service.close(() => resolve());
        service.closeAllConnections();
      }),
  };
};
