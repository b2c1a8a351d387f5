import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/platform/migrate.ts';
import { openPglite } from '../../src/platform/pglite.ts';
import { openPostgresql } from '../../src/platform/postgresql.ts';
import {
  type ClusterNode,
  clusterNodes,
  createDatabase,
  dropDatabase,
} from './postgresql-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database to copy: a PGlite dump file, or the name of a PostgreSQL template database. */
    template: { dump: string } | { url: string; name: string; nodes: readonly ClusterNode[] };
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
  const nodes = await clusterNodes(url);
  const name = `hindcast_template_${process.pid}`;
  const location = await createDatabase(url, name, 'template0', nodes);
  const database = openPostgresql(location, 2);
  await migrate(database);
  await database.close();
  project.provide('template', { url, name, nodes });
  return () => dropDatabase(url, name, nodes);
};
