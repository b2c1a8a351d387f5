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

/** A bucket of S3 or a service that speaks its protocol; requests are signed with AWS Signature Version 4. */
export const s3Bucket = ({ bucket, prefix, endpoint, ...credentials }: S3Options) => {
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
  const notThere = (): Error => new Error(`${location} is not there.`);
  return {
    location,
    notThere,
    /** The answer to a request about the file of a digest; null when there is no such file. `query` begins with `?`. */
    send: async (
      digest: string,
      init: RequestInit,
      patience = PATIENCE,
      query = '',
    ): Promise<Response | null> => {
      const signal = AbortSignal.timeout(patience);
      const response = await client.fetch(`${urlOf(digest)}${query}`, { ...init, signal });
      if (response.ok) return response;
      if (response.status === 404) {
        // A bucket with a wrong name must not pass for one that has nothing.
        if ((await response.text()).includes('NoSuchBucket')) throw notThere();
        return null;
      }
      throw new Error(`${location} answered ${response.status} ${response.statusText}.`);
    },
  };
};

export type S3Bucket = ReturnType<typeof s3Bucket>;

/** Files in a bucket. */
export const s3Store = (options: S3Options): ArtifactStore => {
  const { location, send, notThere } = s3Bucket(options);
  return {
    location,
    read: async (digest) => {
      const response = await send(digest, { method: 'GET' });
      if (response === null) return null;
      return verified(digest, new Uint8Array(await response.arrayBuffer()), location);
    },
    write: async (bytes) => {
      const digest = digestOfBytes(bytes);
      // A copy, because a view on shared memory is no body.
      const response = await send(digest, { method: 'PUT', body: new Uint8Array(bytes) });
      if (response === null) throw notThere();
      return digest;
    },
  };
};
