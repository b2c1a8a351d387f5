import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sealLedger } from '../src/ledger/seal.ts';
import type { VerificationReport } from '../src/ledger/verify.ts';
import { digestOfFile } from '../src/platform/archive-store.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { withDuckdb } from '../src/prediction/duckdb.ts';
import { weekOf } from '../src/prediction/partitions.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { columnsOf, otherValue } from './setup/altered-rows.ts';
import { rawLines } from './setup/ingest.ts';
import { exampleLine, openTampering } from './setup/tampering.ts';

const { hindcast, context, verify, tamper, found } = await openTampering();
const { database, artifacts, archive } = hindcast;
if (context.signer === null) throw new Error('There is no key.');

// A second week, to swap files with.
const occurredAt = '2001-06-20T12:00:00Z';
await appendPredictions(
  database,
  rawLines([await exampleLine({ requestId: 'other-week', occurredAt })]),
);
const order = { actor: 'tester', reason: 'tested' };
await archivePartition(database, archive, weekOf(Date.parse(occurredAt) * 1000), order);
await sealLedger(database, context.signer);

const [file, other] = await selectArchiveFiles(database, 'TRUE ORDER BY f.archive_id');
if (file === undefined || other === undefined) throw new Error('There are no archives.');
const pathOf = (digest: string): string => join(archive.location, storeKey(digest));
const path = pathOf(file.digest);
const bytes = await readFile(path);

const folder = await mkdtemp(join(tmpdir(), 'hindcast-edited-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const seen = ({ discrepancies }: VerificationReport) =>
  discrepancies.map(({ kind, source, message }) => [kind, source, message] as const);

/** What verification says while the file is something else. */
const whileEdited = async (edit: () => Promise<unknown>) => {
  await edit();
  try {
    return seen(await verify());
  } finally {
    await writeFile(path, bytes);
  }
};

const ALTERED = ['ALTERED', 'log_archive_file', expect.stringContaining('was altered: its bytes')];

/** A copy of the archive in which a model said something else, in the form that archives have. */
const rewritten = async (): Promise<string> => {
  const target = join(folder, 'rewritten.parquet');
  await withDuckdb((connection) =>
    connection.run(`COPY (SELECT * REPLACE (0.125 AS score) FROM read_parquet('${path}')
      ORDER BY request_id, occurred_at, endpoint_id, item) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`),
  );
  return target;
};

describe('an archive that was edited', () => {
  it('is named when a value was changed, a byte, or all of it, and when it is gone', async () => {
    expect(await whileEdited(async () => copyFile(await rewritten(), path))).toEqual([ALTERED]);
    const flipped = Buffer.from(bytes);
    flipped[200] = (flipped[200] ?? 0) ^ 1;
    expect(await whileEdited(() => writeFile(path, flipped))).toEqual([ALTERED]);
    expect(await whileEdited(() => copyFile(pathOf(other.digest), path))).toEqual([ALTERED]);
    expect(await whileEdited(() => writeFile(path, ''))).toEqual([ALTERED]);
    expect(await whileEdited(() => rm(path))).toEqual([
      [
        'REMOVED',
        'log_archive_file',
        `the archive of prediction_log_p20010604, ${file.digest}, was put into ${archive.location} and is not there any more`,
      ],
    ]);
    expect(seen(await verify())).toEqual([]);
  });

  it('is named together with its row, by that row and by each record that is another one', async () => {
    const forged = await rewritten();
    const { digest, sizeBytes } = await digestOfFile(forged);
    await mkdir(dirname(pathOf(digest)), { recursive: true });
    await copyFile(forged, pathOf(digest));
    const report = await tamper(
      [
        `UPDATE log_archive_file SET digest = '${digest}', size_bytes = ${sizeBytes} WHERE digest = '${file.digest}'`,
      ],
      (tampered) => verify(tampered),
    );
    await rm(pathOf(digest));
    const rows = Number(file.rowCount);
    expect(seen(report)).toEqual([
      ['ALTERED', 'log_archive_file', 'its content is not what was recorded'],
      [
        'ALTERED',
        'log_archive_file',
        expect.stringContaining('has other rows than those that were archived'),
      ],
      ...Array.from({ length: rows }, () => [
        'ALTERED',
        'prediction_log',
        'its content is not what was recorded',
      ]),
    ]);
  });

  it('is named when two weeks were exchanged, files and rows', async () => {
    const report = await tamper(
      [
        `UPDATE log_archive_file SET digest = CASE digest WHEN '${file.digest}' THEN '${other.digest}' ELSE '${file.digest}' END
          WHERE digest IN ('${file.digest}', '${other.digest}')`,
      ],
      (tampered) => verify(tampered),
    );
    const about = report.discrepancies.filter(({ source }) => source === 'log_archive_file');
    expect(about.map(({ message }) => message)).toEqual([
      'its content is not what was recorded',
      'its content is not what was recorded',
      expect.stringContaining('has other rows than those that were archived'),
      expect.stringContaining('has other rows than those that were archived'),
    ]);
  });

  it('is named when the schema by which it is read was altered, whatever that makes of it', async () => {
    for (const column of await columnsOf(database, 'feature_field')) {
      const set = `"${column.name}" = ${otherValue(column)}`;
      const report = await found(
        `UPDATE feature_field SET ${set} WHERE feature_schema_id = ${file.featureSchemaId} AND position = 0`,
      );
      expect(report.map(({ source }) => source)).toContain('feature_field');
    }
  });

  it('is named when its hours were counted otherwise', async () => {
    for (const column of ['count', 'estimated', 'variance', 'first_at', 'last_at', 'hour']) {
      const type =
        column.endsWith('at') || column === 'hour' ? 'timestamp with time zone' : 'numeric';
      expect(
        await found(
          `UPDATE prediction_rollup SET ${column} = ${otherValue({ name: column, type })} WHERE hour = '2001-06-05T12:00:00Z'`,
        ),
      ).toContainEqual({ kind: 'ALTERED', source: 'prediction_rollup' });
    }
    expect(
      await found("DELETE FROM prediction_rollup WHERE hour = '2001-06-05T12:00:00Z'"),
    ).toEqual([{ kind: 'ALTERED', source: 'prediction_rollup' }]);
  });
});

describe('a file of a version', () => {
  it('is named when it was swapped; one that this store does not have is not missed', async () => {
    const rows = await database.query<{ digest: string }>({
      text: 'SELECT digest FROM artifact ORDER BY id LIMIT 2',
    });
    const [one = '', two = ''] = rows.map(({ digest }) => digest);
    const place = join(artifacts.location, storeKey(one));
    const own = await readFile(place);
    await copyFile(join(artifacts.location, storeKey(two)), place);
    const swapped = await verify();
    await rm(place);
    const missing = await verify();
    await writeFile(place, own);
    expect(swapped.discrepancies.map(({ kind, row }) => [kind, row])).toEqual([['ALTERED', one]]);
    expect(missing).toMatchObject({ artifacts: 1, discrepancyCount: 0 });
  });
});
