import { AwsClient } from 'aws4fetch';
import { type ArtifactStore, storeKey, verified } from './artifact-store.ts';
import { digestOfBytes } from './canonical-json.ts';

export interface S3Options {
  readonly bucket: string;
  /** Before every key; no slash at its ends. */
  readonly prefix: string;
  /** Base address of the service, addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

/** How long one request may take, in milliseconds. */
const PATIENCE = 60_000;

/** Files in a bucket of S3 or a service that speaks its protocol; requests are signed with AWS Signature Version 4. */
export const s3Store = ({ bucket, prefix, endpoint, ...credentials }: S3Options): ArtifactStore => {
  const { sessionToken, ...keys } = credentials;
  const client = new AwsClient({
    ...keys,
    service: 's3',
    ...(sessionToken === null ? {} : { sessionToken }),
  });
  const location = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const urlOf = (digest: string): string =>
    [endpoint.replace(/\/+$/, ''), bucket, prefix, storeKey(digest)]
      .filter((part) => part !== '')
      .join('/');
  const send = (digest: string, init: RequestInit): Promise<Response> =>
    client.fetch(urlOf(digest), { ...init, signal: AbortSignal.timeout(PATIENCE) });
  const failure = ({ status, statusText }: Response): Error =>
    new Error(`${location} answered ${status} ${statusText}.`);
  return {
    location,
    read: async (digest) => {
      const response = await send(digest, { method: 'GET' });
      if (response.status === 404) return null;
      if (!response.ok) throw failure(response);
      return verified(digest, new Uint8Array(await response.arrayBuffer()), location);
    },
    write: async (bytes) => {
      const digest = digestOfBytes(bytes);
      // A copy, because a view on shared memory is no body.
      const response = await send(digest, { method: 'PUT', body: new Uint8Array(bytes) });
      if (!response.ok) throw failure(response);
      return digest;
    },
  };
};
