import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Database, isUnavailable, type Session, sqlState } from './database.ts';
import { sqlStatements } from './sql-statements.ts';

/** The key that Prisma Migrate locks too, so the two exclude each other. */
const LOCK = 72707369;

/** SQLSTATE of a query on a table that does not exist. */
const UNDEFINED_TABLE = '42P01';

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations/', import.meta.url));

export interface Migration {
  readonly name: string;
  readonly script: string;
  /** SHA-256 of the script in hex, as Prisma records it. */
  readonly checksum: string;
}

interface AppliedMigration {
  readonly migration_name: string;
  readonly checksum: string;
  readonly is_finished: boolean;
  readonly logs: string | null;
}

/** The database cannot be brought to this version of Hindcast; the message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Which migrations remain to be applied; throws when the recorded history is not a beginning of ours. */
export const pendingMigrations = (
  ours: readonly Migration[],
  recorded: readonly AppliedMigration[],
): readonly Migration[] => {
  const byName = new Map(ours.map((migration) => [migration.name, migration]));
  for (const applied of recorded) {
    const migration = byName.get(applied.migration_name);
    if (migration === undefined) {
      throw new MigrationError(
        `The database has migration ${applied.migration_name}, which this version of Hindcast does not know. ` +
          'It was written by a newer version: install that version or later.',
      );
    }
    if (!applied.is_finished) {
      throw new MigrationError(
        `Migration ${applied.migration_name} failed half-way${applied.logs ? `: ${applied.logs}` : ''}. ` +
          'Undo what it left behind, then run `npx prisma migrate resolve --rolled-back ' +
          `${applied.migration_name}\` and \`hindcast migrate\` again.`,
      );
    }
    if (migration.checksum !== applied.checksum) {
      throw new MigrationError(
        `Migration ${applied.migration_name} was edited after it was applied ` +
          `(recorded ${applied.checksum.slice(0, 12)}…, now ${migration.checksum.slice(0, 12)}…). ` +
          'Restore the original file and put the change into a new migration.',
      );
    }
  }
  const known = new Set(recorded.map((applied) => applied.migration_name));
  return ours.filter((migration) => !known.has(migration.name));
};

export const readMigrations = async (folder = MIGRATIONS): Promise<readonly Migration[]> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const script = await readFile(`${folder}/${name}/migration.sql`, 'utf8');
      return { name, script, checksum: createHash('sha256').update(script).digest('hex') };
    }),
  );
};

/**
 * Brings the database to the newest migration and returns the names of those applied. Each migration is one transaction
 * with its record in `_prisma_migrations`, so one that fails leaves nothing. Processes that start together take turns.
 */
export const migrate = async (
  database: Database,
  migrations?: readonly Migration[],
): Promise<readonly string[]> => {
  const ours = migrations ?? (await readMigrations());
  return database.session(async (session) => {
    await takeTurn(session);
    try {
      await session.query({ text: MIGRATIONS_TABLE });
      const pending = pendingMigrations(ours, await recordedMigrations(session));
      for (const migration of pending) await apply(session, migration);
      return pending.map((migration) => migration.name);
    } finally {
      await session
        .query({ text: 'SELECT pg_advisory_unlock($1)', values: [LOCK] })
        .catch(() => {});
    }
  });
};

/** Waits for the processes that are at it, however long they take. */
const takeTurn = async (session: Session): Promise<void> => {
  await session.query({ text: 'BEGIN' });
  await session.query({ text: 'SET LOCAL lock_timeout = 0' });
  await session.query({ text: 'SELECT pg_advisory_lock($1)', values: [LOCK] });
  await session.query({ text: 'COMMIT' });
};

/** Which migrations the database lacks, without changing it; throws when its history is not a beginning of ours. */
export const unappliedMigrations = async (
  session: Session,
  ours: readonly Migration[],
): Promise<readonly Migration[]> => {
  const recorded = await recordedMigrations(session).catch((error: unknown) => {
    if (sqlState(error) === UNDEFINED_TABLE) return [];
    throw error;
  });
  return pendingMigrations(ours, recorded);
};

const recordedMigrations = (session: Session): Promise<AppliedMigration[]> =>
  session.query<AppliedMigration>({
    text: `SELECT migration_name, checksum, logs, finished_at IS NOT NULL AS is_finished
             FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  });

const apply = async (session: Session, { name, script, checksum }: Migration): Promise<void> => {
  const statements = sqlStatements(script);
  await session.query({ text: 'BEGIN' });
  try {
    // Citus wants this before a transaction that changes a table on several nodes; elsewhere it means nothing.
    await session.query({
      text: `SELECT set_config('citus.multi_shard_modify_mode', 'sequential', TRUE)`,
    });
    // Sent one at a time: Citus refuses several commands in one message.
    for (const text of statements) await session.query({ text });
    await session.query({
      text: `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
             VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      values: [randomUUID(), checksum, name],
    });
    await session.query({ text: 'COMMIT' });
  } catch (error) {
    await session.query({ text: 'ROLLBACK' }).catch(() => {});
    // That is nothing of the migration's, and undone just as well.
    if (isUnavailable(error)) throw error;
    throw new MigrationError(
      `Migration ${name} was refused by the database and undone: ${error instanceof Error ? error.message : String(error)}. ` +
        'Mend what it names, and run `hindcast migrate` again.',
      { cause: error },
    );
  }
};

// As Prisma Migrate creates it.
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;
