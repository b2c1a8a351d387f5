import { Command } from 'commander';
import { migrate } from '../platform/migrate.ts';
import { openDatabase } from '../platform/open-database.ts';
import { configOf } from './connection.ts';

const run = async (options: { readonly data?: string; readonly json?: boolean }): Promise<void> => {
  const database = await openDatabase(configOf(options));
  try {
    const applied = await migrate(database);
    const { engine, location } = database;
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ engine, database: location, applied })}\n`);
      return;
    }
    for (const name of applied) process.stdout.write(`applied ${name}\n`);
    process.stdout.write(`${engine} ${location} is up to date\n`);
  } finally {
    await database.close();
  }
};

export const migrateCommand = (): Command =>
  new Command('migrate')
    .description('Bring the database up to date. Safe to run from several processes at once.')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  DATABASE_URL=postgresql://localhost/hindcast hindcast migrate',
    )
    .action(run);
