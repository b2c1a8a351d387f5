import { describe, expect, it } from 'vitest';
import { COMMITTED_TABLES, type CommittedTable } from '../src/ledger/committed-tables.ts';
import { verifyLedger } from '../src/ledger/verify.ts';
import {
  type Column,
  columnsOf,
  copied,
  otherValue,
  someRow,
  withoutUniqueIndexes,
} from './setup/altered-rows.ts';
import { someSigner } from './setup/signer.ts';
import { openTampering } from './setup/tampering.ts';

const { hindcast, verify, tamper, found } = await openTampering();
const { database, artifacts, archive } = hindcast;

/** Tables of what was recorded together, whose rows share an entry of the ledger. */
const RECORDS = ['prediction_log', 'prediction_outcome'] as const;

interface Derived {
  readonly table: string;
  /** Columns by which a copied row is another one. */
  readonly keys: readonly string[];
  /** The row that is tampered with. */
  readonly where: string;
  /** What is compared and differs with a column; null where nothing rests on that column. */
  readonly except: Readonly<Record<string, string>>;
}

/** The ledger itself, and what is compared with rows that it covers. */
const DERIVED: readonly Derived[] = [
  {
    table: 'ledger_batch',
    keys: ['id', 'leaf_index'],
    where: 'leaf_index = 3',
    except: { id: 'an entry is known by its place; records name it, see below' },
  },
  {
    table: 'ledger_node',
    keys: ['level', 'node_index'],
    where: 'level = 1 AND node_index = 2',
    except: {},
  },
  {
    table: 'checkpoint',
    keys: ['tree_size'],
    where: 'TRUE',
    except: { signed_at: 'signatures cover no time; each entry has the time at which it was made' },
  },
  {
    table: 'prediction_rollup',
    keys: ['feature_schema_id'],
    where: someRow('prediction_rollup'),
    except: {},
  },
  {
    table: 'held_entity',
    keys: ['hold_id'],
    where: 'TRUE',
    except: {},
  },
];

/** Tables that no evidence rests on, and why. */
const NO_EVIDENCE: Readonly<Record<string, string>> = {
  _prisma_migrations: '`hindcast migrate` compares it with the migrations that it has',
  api_key_use: 'when a key was last used is overwritten, to the minute',
  rejected_record: 'a waiting room: what waits there has not been accepted',
  replay_job: 'what was computed from evidence can be computed again',
  replay_result: 'what was computed from evidence can be computed again',
};

const columns: ReadonlyMap<string, readonly Column[]> = new Map(
  await Promise.all(
    [
      ...COMMITTED_TABLES.map(({ table }) => table),
      ...RECORDS,
      ...DERIVED.map(({ table }) => table),
    ].map(async (table) => [table, await columnsOf(database, table)] as const),
  ),
);
const of = (table: string): readonly Column[] => columns.get(table) ?? [];

/** What is said of rows that have an entry of their own. */
const ROW_MESSAGES = [
  'its content is not what was recorded',
  'it was recorded and is not there any more',
  'it is there, and nothing of it was recorded',
];

/** Tables of which something is said, of a kind if one is given. */
const named = async (
  statements: readonly string[],
  kind: string | null = null,
): Promise<ReadonlySet<string>> => {
  const { discrepancies } = await tamper(statements, (tampered) => verify(tampered));
  return new Set(
    discrepancies
      .filter(({ message }) => ROW_MESSAGES.includes(message))
      .filter((one) => kind === null || one.kind === kind)
      .map(({ source }) => source),
  );
};

const unnamed = (tables: readonly CommittedTable[], sources: ReadonlySet<string>) =>
  tables.map(({ table }) => table).filter((table) => !sources.has(table));

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

  it('covers every table of the database, but for those that no evidence rests on', async () => {
    const tables = await database.query<{ name: string }>({
      text: `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
    });
    const classed = [...columns.keys(), ...Object.keys(NO_EVIDENCE)];
    expect(classed.sort()).toEqual(tables.map(({ name }) => name));
  });

  it('names a row of every committed table in which any one column was altered', async () => {
    const rounds = Math.max(...COMMITTED_TABLES.map(({ table }) => of(table).length));
    for (let round = 0; round < rounds; round += 1) {
      const altered = COMMITTED_TABLES.filter(({ table }) => round < of(table).length);
      const statements = altered.map(({ table }) => {
        const column = of(table)[round] ?? { name: '', type: '' };
        return `UPDATE ${table} SET "${column.name}" = ${otherValue(column)} WHERE ${someRow(table)}`;
      });
      const sources = await named(statements);
      expect({ round, unnamed: unnamed(altered, sources) }).toEqual({ round, unnamed: [] });
    }
  });

  it('names a row that was removed from any committed table', async () => {
    // What was erased may be gone: without that fact, and without its entry, everything else is looked at alone.
    const statements = COMMITTED_TABLES.map(
      ({ table }) => `DELETE FROM ${table} WHERE ${someRow(table)}`,
    );
    expect(unnamed(COMMITTED_TABLES, await named(statements, 'REMOVED'))).toEqual([]);
  });

  it('names a row that was inserted into any committed table', async () => {
    const statements: string[] = [];
    for (const { table, keys } of COMMITTED_TABLES) {
      statements.push(...(await withoutUniqueIndexes(database, table)));
      statements.push(copied(table, of(table), keys));
    }
    expect(unnamed(COMMITTED_TABLES, await named(statements, 'INSERTED'))).toEqual([]);
  });

  it('names a record in which any one column was altered, or that was removed', async () => {
    const altered: { table: string; column: string; requestId: string }[] = [];
    const statements: string[] = [];
    for (const table of RECORDS) {
      const kept = table === 'prediction_log' ? 'WHERE digest IS NOT NULL' : '';
      const rows = await database.query<{ id: string }>({
        text: `SELECT request_id AS id FROM ${table} ${kept} GROUP BY 1 HAVING count(*) = 1 ORDER BY 1`,
      });
      // Taken out and put in again: a cluster refuses to update what decides which node has the row.
      statements.push(`CREATE TEMP TABLE altered_${table} AS SELECT * FROM ${table} ${kept}`);
      for (const [index, column] of of(table).entries()) {
        const requestId = rows[index]?.id ?? '';
        altered.push({ table, column: column.name, requestId });
        statements.push(
          `UPDATE altered_${table} SET "${column.name}" = ${otherValue(column)} WHERE request_id = '${requestId}'`,
        );
      }
      statements.push(
        `DELETE FROM ${table} ${kept}`,
        `INSERT INTO ${table} SELECT * FROM altered_${table}`,
      );
    }
    const { discrepancies } = await tamper(statements, (tampered) => verify(tampered));
    const missed = altered.filter(
      ({ table, requestId }) =>
        !discrepancies.some(({ source, row }) => source === table && row.includes(`"${requestId}`)),
    );
    expect(altered.length).toBeGreaterThan(30);
    expect(missed).toEqual([]);
    // Nothing is said of those that were put back as they were.
    expect(discrepancies.filter(({ kind }) => kind === 'INSERTED').length).toBeLessThan(5);
    for (const table of RECORDS) {
      const kept = table === 'prediction_log' ? 'WHERE digest IS NOT NULL' : '';
      expect(
        await found(
          `DELETE FROM ${table} WHERE request_id = (SELECT min(request_id) FROM ${table} ${kept})`,
        ),
      ).toContainEqual({ kind: 'REMOVED', source: table });
    }
  });

  it('names a record that was inserted, and one that was blanked without an erasure', async () => {
    // By its request: several nodes of a cluster have a row in the same place.
    const first = 'digest IS NOT NULL ORDER BY request_id LIMIT 1';
    expect(await found(copied('prediction_log', of('prediction_log'), ['item'], first))).toEqual([
      { kind: 'INSERTED', source: 'prediction_log' },
      { kind: 'ALTERED', source: 'prediction_rollup' },
    ]);
    expect(
      await found(copied('prediction_outcome', of('prediction_outcome'), ['item'], first)),
    ).toEqual([{ kind: 'INSERTED', source: 'prediction_outcome' }]);
    expect(
      await found(`UPDATE prediction_log SET salt = NULL, digest = NULL WHERE request_id =
        (SELECT min(request_id) FROM prediction_log WHERE digest IS NOT NULL)`),
    ).toEqual([
      { kind: 'REMOVED', source: 'prediction_log' },
      { kind: 'ALTERED', source: 'prediction_log' },
    ]);
  });

  for (const { table, keys, where, except } of DERIVED) {
    it(`names a row of ${table} in which any one column was altered, that was removed or inserted`, async () => {
      for (const column of of(table)) {
        const set = `"${column.name}" = ${otherValue(column)}`;
        const kinds = await found(`UPDATE ${table} SET ${set} WHERE ${where}`);
        const isNamed = kinds.some(({ source }) => source === table);
        const expected = except[column.name] === undefined;
        expect({ [column.name]: isNamed }).toEqual({ [column.name]: expected });
      }
      const removed = await found(`DELETE FROM ${table} WHERE ${where}`);
      expect(removed.map(({ source }) => source)).toContain(table);
      const inserted = await found(
        ...(await withoutUniqueIndexes(database, table)),
        copied(table, of(table), keys, where),
      );
      expect(inserted.map(({ source }) => source)).toContain(table);
    });
  }

  it('names the records of a batch that goes by another number', async () => {
    const batch = "(SELECT min(id) FROM ledger_batch WHERE source = 'prediction_log')";
    expect(
      await found(`UPDATE ledger_batch SET id = id + 100000 WHERE id = ${batch}`),
    ).toContainEqual({ kind: 'INSERTED', source: 'prediction_log' });
  });

  it('names a row and its entry that were forged together', async () => {
    const forged = await tamper(
      [
        `UPDATE ledger_batch SET leaves = sha256('forged') WHERE source = 'metric' AND id =
          (SELECT min(id) FROM ledger_batch WHERE source = 'metric')`,
        "UPDATE ledger_node SET hash = sha256('forged') WHERE level = 0 AND node_index = 0",
      ],
      (tampered) => verify(tampered),
    );
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
});
