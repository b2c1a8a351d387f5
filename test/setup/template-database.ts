import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/platform/migrate.ts';
import { openPglite } from '../../src/platform/pglite.ts';
import { openPostgresql } from '../../src/platform/postgresql.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database to copy: a PGlite dump file, or the name of a PostgreSQL template database. */
    template: { dump: string } | { url: string; name: string };
  }
}

/** Migrates one database, which each test file then copies. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const url = process.env.TEST_DATABASE_URL;
  return url === undefined ? embedded(project) : postgresql(project, url);
};

const embedded = async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-template-'));
  const dump = join(folder, 'template.tar');
  const database = await openPglite({ folder: join(folder, 'data') });
  await migrate(database);
  await database.close();
  const pglite = await PGlite.create({ dataDir: join(folder, 'data', 'pgdata') });
  await writeFile(dump, Buffer.from(await (await pglite.dumpDataDir('none')).arrayBuffer()));
  await pglite.close();
  project.provide('template', { dump });
  return () => rm(folder, { recursive: true, force: true });
};

const postgresql = async (project: TestProject, url: string): Promise<() => Promise<void>> => {
  const name = `hindcast_template_${process.pid}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const location = new URL(url);
  location.pathname = `/${name}`;
  const database = openPostgresql(location.href, 2);
  await migrate(database);
  await database.close();
  project.provide('template', { url, name });
  return async () => {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  };
};
