import { afterAll, describe, expect, it } from 'vitest';
import {
  MigrationError,
  migrate,
  pendingMigrations,
  readMigrations,
} from '../src/platform/migrate.ts';
import { sqlStatements } from '../src/platform/sql-statements.ts';
import { openEmptyDatabase, openTestDatabase } from './setup/database.ts';
import { REGISTRY_TABLES } from './setup/registry.ts';

const database = await openTestDatabase();
afterAll(() => database.close());

describe('migrate', () => {
  it('applies nothing to a database that is up to date', async () => {
    expect(await migrate(database)).toEqual([]);
  });

  it('records each migration as Prisma does', async () => {
    const ours = await readMigrations();
    const rows = await database.query({
      text: `SELECT migration_name, checksum, applied_steps_count, rolled_back_at, finished_at IS NOT NULL AS finished
               FROM _prisma_migrations ORDER BY started_at`,
    });
    expect(rows).toEqual(
      ours.map(({ name, checksum }) => ({
        migration_name: name,
        checksum,
        applied_steps_count: 1,
        rolled_back_at: null,
        finished: true,
      })),
    );
  });

  it('is done once when several start at the same time on an empty database', async () => {
    const empty = await openEmptyDatabase();
    try {
      // One process owns an embedded database, so there they come one after the other.
      const starts =
        empty.engine === 'postgresql'
          ? await Promise.all([migrate(empty), migrate(empty), migrate(empty)])
          : [await migrate(empty), await migrate(empty), await migrate(empty)];
      const names = (await readMigrations()).map(({ name }) => name);
      expect(starts.map(({ length }) => length).sort()).toEqual([0, 0, names.length]);
      const [row] = await empty.query<{ recorded: bigint }>({
        text: 'SELECT count(*) AS recorded FROM _prisma_migrations',
      });
      expect(row).toEqual({ recorded: BigInt(names.length) });
    } finally {
      await empty.close();
    }
  });

  it('undoes a migration that the database refuses, and records nothing', async () => {
    const broken = {
      name: '99990101000000_broken',
      checksum: 'f'.repeat(64),
      script: 'CREATE TABLE half_way (id int); SELECT 1/0;',
    };
    await expect(migrate(database, [...(await readMigrations()), broken])).rejects.toThrow(
      'Migration 99990101000000_broken was refused by the database and undone: division by zero',
    );
    const [state] = await database.query<{ half_way: string | null; recorded: bigint }>({
      text: `SELECT to_regclass('half_way')::text AS half_way,
                    (SELECT count(*) FROM _prisma_migrations WHERE migration_name = '99990101000000_broken') AS recorded`,
    });
    expect(state).toEqual({ half_way: null, recorded: 0n });
  });

  it.each([...REGISTRY_TABLES, 'endpoint', 'deployment', 'deployment_fact', 'sampling_fact'])(
    'lets nobody delete from or empty %s',
    async (table) => {
      await expect(database.query({ text: `DELETE FROM ${table}` })).rejects.toThrow(
        `${table} is append-only: DELETE is refused`,
      );
      await expect(database.query({ text: `TRUNCATE ${table} CASCADE` })).rejects.toThrow(
        /is append-only: TRUNCATE is refused/,
      );
    },
  );
});

describe('the recorded history', () => {
  const ours = [
    { name: '1_first', script: '', checksum: 'a' },
    { name: '2_second', script: '', checksum: 'b' },
  ];
  const recorded = { migration_name: '1_first', checksum: 'a', is_finished: true, logs: null };

  it('leaves what was not applied', () => {
    expect(pendingMigrations(ours, [recorded]).map(({ name }) => name)).toEqual(['2_second']);
  });

  it.each([
    [{ ...recorded, checksum: 'z' }, 'was edited after it was applied'],
    [{ ...recorded, is_finished: false, logs: 'boom' }, 'failed half-way: boom'],
    [{ ...recorded, migration_name: '3_third' }, 'It was written by a newer version'],
  ])('refuses %j', (applied, message) => {
    expect(() => pendingMigrations(ours, [applied])).toThrow(MigrationError);
    expect(() => pendingMigrations(ours, [applied])).toThrow(message);
  });
});

describe('sqlStatements', () => {
  it('splits at semicolons outside quotes, bodies and comments', () => {
    const script = `-- a; comment
      SELECT 'a;b', "c;d"; /* e;f */
      CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;
      SELECT $tag$ ; $tag$ -- end;
    `;
    expect(sqlStatements(script)).toEqual([
      `SELECT 'a;b', "c;d"`,
      'CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$',
      'SELECT $tag$ ; $tag$ -- end;',
    ]);
  });
});
