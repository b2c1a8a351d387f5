import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { revokeApiKey } from '../src/access/api-key.ts';
import { recordSensitiveRead } from '../src/access/sensitive-read.ts';
import { connect } from '../src/cli/connection.ts';
import { EXAMPLE } from '../src/cli/demo.ts';
import { playHistory, registerVersions, storeModels } from '../src/cli/demo-history.ts';
import { COMMITTED_TABLES } from '../src/ledger/committed-tables.ts';
import { eraseEntity } from '../src/ledger/erase-entity.ts';
import { sealLedger } from '../src/ledger/seal.ts';
import { type VerificationReport, verifyLedger } from '../src/ledger/verify.ts';
import { storeKey } from '../src/platform/artifact-store.ts';
import { type Context, localActor } from '../src/platform/context.ts';
import type { Database, Session } from '../src/platform/database.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { weekOf } from '../src/prediction/partitions.ts';
import { appendOutcomes } from '../src/prediction/store-outcomes.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { placeHold, releaseHold } from '../src/retention/place-hold.ts';
import { restorePartition } from '../src/retention/restore-partition.ts';
import { setRetentionPolicy } from '../src/retention/retention-policy-type.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { makeKey } from './setup/closed.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { rawLines } from './setup/ingest.ts';
import { someSigner } from './setup/signer.ts';

const signer = someSigner();
const actor = localActor('tester');
const hindcast = await openTestHindcast(actor, logRoutes, null, signer);
const { database, artifacts, archive } = hindcast;

const lines = async (file: string, count: number): Promise<readonly string[]> =>
  gunzipSync(await readFile(EXAMPLE + file))
    .toString()
    .split('\n')
    .slice(0, count);

/** A policy, holds, a week in the archive, and one that came back from it. */
const retain = async (context: Context, predictions: readonly string[]): Promise<void> => {
  await setRetentionPolicy(context, { keepDays: 90, reason: 'tested' });
  await placeHold(context, { entityKey: 'somebody', reason: 'case 1' });
  const number = await placeHold(context, { entityKey: 'another', reason: 'case 2' });
  await releaseHold(context, { number, reason: 'closed' });
  const other = { actor: 'tester', reason: 'tested' };
  for (const occurredAt of ['2001-06-05T12:00:00Z', '2001-06-12T12:00:00Z']) {
    const lines = predictions.slice(2, 5).map((line) =>
      JSON.stringify({
        ...(JSON.parse(line) as object),
        requestId: `z-${unique('late')}`,
        occurredAt,
      }),
    );
    await appendPredictions(database, rawLines(lines));
    await archivePartition(database, archive, weekOf(Date.parse(occurredAt) * 1000), other);
  }
  await restorePartition(database, archive, weekOf(Date.parse('2001-06-12') * 1000), other);
};

/** The registry of the example and the beginning of its log, with a conflict and an erasure. */
const load = async (): Promise<void> => {
  const connection = await connect({ url: hindcast.url });
  await storeModels(artifacts, EXAMPLE);
  await registerVersions(connection, EXAMPLE);
  await playHistory(connection, EXAMPLE, () => undefined);
  const predictions = await lines('predictions.ndjson.gz', 60);
  await appendPredictions(database, rawLines(predictions));
  const sampled = { ...(JSON.parse(predictions[2] ?? '') as object), samplingRate: 0.3 };
  const ids = ['sampled-1', 'sampled-2', 'sampled-3'];
  const stated = ids.map((requestId) => JSON.stringify({ ...sampled, requestId }));
  await appendPredictions(database, rawLines(stated));
  await appendOutcomes(database, rawLines(await lines('outcomes.ndjson.gz', 60)));
  const record = JSON.parse(predictions[0] ?? '') as { entityKey: string; score: number };
  const other = JSON.parse(predictions[1] ?? '') as { entityKey: string };
  await appendPredictions(database, rawLines([JSON.stringify({ ...record, score: 0.5 })]));
  const order = { entityKey: other.entityKey, legalBasis: 'GDPR Art. 17(1)(a)', reason: 'asked' };
  const context = { database, actor, artifacts, archive, inferenceUrl: null, signer };
  await eraseEntity(context, order);
  await retain(context, predictions);
  await database.query({
    text: `INSERT INTO dataset_derivation (derived_id, source_id)
      SELECT max(id), min(id) FROM dataset_snapshot`,
  });
  await database.query({
    text: `INSERT INTO sampling_fact (endpoint_id, sequence, rule, key, rate, valid_from, reason, actor, recorded_at)
      SELECT min(id), 1, 'KEYED', 'ENTITY_KEY', 0.5, now(), 'cost', 'tester', now() FROM endpoint`,
  });
  const { id } = await makeKey(database, ['registry:read']);
  await revokeApiKey(database, id, { reason: 'left in a log', actor: 'tester' });
  await recordSensitiveRead(database, {
    actor: 'somebody',
    requestId: 'one',
    operation: null,
    kinds: ['OUTPUT'],
    subjects: ['one', 'two'],
    reason: null,
  });
  await sealLedger(database, signer);
};
await load();

const verify = (
  on: Database = database,
  witnesses: readonly string[] = [],
): Promise<VerificationReport> =>
  verifyLedger(on, {
    keys: [signer.verifierKey],
    witnesses: witnesses.map((note) => ({ note, where: 'kept' })),
    artifacts,
    archive,
  });

/** What a session sees, as if it were all there is. */
const seenBy = (session: Session): Database => ({
  ...database,
  copy: session.copy,
  // The transaction is there already, and has read.
  query: async (statement) =>
    statement.text.startsWith('SET TRANSACTION') ? [] : session.query(statement),
  transaction: (work) => work(seenBy(session)),
});

const checks = await database.query<{ text: string }>({
  text: `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS text
    FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND coninhcount = 0`,
});

/** Does something as one whom neither trigger nor constraint stops, looks, and undoes it. */
const tamper = async <Result>(
  work: (session: Session) => Promise<unknown>,
  look: (tampered: Database) => Promise<Result>,
): Promise<Result> => {
  const undo = new Error('undo');
  const seen: Result[] = [];
  await database
    .transaction(async (session) => {
      await session.query({ text: 'SET LOCAL session_replication_role = replica' });
      for (const { text } of checks) await session.query({ text });
      await work(session);
      seen.push(await look(seenBy(session)));
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  const [result] = seen;
  if (result === undefined) throw new Error('nothing was seen');
  return result;
};

const found = async (
  text: string,
): Promise<readonly Pick<VerificationReport['discrepancies'][number], 'kind' | 'source'>[]> => {
  const report = await tamper(async (session) => session.query({ text }), verify);
  return report.discrepancies.map(({ kind, source }) => ({ kind, source }));
};

interface Column {
  readonly name: string;
  readonly type: string;
}

const columnsOf = (table: string): Promise<Column[]> =>
  database.query<Column>({
    text: `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type FROM pg_attribute a
      WHERE a.attrelid = '${table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
  });

/** SQL for another value of a type. */
const other = ({ name, type }: Column): string => {
  const column = `"${name}"`;
  switch (type) {
    case 'integer':
    case 'bigint':
    case 'double precision':
      return `coalesce(${column} + 1000, 1)`;
    case 'text':
      return `coalesce(${column}, '') || '-'`;
    case 'boolean':
      return `NOT ${column}`;
    case 'timestamp with time zone':
      return `coalesce(${column}, now()) + interval '1 millisecond'`;
    case 'bytea':
      return `sha256(coalesce(${column}, ''))`;
    case 'text[]':
      return `array_append(${column}, 'other')`;
    case 'integer[]':
    case 'bigint[]':
    case 'double precision[]':
      return `array_append(${column}, 7)`;
    case 'uuid':
      return 'gen_random_uuid()';
    default:
      return `(SELECT e FROM unnest(enum_range(NULL::${type})) e WHERE e IS DISTINCT FROM ${column} LIMIT 1)`;
  }
};

/** One row of a table, the same at each call. */
const someRow = (table: string): string =>
  `ctid = (SELECT min(ctid) FROM ${table}) AND tableoid = (SELECT min(tableoid) FROM ${table} WHERE ctid = (SELECT min(ctid) FROM ${table}))`;

describe('verification', () => {
  it('finds everything as it was recorded, and counts what it read', async () => {
    const report = await verify();
    expect(report.discrepancies).toEqual([]);
    const [row] = await database.query<{ entries: bigint; outcomes: bigint }>({
      text: `SELECT (SELECT count(*) FROM ledger_batch) AS entries, (SELECT count(*) FROM prediction_outcome) AS outcomes`,
    });
    expect(report).toMatchObject({
      entries: Number(row?.entries),
      outcomes: Number(row?.outcomes),
      checkpoints: 1,
      artifacts: 2,
      archives: 1,
      pending: 0,
      discrepancyCount: 0,
    });
  });

  it('covers every table of the database that evidence rests on', async () => {
    const tables = await database.query<{ name: string }>({
      text: `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
    });
    const others = [
      '_prisma_migrations',
      'checkpoint',
      // Compared with the commitments of the holds.
      'held_entity',
      'ledger_batch',
      'ledger_node',
      'prediction_log',
      'prediction_outcome',
      'prediction_rollup',
      // Waiting rooms are no evidence: what waits there has not been accepted.
      'rejected_record',
      // What was computed from evidence can be computed again.
      'replay_job',
      'api_key_use',
      'replay_result',
    ];
    expect([...COMMITTED_TABLES.map(({ table }) => table), ...others].sort()).toEqual(
      tables.map(({ name }) => name),
    );
  });

  for (const { table } of COMMITTED_TABLES) {
    it(`names a row of ${table} whose columns were altered, that was removed, or inserted`, async () => {
      const columns = await columnsOf(table);
      for (const column of columns) {
        const set = `"${column.name}" = ${other(column)}`;
        const report = await tamper(
          (session) =>
            session.query({ text: `UPDATE ${table} SET ${set} WHERE ${someRow(table)}` }),
          verify,
        );
        const kinds = report.discrepancies
          .filter(({ source }) => source === table)
          .map(({ kind }) => kind);
        expect({ [column.name]: kinds.length > 0 }).toEqual({ [column.name]: true });
      }
      expect(await found(`DELETE FROM ${table} WHERE ${someRow(table)}`)).toContainEqual({
        kind: 'REMOVED',
        source: table,
      });
      const copied = columns.map((column) =>
        COMMITTED_TABLES.some((one) => one.table === table && one.keys.includes(column.name))
          ? other(column)
          : `"${column.name}"`,
      );
      const names = columns.map(({ name }) => `"${name}"`).join(', ');
      const inserted = await tamper(async (session) => {
        for (const { name } of await session.query<{ name: string }>({
          text: `SELECT quote_ident(c.relname) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = '${table}'::regclass AND i.indisunique AND NOT i.indisprimary`,
        })) {
          await session.query({ text: `DROP INDEX ${name}` });
        }
        await session.query({
          text: `INSERT INTO ${table} (${names}) SELECT ${copied.join(', ')} FROM ${table} WHERE ${someRow(table)}`,
        });
      }, verify);
      expect(inserted.discrepancies.map(({ kind, source }) => ({ kind, source }))).toContainEqual({
        kind: 'INSERTED',
        source: table,
      });
    });
  }

  for (const table of ['prediction_log', 'prediction_outcome'] as const) {
    it(`names a row of ${table} whose columns were altered, or that was removed`, async () => {
      for (const column of await columnsOf(table)) {
        const report = await tamper(async (session) => {
          const kept = table === 'prediction_log' ? 'digest IS NOT NULL AND ' : '';
          const isIt = `${kept} (request_id, item) =
            (SELECT request_id, item FROM ${table} WHERE ${kept} true ORDER BY 1 LIMIT 1)`;
          // Taken out and put in again: a cluster refuses to update what decides which node has the row.
          for (const text of [
            `CREATE TEMP TABLE altered AS SELECT * FROM ${table} WHERE ${isIt}`,
            `UPDATE altered SET "${column.name}" = ${other(column)}`,
            `DELETE FROM ${table} WHERE ${isIt}`,
            `INSERT INTO ${table} SELECT * FROM altered`,
          ]) {
            await session.query({ text });
          }
        }, verify);
        const kinds = report.discrepancies
          .filter(({ source }) => source === table)
          .map(({ kind }) => kind);
        expect({ [column.name]: kinds.length > 0 }).toEqual({ [column.name]: true });
      }
      const kept = table === 'prediction_log' ? 'WHERE digest IS NOT NULL' : '';
      expect(
        await found(
          `DELETE FROM ${table} WHERE request_id = (SELECT min(request_id) FROM ${table} ${kept})`,
        ),
      ).toContainEqual({ kind: 'REMOVED', source: table });
    });
  }

  it('names a prediction that was inserted, and one that was blanked without an erasure', async () => {
    const names = (await columnsOf('prediction_log')).map(({ name }) => name);
    const values = names.map((name) => (name === 'item' ? 'item + 7' : name));
    expect(
      await found(`INSERT INTO prediction_log (${names.join(', ')})
        SELECT ${values.join(', ')} FROM prediction_log WHERE digest IS NOT NULL ORDER BY request_id LIMIT 1`),
    ).toEqual([
      { kind: 'INSERTED', source: 'prediction_log' },
      { kind: 'ALTERED', source: 'prediction_rollup' },
    ]);
    expect(
      await found(`UPDATE prediction_log SET salt = NULL, digest = NULL WHERE request_id =
        (SELECT min(request_id) FROM prediction_log WHERE digest IS NOT NULL)`),
    ).toEqual([
      { kind: 'REMOVED', source: 'prediction_log' },
      { kind: 'ALTERED', source: 'prediction_log' },
    ]);
  });

  it('names counts that are not those of the records', async () => {
    for (const column of ['count', 'estimated', 'variance']) {
      expect(
        await found(
          `UPDATE prediction_rollup SET ${column} = ${column} + 1 WHERE ${someRow('prediction_rollup')}`,
        ),
      ).toEqual([{ kind: 'ALTERED', source: 'prediction_rollup' }]);
    }
  });

  it('names what was altered in the ledger itself', async () => {
    expect(
      await found(
        "UPDATE ledger_batch SET recorded_at = recorded_at + interval '1 second' WHERE leaf_index = 3",
      ),
    ).toEqual([{ kind: 'ALTERED', source: 'ledger_batch' }]);
    expect(
      await found('UPDATE ledger_node SET hash = sha256(hash) WHERE level = 2 AND node_index = 0'),
    ).toEqual([{ kind: 'ALTERED', source: 'ledger_node' }]);
    const [row] = await database.query<{ key: string }>({
      text: "SELECT row_key AS key FROM ledger_batch WHERE source = 'metric' ORDER BY id LIMIT 1",
    });
    const forged = await tamper(async (session) => {
      // A row and its entry, consistently: only the signed head is against it.
      await session.query({
        text: `UPDATE ledger_batch SET leaves = sha256('forged') WHERE source = 'metric' AND row_key = '${row?.key}'`,
      });
      await session.query({
        text: "UPDATE ledger_node SET hash = sha256('forged') WHERE level = 0 AND node_index = 0",
      });
    }, verify);
    expect(new Set(forged.discrepancies.map(({ source }) => source))).toEqual(
      new Set(['ledger_batch', 'ledger_node', 'checkpoint', 'metric']),
    );
  });

  it('names heads that no trusted key signed', async () => {
    const stranger = someSigner('hindcast/test');
    const report = await verifyLedger(database, {
      keys: [stranger.verifierKey],
      witnesses: [],
      artifacts,
      archive,
    });
    expect(report.discrepancies.map(({ kind, source }) => `${kind} ${source}`)).toEqual([
      'ALTERED checkpoint',
      'REMOVED checkpoint',
    ]);
  });

  it('names a log whose end was cut off, and a database that is older than a head that was kept', async () => {
    const { note } = await sealLedgerAfter(2);
    const cut = `DELETE FROM ledger_batch WHERE leaf_index >= (SELECT max(leaf_index) FROM ledger_batch) - 1`;
    const report = await tamper(
      async (session) => {
        for (const text of [
          cut,
          'DELETE FROM checkpoint WHERE tree_size = (SELECT max(tree_size) FROM checkpoint)',
          'DELETE FROM ledger_node WHERE level = 0 AND node_index > (SELECT max(leaf_index) FROM ledger_batch)',
        ]) {
          await session.query({ text });
        }
      },
      (tampered) => verify(tampered, [note]),
    );
    expect(report.discrepancies).toContainEqual({
      kind: 'ROLLED_BACK',
      source: 'checkpoint',
      row: 'kept',
      message: expect.stringMatching(/^it was signed over \d+ entries, and there are \d+: /),
    });
  });

  it('names a partition that was dropped without being archived, and nothing else', async () => {
    const [row] = await database.query<{ partition: string }>({
      text: 'SELECT left(tableoid::regclass::text, 24) AS partition FROM prediction_log ORDER BY occurred_at LIMIT 1',
    });
    const partition = row?.partition ?? '';
    const report = await tamper(
      (session) => session.query({ text: `DROP TABLE ${partition}` }),
      verify,
    );
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

  it('names an archive that was edited, one that is missing, and counts that are not its own', async () => {
    const [file] = await selectArchiveFiles(database, 'TRUE');
    const digest = file?.digest ?? '';
    const path = join(archive.location, storeKey(digest));
    const bytes = await readFile(path);
    await writeFile(path, Buffer.concat([bytes, Buffer.from('edited')]));
    const edited = await verify();
    await rm(path);
    const missing = await verify();
    await writeFile(path, bytes);
    expect([...edited.discrepancies, ...missing.discrepancies]).toEqual([
      {
        kind: 'ALTERED',
        source: 'log_archive_file',
        row: expect.any(String),
        message: expect.stringContaining(`${digest}, was altered: its bytes give sha256:`),
      },
      {
        kind: 'REMOVED',
        source: 'log_archive_file',
        row: expect.any(String),
        message: `the archive of prediction_log_p20010604, ${digest}, was put into ${archive.location} and is not there any more`,
      },
    ]);
    expect(
      await found("UPDATE prediction_rollup SET count = 7 WHERE hour = '2001-06-05T12:00:00Z'"),
    ).toEqual([{ kind: 'ALTERED', source: 'prediction_rollup' }]);
    expect(await found("UPDATE held_entity SET entity_key = 'anybody'")).toEqual([
      { kind: 'ALTERED', source: 'held_entity' },
    ]);
    expect((await verify()).discrepancies).toEqual([]);
  });

  it('names a file that was swapped', async () => {
    const [row] = await database.query<{ digest: string }>({
      text: 'SELECT digest FROM artifact ORDER BY id LIMIT 1',
    });
    const digest = row?.digest ?? '';
    const path = join(artifacts.location, storeKey(digest));
    const bytes = await readFile(path);
    await writeFile(path, 'swapped');
    const report = await verify();
    await rm(path);
    await writeFile(path, bytes);
    expect(report.discrepancies.map(({ kind, row: name }) => [kind, name])).toEqual([
      ['ALTERED', digest],
    ]);
  });
});

/** Records something as often as asked, seals it, and gives the head. */
const sealLedgerAfter = async (count: number): Promise<{ note: string }> => {
  const [line = ''] = await lines('predictions.ndjson.gz', 1);
  for (let index = 0; index < count; index += 1) {
    const record = { ...(JSON.parse(line) as object), requestId: `sealed-${index}` };
    await appendPredictions(database, rawLines([JSON.stringify(record)]));
  }
  const { note } = await sealLedger(database, signer);
  return { note: note ?? '' };
};
