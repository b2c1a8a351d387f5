import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { localActor } from '../src/platform/context.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { type ArchiveFile, selectArchiveFiles } from '../src/prediction/archive-index.ts';
import type { LogRow } from '../src/prediction/log-columns.ts';
import { type LogWeek, weekOf } from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { readPartition } from '../src/retention/read-partition.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { field } from './feature-fixture.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { openServing, rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const actor = localActor('tester');
const hindcast = await openTestHindcast(actor, [], null, signer);
const { database, artifacts, ask } = hindcast;
const archive = { ...hindcast.archive, rowsPerFile: 3 };
const context = { database, actor, artifacts, archive, inferenceUrl: null, signer };
const order = { actor: 'tester', reason: 'tested' };
const one = await openServing(hindcast, [field('x', 'FP64')], { x: 1 });
const two = await openServing(hindcast, [field('y', 'FP64')], { y: 1 });

const at = '2011-05-04T10:00:00Z';
const week = weekOf(Date.parse(at) * 1000);
const named = unique('r');
/** Requests in the order of their bytes, which is not that of most languages. */
const NAMES = ['A', 'Z', 'a', 'b', 'z', 'é'].map((name) => `${named} ${name}`);
const [, Z = '', , b = '', z = ''] = NAMES;

const filesOf = (): Promise<ArchiveFile[]> =>
  selectArchiveFiles(
    database,
    'a.partition = $1 ORDER BY f.feature_schema_id, f.first_request_id',
    [week.partition],
  );
const summaryOf = (files: readonly ArchiveFile[]) =>
  files.map(({ rowCount, firstRequestId, lastRequestId, part }) => [
    Number(rowCount),
    firstRequestId.slice(named.length + 1),
    lastRequestId.slice(named.length + 1),
    part,
  ]);

const rowsOf = async (of: LogWeek): Promise<readonly LogRow[]> => {
  const rows: LogRow[] = [];
  await readPartition(database, of, (some) => {
    rows.push(...some);
  });
  return rows;
};

const discrepancies = async () => {
  await sealLedger(database, signer);
  const keys = [signer.verifierKey];
  const report = await verifyLedger(database, { keys, witnesses: [], artifacts, archive });
  return report.discrepancies;
};

const FIND = `query ($by: PredictionLogReference!) {
  trace(prediction: $by) { prediction { requestId source archiveFile { digest } } } }`;
const find = (requestId: string, item = 0): Promise<unknown> => {
  const { name, environment } = one.endpoint;
  return ask(FIND, { by: { request: { requestId, item, endpoint: { name, environment } } } });
};
const foundIn = (requestId: string, digest: string | undefined) => ({
  trace: { prediction: { requestId, source: 'ARCHIVE', archiveFile: { digest } } },
});

it('a week of many predictions is several files, with each request in one, and stays one week', async () => {
  const line = (requestId: string, item = 0) =>
    one.line(requestId, { occurredAt: at, item, entityKey: `entity ${requestId}` });
  const lines = [
    ...NAMES.map((name) => line(name)),
    line(b, 1),
    line(b, 2),
    line(b, 3),
    line(b, 4),
  ];
  lines.push(two.line(`${named} m`, { occurredAt: at }));
  expect(await appendPredictions(database, rawLines(lines))).toMatchObject({ stored: 11 });

  expect(await archivePartition(database, archive, week, order)).toMatchObject({ rows: 11 });
  const files = await filesOf();
  expect(summaryOf(files)).toEqual([
    [3, 'A', 'a', null],
    [5, 'b', 'b', 1],
    [2, 'z', 'é', 2],
    [1, 'm', 'm', null],
  ]);
  expect(await find(b, 4)).toEqual(foundIn(b, files[1]?.digest));
  expect(await find(z)).toEqual(foundIn(z, files[2]?.digest));
  expect(await discrepancies()).toEqual([]);

  const erasure = { entityKey: `entity ${Z}`, legalBasis: 'GDPR', reason: 'asked' };
  expect(await eraseEntity(context, erasure)).toMatchObject({ predictions: 1 });
  const after = await filesOf();
  expect(summaryOf(after)).toEqual(summaryOf(files));
  expect(after.map(({ digest }, index) => digest === files[index]?.digest)).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect(await discrepancies()).toEqual([]);

  await rm(join(archive.location, storeKey(files[2]?.digest ?? '')));
  expect(await discrepancies()).toEqual([
    {
      kind: 'REMOVED',
      source: 'log_archive_file',
      row: JSON.stringify([after[2]?.archiveId, after[2]?.featureSchemaId, 2].map(String)),
      message: expect.stringContaining('is not there any more'),
    },
  ]);
});

it('comes back from several files bit for bit', async () => {
  const other = '2011-05-11T10:00:00Z';
  const later = weekOf(Date.parse(other) * 1000);
  const lines = NAMES.map((name) => one.line(`${name} later`, { occurredAt: other }));
  await appendPredictions(database, rawLines(lines));
  const before = await rowsOf(later);
  expect(before).toHaveLength(6);
  await archivePartition(database, archive, later, order);
  expect(await restorePartition(database, archive, later, order)).toBe(6);
  expect(await rowsOf(later)).toEqual(before);
});
