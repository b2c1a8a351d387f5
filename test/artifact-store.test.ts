import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ArchiveStore, folderArchive } from '../src/platform/archive-store.ts';
import { type ArtifactStore, folderStore, storeKey } from '../src/platform/artifact-store.ts';
import { readConfig } from '../src/platform/config.ts';
import { ConfigError } from '../src/platform/config-error.ts';
import { s3Archive } from '../src/platform/s3-archive-store.ts';
import { s3Store } from '../src/platform/s3-artifact-store.ts';
import { NO_BUCKET, startBucketServer } from './setup/bucket-server.ts';
import { sha256 } from './setup/registration.ts';

const folder = await mkdtemp(join(tmpdir(), 'hindcast-store-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const { endpoint, objects, uploads, close } = await startBucketServer();
afterAll(close);
const keys = {
  region: 'eu-test',
  accessKeyId: 'key',
  secretAccessKey: 'secret',
  sessionToken: null,
};
const bucket = s3Store({ bucket: 'models', prefix: 'team/a', endpoint, ...keys });

const alter: Record<string, (digest: string) => Promise<unknown>> = {
  folder: (digest) => writeFile(join(folder, storeKey(digest)), 'altered'),
  bucket: async (digest) =>
    objects.set(`/models/team/a/${storeKey(digest)}`, Buffer.from('altered')),
};

describe.each<[string, ArtifactStore]>([
  ['folder', folderStore(folder)],
  ['bucket', bucket],
])('a store in a %s', (kind, store) => {
  it('gives back what was put, by its digest, and nothing for others', async () => {
    const digest = await store.write(Buffer.from('weights'));
    expect(digest).toBe(sha256('weights'));
    expect(Buffer.from((await store.read(digest)) ?? [])).toEqual(Buffer.from('weights'));
    expect(await store.read(sha256('others'))).toBeNull();
    expect(await store.write(Buffer.from('weights'))).toBe(digest);
  });

  it('refuses bytes that are not what the digest says', async () => {
    const digest = await store.write(Buffer.from(`soon altered in a ${kind}`));
    await alter[kind]?.(digest);
    await expect(store.read(digest)).rejects.toThrow(
      `The file stored as ${digest} in ${store.location} was altered: its bytes give ${sha256('altered')}.`,
    );
  });
});

describe.each<[string, ArchiveStore]>([
  ['folder', folderArchive(join(folder, 'archive'))],
  ['bucket', s3Archive({ bucket: 'archives', prefix: '', endpoint, ...keys })],
])('a store of large files in a %s', (kind, store) => {
  it('keeps copies of files by their digest until they are deleted, and refuses altered ones', async () => {
    const file = join(folder, `${kind}.parquet`);
    await writeFile(file, `rows in a ${kind}`);
    const { digest, sizeBytes } = await store.put(file);
    expect({ digest, sizeBytes }).toEqual({ digest: sha256(`rows in a ${kind}`), sizeBytes: 16 });
    expect(await readFile((await store.open(digest)) ?? '', 'utf8')).toBe(`rows in a ${kind}`);
    await store.remove(digest);
    expect(await store.open(digest)).toBeNull();
    await store.remove(digest);
    await store.put(file);
    if (kind === 'folder') await writeFile(join(store.location, storeKey(digest)), 'altered');
    else objects.set(`/archives/${storeKey(digest)}`, Buffer.from('altered'));
    await expect(store.open(digest)).rejects.toThrow(
      `The file stored as ${digest} in ${store.location} was altered: its bytes give ${sha256('altered')}.`,
    );
  });
});

describe('a large file in a bucket', () => {
  const store = s3Archive({ bucket: 'large', prefix: '', endpoint, ...keys }, 1000);

  it.each([1000, 1001, 2000, 4321])(
    'of %i bytes is put in parts of 1000 and comes back whole',
    async (size) => {
      const file = join(folder, `${size}.parquet`);
      const bytes = Buffer.from(Array.from({ length: size }, (_, at) => at % 251));
      await writeFile(file, bytes);
      const { digest } = await store.put(file);
      expect(Buffer.from(objects.get(`/large/${storeKey(digest)}`) ?? [])).toEqual(bytes);
      expect(await readFile((await store.open(digest)) ?? '')).toEqual(bytes);
      expect(uploads.size).toBe(0);
    },
  );

  it('that is not put together is said to be missing, and given up', async () => {
    const file = join(folder, 'lost.parquet');
    await writeFile(file, `lost${'.'.repeat(3000)}`);
    await expect(store.put(file)).rejects.toThrow(
      's3://large did not put the parts together: InvalidPart.',
    );
    expect(await store.open(sha256(`lost${'.'.repeat(3000)}`))).toBeNull();
    expect(uploads.size).toBe(0);
  });
});

describe('artifact stores', () => {
  it('leave no unfinished files behind, and are not made by reading', async () => {
    const own = join(folder, 'own');
    const store = folderStore(own);
    expect(await store.read(sha256('x'))).toBeNull();
    await expect(readdir(own)).rejects.toThrow('ENOENT');
    await Promise.all(Array.from({ length: 5 }, () => store.write(Buffer.from('x'))));
    const files = (await readdir(own, { recursive: true })).filter((name) =>
      /[0-9a-f]{64}/.test(name),
    );
    expect(files).toEqual([storeKey(sha256('x'))]);
  });

  it('say what a service answered that does not serve', async () => {
    const wrong = s3Store({
      bucket: 'models',
      prefix: '',
      endpoint,
      ...keys,
      accessKeyId: 'other',
    });
    await expect(wrong.read(sha256('x'))).rejects.toThrow('s3://models answered 403 Forbidden.');
  });

  it('say that a bucket is not there, instead of having nothing', async () => {
    const options = { bucket: NO_BUCKET, prefix: '', endpoint, ...keys };
    const message = `s3://${NO_BUCKET} is not there.`;
    await expect(s3Store(options).read(sha256('x'))).rejects.toThrow(message);
    await expect(s3Store(options).write(Buffer.from('x'))).rejects.toThrow(message);
    await expect(s3Archive(options).open(sha256('x'))).rejects.toThrow(message);
  });

  it('are where the configuration says', () => {
    const place = (variables: NodeJS.ProcessEnv) => readConfig({}, variables).artifacts;
    expect(place({ HINDCAST_DATA: '/data' })).toEqual({ folder: '/data/artifacts' });
    expect(place({ HINDCAST_ARTIFACTS: '/elsewhere' })).toEqual({ folder: '/elsewhere' });
    const AWS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'eu-1' };
    expect(place({ HINDCAST_ARTIFACTS: 's3://models/team/a/', ...AWS })).toEqual({
      bucket: 'models',
      prefix: 'team/a',
      endpoint: 'https://s3.eu-1.amazonaws.com',
      region: 'eu-1',
      accessKeyId: 'a',
      secretAccessKey: 'b',
      sessionToken: null,
    });
    expect(() => place({ HINDCAST_ARTIFACTS: 's3://models' })).toThrow(ConfigError);
    expect(() => place({ HINDCAST_ARTIFACTS: 'ftp://models' })).toThrow(
      'HINDCAST_ARTIFACTS is "ftp://models"; give a folder, or s3://bucket/prefix.',
    );
  });
});
