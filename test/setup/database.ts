import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import type { Database } from '../../src/platform/database.ts';
import { openPglite } from '../../src/platform/pglite.ts';
import { openPostgresql } from '../../src/platform/postgresql.ts';

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`;

/** A database of its own, migrated. */
export const openTestDatabase = async (): Promise<Database> => {
  const template = inject('template');
  return 'dump' in template
    ? openPglite({ memory: true, dump: await openAsBlob(template.dump) })
    : createDatabase(template.url, template.name);
};

/** A database of its own, with nothing in it. */
export const openEmptyDatabase = async (): Promise<Database> => {
  const template = inject('template');
  return 'dump' in template
    ? openPglite({ memory: true })
    : createDatabase(template.url, 'template0');
};

const createDatabase = async (url: string, template: string): Promise<Database> => {
  const name = `hindcast_test_${randomUUID().replaceAll('-', '')}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const location = new URL(url);
  location.pathname = `/${name}`;
  const database = openPostgresql(location.href, 4);
  return {
    ...database,
    close: async () => {
      await database.close();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
};

/** Opens a database that is closed after the tests of the calling file. */
export const useTestDatabase = async (): Promise<Database> => {
  const database = await openTestDatabase();
  afterAll(() => database.close());
  return database;
};

/** The SQL statements sent while `work` runs. */
export const statementsDuring = async (
  database: Database,
  work: () => Promise<unknown>,
): Promise<readonly string[]> => {
  const statements: string[] = [];
  const stop = database.observe((sql) => statements.push(sql));
  try {
    await work();
  } finally {
    stop();
  }
  return statements;
};
