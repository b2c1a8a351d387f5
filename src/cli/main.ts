#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { isDebugging } from '../platform/config.ts';
import { ConfigError } from '../platform/config-error.ts';
import { sqlState } from '../platform/database.ts';
import { FolderClaimedError } from '../platform/folder-claim.ts';
import { MigrationError } from '../platform/migrate.ts';
import { VERSION } from '../platform/version.ts';
import { StartError } from '../server/request-guard.ts';
import { archiveCommand } from './archive.ts';
import { artifactsCommand } from './artifacts.ts';
import { demoCommand } from './demo.ts';
import { dossierCommand } from './dossier.ts';
import { CommandError, EXIT, EXIT_CODES } from './exit.ts';
import { exportCommand } from './export.ts';
import { holdCommand } from './hold.ts';
import { importCommand } from './import.ts';
import { ingestCommand, outcomesCommand } from './ingest.ts';
import { keysCommand } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { partitionsCommand } from './partitions.ts';
import { registerCommand } from './register.ts';
import { rejectedCommand } from './rejected.ts';
import { replayCommand } from './replay.ts';
import { restoreCommand } from './restore.ts';
import { retentionCommand } from './retention.ts';
import { serveCommand } from './serve.ts';
import { traceCommand } from './trace.ts';
import { verifyCommand } from './verify.ts';

const program = new Command('hindcast')
  .description(
    'What exactly produced this prediction? Lineage and forensics for production machine learning.',
  )
  .version(VERSION)
  .showHelpAfterError('(--help tells more)')
  .addHelpText(
    'after',
    `
Without --url a command works on the database that DATABASE_URL names, or on the embedded one.
${EXIT_CODES}`,
  );

for (const command of [
  serveCommand,
  migrateCommand,
  demoCommand,
  registerCommand,
  ingestCommand,
  outcomesCommand,
  traceCommand,
  replayCommand,
  rejectedCommand,
  artifactsCommand,
  dossierCommand,
  verifyCommand,
  keysCommand,
  partitionsCommand,
  archiveCommand,
  restoreCommand,
  retentionCommand,
  holdCommand,
  exportCommand,
  importCommand,
]) {
  program.addCommand(command());
}

const UNREACHABLE = /^(ECONNREFUSED|ENOTFOUND|ECONNRESET|ETIMEDOUT|EHOSTUNREACH)$/;

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

/** The exit code that an error stands for. */
const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof ConfigError || error instanceof StartError) return EXIT.usage;
  if (error instanceof FolderClaimedError || UNREACHABLE.test(codeOf(error)))
    return EXIT.unreachable;
  return sqlState(error) !== null && !(error instanceof MigrationError)
    ? EXIT.unreachable
    : EXIT.refused;
};

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return UNREACHABLE.test(codeOf(error))
    ? `The database cannot be reached: ${error.message || codeOf(error)}.`
    : error.message;
};

// Commander prints its own messages; subcommands must throw as well instead of ending the process.
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
  command.exitOverride();
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) process.stderr.write(`hindcast: ${messageOf(error)}\n`);
  if (isDebugging() && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exitCode = exitCodeOf(error);
}
