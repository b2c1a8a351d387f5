import { describe, expect, it } from 'vitest';
import { committedTable, rowTextSql } from '../src/ledger/committed-tables.ts';
import { latestCheckpoint } from '../src/ledger/ledger-store.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import type { VerificationReport } from '../src/ledger/verify.ts';
import type { Database } from '../src/platform/database.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';
import { exampleLine, openTampering } from './setup/tampering.ts';

const { hindcast, context, verify, tamper, found } = await openTampering();
const { database } = hindcast;
const { signer } = context;
if (signer === null) throw new Error('There is no key.');

const kindsIn = ({ discrepancies }: VerificationReport): ReadonlySet<string> =>
  new Set(discrepancies.map(({ kind, source }) => `${kind} ${source}`));

const newest = async (): Promise<string> => (await latestCheckpoint(database))?.note ?? '';

const partitionOf = async (order: 'ASC' | 'DESC'): Promise<string> => {
  const [row] = await database.query<{ partition: string }>({
    text: `SELECT left(tableoid::regclass::text, 24) AS partition FROM prediction_log ORDER BY occurred_at ${order} LIMIT 1`,
  });
  return row?.partition ?? '';
};

/** Takes every entry out of the tree, and the tree away. */
const EMPTIED = [
  'UPDATE ledger_batch SET leaf_index = NULL',
  'DELETE FROM ledger_node',
  'DELETE FROM checkpoint',
];

const METRIC = committedTable('metric');

/** Changes a row and makes its entry fit it, as somebody does who knows how leaves are made. */
const REWRITTEN = [
  ...EMPTIED,
  'UPDATE metric SET value = 0.99',
  "SET LOCAL TimeZone = 'UTC'",
  `UPDATE ledger_batch b SET leaves = sha256(convert_to(${rowTextSql(METRIC)}, 'UTF8'))
    FROM metric t WHERE b.source = 'metric' AND b.row_key = json_build_array(t.id::text)::text`,
];

/** Triggers are how Citus empties and drops what other nodes have. */
const WITH_TRIGGERS = 'SET LOCAL session_replication_role = origin';

/** With triggers, by which Citus drops what is on other nodes. */
const dropped = (partition: string): readonly string[] => [
  WITH_TRIGGERS,
  `DROP TABLE ${partition}`,
  'SET LOCAL session_replication_role = replica',
];

describe('a truncated log', () => {
  it('is named, by the partition that was dropped and by nothing else', async () => {
    const partition = await partitionOf('ASC');
    const report = await tamper(dropped(partition), (tampered) => verify(tampered));
    expect(report.discrepancies).toContainEqual({
      kind: 'REMOVED',
      source: 'prediction_log',
      row: partition,
      message: expect.stringMatching(
        /^the partition is not there any more, with \d+ predictions, and was not archived$/,
      ),
    });
    expect(new Set(report.discrepancies.map(({ source }) => source))).toEqual(
      new Set(['prediction_log']),
    );
  });

  it('is named where its counts were dropped, too, or only emptied', async () => {
    const partition = await partitionOf('ASC');
    for (const statements of [
      [...dropped(partition), 'DELETE FROM prediction_rollup'],
      [WITH_TRIGGERS, `TRUNCATE ${partition}`],
      [WITH_TRIGGERS, `TRUNCATE ${partition}`, 'TRUNCATE prediction_rollup'],
      [WITH_TRIGGERS, 'TRUNCATE prediction_log', 'TRUNCATE prediction_rollup'],
    ]) {
      expect(await found(...statements)).toContainEqual({
        kind: 'REMOVED',
        source: 'prediction_log',
      });
    }
  });

  it('is named when an archive was made up for what was dropped', async () => {
    const partition = await partitionOf('ASC');
    const report = await tamper(
      [
        ...dropped(partition),
        `INSERT INTO log_archive (partition, covers_from, covers_to, row_count, reason, actor)
          SELECT '${partition}', now(), now(), 1, reason, actor FROM log_archive LIMIT 1`,
      ],
      (tampered) => verify(tampered),
    );
    expect(kindsIn(report)).toEqual(
      new Set(['INSERTED log_archive', 'REMOVED prediction_log', 'ALTERED prediction_log']),
    );
  });
});

describe('a ledger whose end was cut off', () => {
  it('with its newest records is told by a head that was kept, and by nothing else', async () => {
    const before = await newest();
    const occurredAt = '2001-02-01T23:30:00Z';
    const ids = ['cut-1', 'cut-2'];
    const lines = await Promise.all(ids.map((requestId) => exampleLine({ requestId, occurredAt })));
    expect(await appendPredictions(database, rawLines(lines))).toMatchObject({ stored: 2 });
    await sealLedger(database, signer);
    const kept = await newest();
    expect(kept).not.toBe(before);
    const size = Number(before.split('\n')[1]);
    const cut = [
      "DELETE FROM prediction_log WHERE request_id LIKE 'cut-%'",
      "DELETE FROM prediction_rollup WHERE hour = '2001-02-01T23:00:00Z'",
      `DELETE FROM ledger_batch WHERE leaf_index >= ${size}`,
      `DELETE FROM ledger_node WHERE (node_index + 1) * power(2, level) > ${size}`,
      `DELETE FROM checkpoint WHERE tree_size > ${size}`,
    ];
    expect((await tamper(cut, (tampered) => verify(tampered))).discrepancies).toEqual([]);
    const report = await tamper(cut, (tampered) => verify(tampered, [kept]));
    expect(report.discrepancies).toEqual([
      {
        kind: 'ROLLED_BACK',
        source: 'checkpoint',
        row: 'kept',
        message: expect.stringMatching(
          /^it was signed over \d+ entries, and there are \d+: the database is older than it, or its end was cut off$/,
        ),
      },
    ]);
    // What was sealed remains, so that the other tests find it whole.
    expect((await verify(database, [kept])).discrepancies).toEqual([]);
  });

  it('is told where the tree has entries and nodes that no head covers', async () => {
    expect(
      await found(
        'DELETE FROM checkpoint WHERE tree_size = (SELECT max(tree_size) FROM checkpoint)',
      ),
    ).toEqual([{ kind: 'REMOVED', source: 'checkpoint' }]);
    expect(
      await found(`UPDATE ledger_batch SET leaf_index = 100000 WHERE leaf_index = 3`),
    ).toContainEqual({ kind: 'INSERTED', source: 'ledger_batch' });
  });
});

describe('a history that was rewritten with all its hashes', () => {
  const sealedBy = (by: typeof signer, witnesses: readonly string[]) => async (on: Database) => {
    await sealLedger(on, by);
    return verify(on, witnesses);
  };

  it('is named when who did it lacks the key: nothing that is trusted signed it', async () => {
    const kept = await newest();
    const stranger = someSigner();
    const report = await tamper(REWRITTEN, sealedBy(stranger, []));
    expect(kindsIn(report)).toEqual(
      new Set(['INSERTED signing_key', 'ALTERED checkpoint', 'REMOVED checkpoint']),
    );
    const unsealed = await tamper(REWRITTEN, (on) => verify(on, [kept]));
    expect(kindsIn(unsealed)).toEqual(new Set(['ROLLED_BACK checkpoint']));
  });

  it('is named when who did it has the key, by a head that was kept, and by nothing else', async () => {
    const kept = await newest();
    expect((await tamper(REWRITTEN, sealedBy(signer, []))).discrepancies).toEqual([]);
    const report = await tamper(REWRITTEN, sealedBy(signer, [kept]));
    const size = kept.split('\n')[1];
    expect(report.discrepancies).toEqual([
      {
        kind: 'ALTERED',
        source: 'checkpoint',
        row: 'kept',
        message: `the ledger's first ${size} entries have another root than the one signed`,
      },
    ]);
  });

  it('is not to be told from a true one while nothing was sealed', async () => {
    const report = await tamper(EMPTIED, (on) => verify(on));
    expect(report).toMatchObject({ entries: 0, checkpoints: 0, discrepancyCount: 0 });
    expect(report.pending).toBeGreaterThan(100);
  });
});
