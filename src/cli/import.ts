import { constants } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { checkFiles } from '../keeping/check-files.ts';
import { importInstallation } from '../keeping/import.ts';
import { type Manifest, migrationsOf, partsOf, readManifest } from '../keeping/manifest.ts';
import { digestOfFile } from '../platform/archive-store.ts';
import type { Config } from '../platform/config.ts';
import { readMigrations } from '../platform/migrate.ts';
import { openArchiveStore } from '../platform/open-archive-store.ts';
import { openArtifactStore } from '../platform/open-artifact-store.ts';
import { openDatabase } from '../platform/open-database.ts';
import { configOf } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { keepCheckpoint } from './kept-checkpoint.ts';
import { progressBar } from './progress.ts';
import { verifyDatabase } from './verify.ts';

interface ImportOptions {
  readonly data?: string;
  readonly verify: boolean;
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/** Whether the key of an export is to be put where this installation has its own; throws when another is there. */
const takesKey = async ({ signingKey }: Config, manifest: Manifest): Promise<boolean> => {
  if (manifest.signingKey === null) return false;
  const own = await digestOfFile(signingKey).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (own === null || own.digest === manifest.signingKey) return own === null;
  throw new CommandError(
    `${signingKey} is another key than that of the export. Move it away, or name another place with HINDCAST_SIGNING_KEY.`,
    EXIT.refused,
  );
};

const putKey = async ({ signingKey }: Config, folder: string): Promise<void> => {
  await mkdir(dirname(signingKey), { recursive: true });
  await copyFile(partsOf(folder).signingKey, signingKey, constants.COPYFILE_EXCL);
};

const fill = async (config: Config, folder: string): Promise<void> => {
  const manifest = await readManifest(folder);
  const migrations = migrationsOf(manifest, await readMigrations());
  const isOlder = migrations.length < (await readMigrations()).length;
  const isKeyTaken = await takesKey(config, manifest);
  await checkFiles(folder, manifest);
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  const database = await openDatabase(config, { beginning: isOlder ? 'empty' : 'migrated' });
  const progress = progressBar('Importing', rows, 'rows');
  try {
    const artifacts = openArtifactStore(config);
    const archive = openArchiveStore(config);
    const installation = { database, artifacts, archive };
    await importInstallation(installation, folder, manifest, progress.add);
    if (manifest.checkpoint !== null) await keepCheckpoint(config, database, manifest.checkpoint);
  } finally {
    progress.stop();
    await database.close();
  }
  if (isKeyTaken) await putKey(config, folder);
  process.stdout.write(
    `${rows} rows of ${manifest.tables.length} tables, ${manifest.artifacts.length} files of versions and ${manifest.archives.length} archives are in place, as they were at ${manifest.createdAt}\n`,
  );
};

const run = async (name: string, options: ImportOptions): Promise<void> => {
  const folder = resolve(name);
  await fill(configOf(options), folder);
  if (options.verify) await verifyDatabase(options);
};

export const importCommand = (): Command =>
  new Command('import')
    .description(
      'Fill a new database or folder with what was exported, unchanged, and verify all of it.',
    )
    .argument('<folder>', 'as `hindcast export` made it')
    .option('--no-verify', 'leave it to `hindcast verify`, later')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .addHelpText(
      'after',
      '\nExample:\n  DATABASE_URL=postgresql://localhost/hindcast hindcast import kept/2026-11-27',
    )
    .action(run);
