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
  copyDatabase,
  dropDatabase,
  joinNodes,
} from './postgresql-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database to copy: a PGlite dump file, or a PostgreSQL template database. */
    template: { dump: string } | ServerTemplate;
  }
}

export interface ServerTemplate {
  /** Where databases are made. */
  readonly url: string;
  /** Name of the migrated database. */
  readonly name: string;
  /** Name of a database with nothing in it. */
  readonly empty: string;
  readonly nodes: readonly ClusterNode[];
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
  const empty = nodes.length === 0 ? 'template0' : `${name}_empty`;
  if (nodes.length > 0) {
    await copyDatabase(url, empty, 'template0', nodes);
    await joinNodes(url, empty, nodes);
  }
  const database = openPostgresql(await copyDatabase(url, name, empty, nodes), 2);
  await migrate(database);
  await database.close();
  project.provide('template', { url, name, empty, nodes });
  return async () => {
    await dropDatabase(url, name, nodes);
    if (nodes.length > 0) await dropDatabase(url, empty, nodes);
  };
};
