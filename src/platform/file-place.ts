import { resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import type { Environment } from './environment.ts';
import type { S3Options } from './s3-artifact-store.ts';

/** Where files are kept. */
export type FilePlace = { readonly folder: string } | S3Options;

/** Reads where files are kept; `folder` unless the variable says otherwise. */
export const placeOf = (
  variable: 'HINDCAST_ARTIFACTS' | 'HINDCAST_ARCHIVE',
  folder: string,
  read: Environment,
): FilePlace => {
  const place = read[variable] ?? folder;
  const s3 = /^s3:\/\/([a-z0-9.-]{3,63})(?:\/(.*?))?\/*$/.exec(place);
  if (s3 === null) {
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(place)) return { folder: resolve(place) };
    throw new ConfigError(
      `${variable} is ${JSON.stringify(place)}; give a folder, or s3://bucket/prefix.`,
    );
  }
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = read;
  if (AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined) {
    throw new ConfigError(
      `${variable} names a bucket; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for it.`,
    );
  }
  return {
    bucket: s3[1] ?? '',
    prefix: s3[2] ?? '',
    endpoint: read.AWS_ENDPOINT_URL_S3 ?? `https://s3.${read.AWS_REGION}.amazonaws.com`,
    region: read.AWS_REGION,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: read.AWS_SESSION_TOKEN ?? null,
  };
};
