import { Command } from 'commander';
import { openArchiveStore } from '../platform/open-archive-store.ts';
import { weekOfPartition } from '../prediction/partitions.ts';
import { restorePartition } from '../retention/restore-partition.ts';
import { configOf, openMigrated } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';

interface RestoreOptions {
  readonly reason: string;
  readonly data?: string;
}

const run = async (name: string, options: RestoreOptions): Promise<void> => {
  const week = weekOfPartition(name);
  if (week === null) {
    throw new CommandError(
      `${JSON.stringify(name)} is no partition; \`hindcast partitions\` lists them.`,
      EXIT.usage,
    );
  }
  const config = configOf(options);
  const database = await openMigrated(config);
  try {
    const order = { actor: config.actor, reason: options.reason };
    const rows = await restorePartition(database, openArchiveStore(config), week, order);
    process.stdout.write(`${name}  restored: ${rows} predictions\n`);
  } finally {
    await database.close();
  }
};

export const restoreCommand = (): Command =>
  new Command('restore')
    .description(
      'Bring an archived week back into the log, exactly as it was, and the records that waited for it.',
    )
    .argument('<partition>', 'name, as `hindcast partitions` prints it')
    .option('--reason <text>', 'recorded with it', 'Restored by hand.')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .addHelpText(
      'after',
      '\nIt then stays in the log until `hindcast archive --before` takes it again.\n\nExample:\n  hindcast restore prediction_log_p20260330',
    )
    .action(run);
