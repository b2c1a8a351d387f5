import { Command } from 'commander';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { makePartitionsAhead } from '../prediction/partitions-ahead.ts';
import { type LogPartition, logPartitions } from '../retention/log-partitions.ts';
import { configOf, openMigrated } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';

interface PartitionsOptions {
  readonly ahead?: string;
  readonly json?: boolean;
  readonly data?: string;
}

/** Such as `1.5 MB`. */
export const bytesText = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** unit;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
};

const day = (instant: Instant): string => formatInstant(instant).slice(0, 10);

const fateOf = ({
  state,
  rows,
  holds,
  expiresAt,
  archivedAt,
  wasRestored,
}: LogPartition): string => {
  if (state === 'ARCHIVED') return `archived ${day(archivedAt ?? 0)}`;
  if (holds.length > 0) return `held by ${holds.join(', ')}`;
  if (wasRestored) return 'restored; stays until it is archived by hand';
  if (rows === 0) return 'empty';
  return expiresAt === null ? 'stays' : `expires ${day(expiresAt)}`;
};

const lineOf = (partition: LogPartition): string =>
  [
    partition.partition,
    `${day(partition.from)} to ${day(partition.to)}`,
    String(partition.rows).padStart(12),
    bytesText(partition.bytes).padStart(10),
    fateOf(partition),
  ].join('  ');

const jsonOf = ({ from, to, expiresAt, archivedAt, ...rest }: LogPartition): string => {
  const text = (instant: Instant | null) => (instant === null ? null : formatInstant(instant));
  const times = { from: text(from), to: text(to), expiresAt: text(expiresAt) };
  return JSON.stringify({ ...rest, ...times, archivedAt: text(archivedAt) });
};

const weeksOf = (text: string): number => {
  const weeks = Number(text);
  if (Number.isInteger(weeks) && weeks >= 0 && weeks <= 520) return weeks;
  throw new CommandError(`--ahead is ${JSON.stringify(text)}; give 0 to 520 weeks.`, EXIT.usage);
};

const run = async (options: PartitionsOptions): Promise<void> => {
  const weeks = options.ahead === undefined ? null : weeksOf(options.ahead);
  const database = await openMigrated(configOf(options));
  try {
    if (weeks !== null) await makePartitionsAhead(database, weeks);
    const partitions = await logPartitions(database);
    const lines = partitions.map(options.json === true ? jsonOf : lineOf);
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    if (lines.length === 0) process.stdout.write('The log has no partitions yet.\n');
  } finally {
    await database.close();
  }
};

export const partitionsCommand = (): Command =>
  new Command('partitions')
    .description(
      'List the weeks of the log: span, predictions, size, and whether it is archived, held, or when it expires.',
    )
    .option('--ahead <weeks>', 'first make the partitions of this week and so many to come')
    .option('--json', 'print one JSON object a line')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .addHelpText('after', '\nExample:\n  hindcast partitions --ahead 4')
    .action(run);
