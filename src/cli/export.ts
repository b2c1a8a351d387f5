import { resolve } from 'node:path';
import { Command } from 'commander';
import { exportInstallation } from '../keeping/export.ts';
import { originOf } from '../ledger/checkpoint.ts';
import { latestCheckpoint } from '../ledger/ledger-store.ts';
import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import { openArchiveStore } from '../platform/open-archive-store.ts';
import { openArtifactStore } from '../platform/open-artifact-store.ts';
import { openDatabase } from '../platform/open-database.ts';
import { readSigningKey } from '../platform/signing-key.ts';
import { configOf } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { keptCheckpoints } from './kept-checkpoint.ts';
import { bytesText } from './partitions.ts';
import { refuseUnmigrated } from './verify.ts';

interface ExportOptions {
  readonly data?: string;
  readonly withSigningKey?: boolean;
  readonly allowMissing?: boolean;
}

/** Read before the database, which then is at least as new. */
const checkpointOf = async (config: Config, database: Database): Promise<string | null> => {
  const latest = await latestCheckpoint(database);
  if (latest === null) return null;
  const origin = originOf(latest.note);
  const kept = await keptCheckpoints(config, database, origin);
  return kept.find(({ note }) => originOf(note) === origin)?.note ?? null;
};

const keyOf = async (config: Config): Promise<string> => {
  if ((await readSigningKey(config)) !== null) return config.signingKey;
  throw new CommandError(`There is no signing key at ${config.signingKey}.`, EXIT.notFound);
};

const run = async (name: string, options: ExportOptions): Promise<void> => {
  const folder = resolve(name);
  const config = configOf(options);
  const signingKey = options.withSigningKey === true ? await keyOf(config) : null;
  const database = await openDatabase(config, { beginning: 'none' });
  try {
    await refuseUnmigrated(database);
    const artifacts = openArtifactStore(config);
    const archive = openArchiveStore(config);
    const checkpoint = await checkpointOf(config, database);
    const allowMissing = options.allowMissing === true;
    const order = { folder, checkpoint, signingKey, allowMissing };
    const manifest = await exportInstallation({ database, artifacts, archive }, order);
    const { tables, missing } = manifest;
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    const size = tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    process.stdout.write(
      `${folder}  ${rows} rows of ${tables.length} tables (${bytesText(size)}), ${manifest.artifacts.length} files of versions, ${manifest.archives.length} archives\n`,
    );
    for (const digest of missing) process.stderr.write(`Not exported: ${digest}\n`);
    if (signingKey !== null) {
      process.stderr.write('The signing key is in it: whoever has that signs as this Hindcast.\n');
    }
  } finally {
    await database.close();
  }
};

export const exportCommand = (): Command =>
  new Command('export')
    .description(
      'Write the whole installation as it is now into a folder, for another database or engine, or to keep.',
    )
    .argument('<folder>', 'is made; compressed tables, files and a manifest go into it')
    .option('--with-signing-key', 'also the private key that signs checkpoints')
    .option('--allow-missing', 'go on without files that are altered or gone')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .addHelpText(
      'after',
      '\nServers on PostgreSQL go on meanwhile; that of an embedded database must be stopped.\n\nExample:\n  hindcast export kept/2026-11-27',
    )
    .action(run);
