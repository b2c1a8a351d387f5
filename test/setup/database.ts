import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { afterAll, inject } from 'vitest';
import type { Database } from '../../src/platform/database.ts';
import { openPglite } from '../../src/platform/pglite.ts';
import { openPostgresql } from '../../src/platform/postgresql.ts';
import { copyDatabase, databaseAt, dropDatabase } from './postgresql-database.ts';
import type { ServerTemplate } from './template-database.ts';

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`;

/** A database of its own, migrated. */
export const openTestDatabase = async (): Promise<Database> => {
  const template = inject('template');
  if ('dump' in template) {
    return openPglite({ memory: true, dump: await openAsBlob(template.dump) });
  }
  return openCopy(template, template.name);
};

/** A database of its own, with nothing in it. */
export const openEmptyDatabase = async (): Promise<Database> => {
  const template = inject('template');
  return 'dump' in template ? openPglite({ memory: true }) : openCopy(template, template.empty);
};

const openCopy = async ({ url, nodes }: ServerTemplate, template: string): Promise<Database> => {
  const name = `hindcast_test_${randomUUID().replaceAll('-', '')}`;
  const database = openPostgresql(await copyDatabase(url, name, template, nodes), 4);
  return {
    ...database,
    close: async () => {
      await database.close();
      await dropDatabase(url, name, nodes);
    },
  };
};

/** The address of a database for another process; the location alone has no user. */
export const urlOf = ({ location }: Pick<Database, 'location'>): string => {
  const template = inject('template');
  if ('dump' in template) throw new Error('The embedded database has no address.');
  return databaseAt(template.url, new URL(location).pathname.slice(1));
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
