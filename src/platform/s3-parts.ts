import type { S3Bucket } from './s3-artifact-store.ts';

/** How long a part may take on its way, in milliseconds. */
const PATIENCE = 900_000;

const textIn = (xml: string, element: string): string | undefined =>
  new RegExp(`<${element}>([^<]+)</${element}>`).exec(xml)?.[1];

/**
 * Puts a file in parts, which S3 wants of all above 5 GB, and takes up to 10 000 of
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). It is there once all of them are; what arrived of one
 * that fails is given up.
 */
export const putInParts = async (
  { send, notThere, location }: S3Bucket,
  digest: string,
  file: Blob,
  partBytes: number,
): Promise<void> => {
  const ask = async (query: string, init: RequestInit): Promise<Response> => {
    const response = await send(digest, init, PATIENCE, query);
    if (response === null) throw notThere();
    return response;
  };
  const uploadId = textIn(await (await ask('?uploads=', { method: 'POST' })).text(), 'UploadId');
  if (uploadId === undefined) throw new Error(`${location} began no upload in parts.`);
  const upload = `uploadId=${encodeURIComponent(uploadId)}`;
  try {
    const parts: string[] = [];
    for (let start = 0; start < file.size; start += partBytes) {
      const number = parts.length + 1;
      const body = file.slice(start, start + partBytes);
      const { headers } = await ask(`?partNumber=${number}&${upload}`, { method: 'PUT', body });
      const tag = headers.get('etag') ?? '';
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag></Part>`);
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    // It says that it began before it knows how it ends: what went wrong stands in the body.
    const answer = await (await ask(`?${upload}`, { method: 'POST', body })).text();
    const code = textIn(answer, 'Code');
    if (code !== undefined) throw new Error(`${location} did not put the parts together: ${code}.`);
  } catch (error) {
    await send(digest, { method: 'DELETE' }, PATIENCE, `?${upload}`).catch(() => {});
    throw error;
  }
};
