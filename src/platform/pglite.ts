import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { PrismaClient } from '../generated/prisma/client.ts';
import { ConfigError } from './config-error.ts';
import {
  type Database,
  type Session,
  type Statement,
  statementListeners,
  TRANSACTION_OPTIONS,
} from './database.ts';
import { readSnapshot } from './embedded-snapshot.ts';
import { claimFolder } from './folder-claim.ts';
import { copiedRows } from './pglite-copy.ts';
import { preparedQueries } from './pglite-prepared.ts';
import { sqlValueReaders } from './sql-values.ts';

const options = { parsers: { ...sqlValueReaders } };

/** What the database of a folder begins as where there is none: a migrated one, an empty one, or it is an error. */
export type Beginning = 'migrated' | 'empty' | 'none';

/** Where the embedded database lives: a folder, or memory that is gone at the end, perhaps filled from a dump. */
export type PgliteStore =
  | { readonly folder: string; readonly beginning?: Beginning }
  | { readonly memory: true; readonly dump?: Blob };

/** Opens the embedded database. A folder has one owner at a time; a second one gets a `FolderClaimedError`. */
export const openPglite = async (store: PgliteStore): Promise<Database> => {
  const { notify, observe } = statementListeners();
  if ('folder' in store && store.beginning === 'none' && !hasData(store.folder)) {
    throw new ConfigError(`${store.folder} holds no embedded database.`);
  }
  const claim = 'folder' in store ? await claimFolder(store.folder) : null;
  const pglite = await openStore(store);
  const sessionOn = (client: PGlite | Transaction): Session => ({
    query: async <Row>({ text, values }: { text: string; values?: readonly unknown[] }) => {
      notify(text);
      const result = await client.query<Row>(
        text,
        values === undefined ? [] : [...values],
        options,
      );
      return result.rows;
    },
    copy: async (target, rows) => {
      const sql = `COPY ${target} FROM '/dev/blob'`;
      notify(sql);
      await client.query(sql, [], { blob: new Blob([rows]) });
    },
    copyOut: (table, columns, read) => read(copiedRows(client, table, columns, notify)),
  });
  const prismaAdapter = new PrismaPGlite(pglite);
  const prisma = new PrismaClient({
    adapter: prismaAdapter,
    log: [{ emit: 'event', level: 'query' }],
    transactionOptions: TRANSACTION_OPTIONS,
  });
  prisma.$on('query', (event) => notify(event.query));
  const unprepared = sessionOn(pglite);
  const prepared = preparedQueries(pglite);
  const session: Session = {
    ...unprepared,
    query: <Row>(statement: Statement): Promise<Row[]> => {
      const { name, text, values = [] } = statement;
      if (name === undefined) return unprepared.query<Row>(statement);
      notify(text);
      return prepared<Row>(name, text, values);
    },
  };
  return {
    engine: 'pglite',
    location: 'folder' in store ? store.folder : 'memory',
    prisma,
    prismaAdapter,
    ...session,
    transaction: (work) => pglite.transaction((transaction) => work(sessionOn(transaction))),
    // There is one connection, so a session lock needs no connection of its own.
    session: (work) => work(session),
    // The folder has one owner, so no other process can be at the task.
    exclusively: async (_, work) => {
      await work(new AbortController().signal);
      return true;
    },
    observe,
    close: async () => {
      await prisma.$disconnect();
      await pglite.close();
      await claim?.release();
    },
  };
};

const openStore = async (store: PgliteStore): Promise<PGlite> => {
  if ('memory' in store) {
    return PGlite.create({ ...(store.dump === undefined ? {} : { loadDataDir: store.dump }) });
  }
  return openFolder(store.folder, store.beginning ?? 'migrated');
};

/** Where the data of a folder is, and a file that is there while it is made: what a killed process left is made again. */
const pathsIn = (folder: string) => ({
  dataDir: join(folder, 'pgdata'),
  unfinished: join(folder, 'pgdata.unfinished'),
});

const hasData = (folder: string): boolean => {
  const { dataDir, unfinished } = pathsIn(folder);
  return existsSync(dataDir) && !existsSync(unfinished);
};

/** Opens the data of a folder that this process owns; begins with the snapshot of the build where there is none. */
const openFolder = async (folder: string, beginning: Beginning): Promise<PGlite> => {
  const { dataDir, unfinished } = pathsIn(folder);
  if (hasData(folder)) return PGlite.create({ dataDir });
  if (existsSync(unfinished)) await rm(dataDir, { recursive: true, force: true });
  await writeFile(unfinished, '');
  const snapshot = beginning === 'migrated' ? await readSnapshot() : null;
  const pglite = await PGlite.create({
    dataDir,
    ...(snapshot === null ? {} : { loadDataDir: snapshot }),
  });
  await rm(unfinished);
  return pglite;
};
