import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkFiles } from '../src/keeping/check-files.ts';
import { type ExportOrder, exportInstallation } from '../src/keeping/export.ts';
import { type Manifest, readManifest } from '../src/keeping/manifest.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import { s3Archive } from '../src/platform/s3-archive-store.ts';
import { s3Store } from '../src/platform/s3-artifact-store.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { NO_BUCKET, startBucketServer } from './setup/bucket-server.ts';
import { runCommand } from './setup/command.ts';
import { type FullInstallation, fillInstallation } from './setup/full-installation.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { someSigner } from './setup/signer.ts';

const { endpoint, objects, close } = await startBucketServer();
const service = {
  endpoint,
  region: 'eu-test',
  accessKeyId: 'key',
  secretAccessKey: 'secret',
  sessionToken: null,
};
const stores = {
  artifacts: s3Store({ bucket: 'source', prefix: 'models', ...service }),
  archive: s3Archive({ bucket: 'source', prefix: 'archive', ...service }),
};
const signer = someSigner();
const actor = localActor('tester');
const opened = await openTestHindcast(actor, logRoutes, null, signer, stores);
const source = { ...opened, ...stores };
const folder = await mkdtemp(join(tmpdir(), 'hindcast-keeping-buckets-'));
const at = (name: string): string => join(folder, name);
afterAll(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

/** An installation in a folder, the files of which are in buckets. */
const variables = {
  HINDCAST_DATA: at('data'),
  HINDCAST_ARTIFACTS: 's3://models/team/a',
  HINDCAST_ARCHIVE: 's3://archives',
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ACCESS_KEY_ID: service.accessKeyId,
  AWS_SECRET_ACCESS_KEY: service.secretAccessKey,
  AWS_REGION: service.region,
};

const orderOf = (name: string): ExportOrder => ({
  folder: at(name),
  checkpoint: null,
  signingKey: null,
  allowMissing: false,
});

let first: Manifest;
let full: FullInstallation;

beforeAll(async () => {
  full = await fillInstallation(source, { ...source, actor, inferenceUrl: null, signer }, signer);
  first = await exportInstallation(source, orderOf('first'));
  expect([first.artifacts.length, first.archives.length]).toEqual([1, 1]);
}, 120_000);

it('what is in buckets is archived, restored, traced and verified as in folders', async () => {
  const sources = [];
  for (const prediction of full.predictions) {
    const query = `query ($by: PredictionLogReference!) { trace(prediction: $by) { prediction { source } } }`;
    const { trace } = await source.ask<{ trace: { prediction: { source: string } } }>(query, {
      by: prediction,
    });
    sources.push(trace.prediction.source);
  }
  expect(sources.sort()).toEqual(['ARCHIVE', 'LOG', 'LOG', 'LOG', 'LOG']);
  const { database } = source;
  const order = { keys: [signer.verifierKey], witnesses: [], ...stores };
  expect(await verifyLedger(database, order)).toMatchObject({
    discrepancyCount: 0,
    artifacts: 1,
    archives: 1,
  });
});

it('an installation moves into buckets of its own, and out of them', async () => {
  const filled = await runCommand(['import', at('first'), '--no-verify'], variables);
  expect(filled.code).toBe(0);
  expect(filled.stdout).toContain('1 files of versions and 1 archives are in place');
  expect([...objects.keys()].filter((key) => !key.startsWith('/source/')).sort()).toEqual([
    ...first.archives.map((digest) => `/archives/${storeKey(digest)}`),
    ...first.artifacts.map((digest) => `/models/team/a/${storeKey(digest)}`),
  ]);

  const kept = await runCommand(['export', at('second')], variables);
  expect(kept).toMatchObject({ code: 0, stderr: '' });
  const manifest = await readManifest(at('second'));
  const { artifacts, archives, missing } = manifest;
  expect({ artifacts, archives, missing }).toEqual({
    artifacts: first.artifacts,
    archives: first.archives,
    missing: [],
  });

  await checkFiles(at('second'), manifest);
}, 120_000);

it('an export from buckets misses what is altered or gone there, and says where', async () => {
  const [artifact = '', archive = ''] = [first.artifacts[0], first.archives[0]];
  const kept = new Map(objects);
  objects.delete(`/source/archive/${storeKey(archive)}`);
  objects.set(`/source/models/${storeKey(artifact)}`, Buffer.from('altered'));
  // Another process, which has no copy of the archive from before.
  const anew = {
    ...source,
    archive: s3Archive({ bucket: 'source', prefix: 'archive', ...service }),
  };
  await expect(exportInstallation(anew, orderOf('third'))).rejects.toThrow(
    `${artifact} is altered or gone from s3://source/models: put it back`,
  );
  const order = { ...orderOf('third'), allowMissing: true };
  const { missing } = await exportInstallation(anew, order);
  expect(missing).toEqual([artifact, archive]);
  for (const [key, bytes] of kept) objects.set(key, bytes);
});

it('nothing is exported from a bucket that is not there', async () => {
  const artifacts = s3Store({ bucket: NO_BUCKET, prefix: '', ...service });
  await expect(exportInstallation({ ...source, artifacts }, orderOf('fourth'))).rejects.toThrow(
    `s3://${NO_BUCKET} is not there.`,
  );
  expect((await readdir(folder)).filter((name) => name.startsWith('fourth'))).toEqual([]);
});
