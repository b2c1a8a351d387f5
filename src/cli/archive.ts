import { Command } from 'commander';
import { type Instant, parseInstant } from '../platform/instant.ts';
import { openArchiveStore } from '../platform/open-archive-store.ts';
import { logPartitions } from '../retention/log-partitions.ts';
import { duePartitions, type RetentionStep, runRetention } from '../retention/run-retention.ts';
import { configOf, openMigrated } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { bytesText } from './partitions.ts';

interface ArchiveOptions {
  readonly before?: string;
  readonly dryRun?: boolean;
  readonly reason: string;
  readonly data?: string;
}

const instantOf = (text: string): Instant => {
  const instant = parseInstant(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (typeof instant === 'number') return instant;
  throw new CommandError(
    `--before: ${instant}; give a day such as 2026-01-31, or a time.`,
    EXIT.usage,
  );
};

const lineOf = ({ partition: { partition }, result }: RetentionStep): string => {
  switch (result.status) {
    case 'ARCHIVED': {
      const size = result.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const digests = result.files.map(({ digest }) => `  ${digest}\n`).join('');
      return `${partition}  archived: ${result.rows} predictions, ${bytesText(size)}\n${digests}`;
    }
    case 'HELD':
      return `${partition}  stays: legal hold ${result.holds.join(', ')}\n`;
    case 'BUSY':
      return `${partition}  stays: it was in use all the time; try again\n`;
    case 'EMPTY':
      return `${partition}  dropped: nothing was in it\n`;
    case 'GONE':
      return `${partition}  another process archived it\n`;
  }
};

const run = async (options: ArchiveOptions): Promise<void> => {
  const before = options.before === undefined ? null : instantOf(options.before);
  const config = configOf(options);
  const database = await openMigrated(config);
  try {
    const due = duePartitions(await logPartitions(database), { before });
    if (due.length === 0) {
      const remedy = before === null ? ' by any policy in force; --before takes a date' : '';
      process.stdout.write(`Nothing is to be archived${remedy}.\n`);
      return;
    }
    if (options.dryRun === true) {
      for (const { partition, rows, holds } of due) {
        const held = holds.length === 0 ? '' : `, but legal hold ${holds.join(', ')} is on it`;
        process.stdout.write(`${partition}  would be archived: ${rows} predictions${held}\n`);
      }
      return;
    }
    const { actor } = config;
    const order = { before, actor, reason: options.reason };
    const steps = await runRetention(database, openArchiveStore(config), order, (step) => {
      process.stdout.write(lineOf(step));
    });
    if (steps.some(({ result: { status } }) => status === 'BUSY')) process.exitCode = EXIT.refused;
  } finally {
    await database.close();
  }
};

export const archiveCommand = (): Command =>
  new Command('archive')
    .description(
      'Move weeks out of the log into Parquet files: those whose retention is over, or all before a date.',
    )
    .option('--before <date>', 'weeks that ended by then (UTC), whatever the policies say')
    .option('--dry-run', 'tell what would be archived, and do nothing')
    .option('--reason <text>', 'recorded with it', 'Archived by hand.')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .addHelpText(
      'after',
      '\nLegal holds win. Files go to `archive` in the data folder, or where HINDCAST_ARCHIVE says: a folder, or s3://bucket/prefix.\n\nExample:\n  hindcast archive --before 2026-01-31 --dry-run',
    )
    .action(run);
