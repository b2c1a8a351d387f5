import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { inRecordSnapshot } from '../ledger/record-snapshot.ts';
import { digestOfFile } from '../platform/archive-store.ts';
import type { Database, Session } from '../platform/database.ts';
import { readMigrations, unappliedMigrations } from '../platform/migrate.ts';
import { VERSION } from '../platform/version.ts';
import { type DataTable, dataTables, PATIENCE, quoted, sequenceValues } from './catalog.ts';
import { writeCopyFile } from './copy-file.ts';
import { ExportError } from './export-error.ts';
import { exportFiles, type Stores } from './export-files.ts';
import { type Manifest, type ManifestContent, partsOf, writeManifest } from './manifest.ts';

/** What makes up an installation, apart from its configuration and its key. */
export interface Installation extends Stores {
  readonly database: Database;
}

export interface ExportOrder {
  /** Where it goes; there only when it is complete. */
  readonly folder: string;
  /** The newest checkpoint that was kept outside of the database. */
  readonly checkpoint: string | null;
  /** Path of the private key, if it is to go along. */
  readonly signingKey: string | null;
  /** Goes on without files that are altered or gone. */
  readonly allowMissing: boolean;
}

const appliedMigrations = async (session: Session): Promise<ManifestContent['migrations']> => {
  const ours = await readMigrations();
  const missing = new Set(await unappliedMigrations(session, ours));
  return ours
    .filter((migration) => !missing.has(migration))
    .map(({ name, checksum }) => ({ name, checksum }));
};

const exportTable = async (
  session: Session,
  folder: string,
  { name, columns }: DataTable,
): Promise<ManifestContent['tables'][number]> => {
  const path = partsOf(folder).table(name);
  const list = columns.map(quoted).join(', ');
  const file = await session.copyOut(quoted(name), list, (pieces) => writeCopyFile(path, pieces));
  return { name, columns: [...columns], ...file };
};

const exportKey = async (folder: string, source: string | null): Promise<string | null> => {
  if (source === null) return null;
  const target = partsOf(folder).signingKey;
  await copyFile(source, target);
  return (await digestOfFile(target)).digest;
};

const exportInto = async (
  folder: string,
  { database, ...stores }: Installation,
  { checkpoint, signingKey, allowMissing }: ExportOrder,
): Promise<Manifest> => {
  await mkdir(partsOf(folder).tables);
  const content = await inRecordSnapshot(database, async (session) => {
    await session.query({ text: PATIENCE });
    const createdAt = new Date().toISOString();
    const migrations = await appliedMigrations(session);
    const tables = await dataTables(session);
    // Not the log itself: whoever needs a new partition would wait for the end of the export.
    const names = tables.map(({ name }) => quoted(name));
    await session.query({ text: `LOCK TABLE ${names.join(', ')} IN ACCESS SHARE MODE` });
    const files = await exportFiles(session, stores, folder, allowMissing);
    const exported = [];
    for (const table of tables) exported.push(await exportTable(session, folder, table));
    return {
      createdAt,
      migrations,
      tables: exported,
      // They may be ahead of the snapshot, never behind it.
      sequences: await sequenceValues(session),
      ...files,
    };
  });
  return writeManifest(folder, {
    format: 'hindcast-export/1',
    hindcast: VERSION,
    engine: database.engine,
    ...content,
    checkpoint,
    signingKey: await exportKey(folder, signingKey),
  });
};

/** Writes an installation as it is at one moment into a folder, in bounded memory, while others go on with it. */
export const exportInstallation = async (
  installation: Installation,
  order: ExportOrder,
): Promise<Manifest> => {
  const { folder } = order;
  if (existsSync(folder)) throw new ExportError(`${folder} exists already; choose another name.`);
  const unfinished = `${folder}.unfinished-${randomUUID().slice(0, 8)}`;
  // What is in it is nobody else's business.
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    const manifest = await exportInto(unfinished, installation, order);
    await rename(unfinished, folder);
    return manifest;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
};
