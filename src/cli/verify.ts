import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { originOf } from '../ledger/checkpoint.ts';
import { latestCheckpoint, signingKeys } from '../ledger/ledger-store.ts';
import { type VerificationReport, verifyLedger } from '../ledger/verify.ts';
import type { Witness } from '../ledger/verify-heads.ts';
import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import { readMigrations, unappliedMigrations } from '../platform/migrate.ts';
import { openArchiveStore } from '../platform/open-archive-store.ts';
import { openArtifactStore } from '../platform/open-artifact-store.ts';
import { openDatabase } from '../platform/open-database.ts';
import { parseVerifierKey, type VerifierKey } from '../platform/signed-note.ts';
import { readSigningKey } from '../platform/signing-key.ts';
import { configOf } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { keptCheckpoints } from './kept-checkpoint.ts';
import { verifyDossierFile } from './verify-dossier.ts';

interface VerifyOptions {
  readonly data?: string;
  readonly key?: readonly string[];
  readonly checkpoint?: readonly string[];
  readonly json?: boolean;
}

const parseKey = (text: string): VerifierKey => {
  const key = parseVerifierKey(text);
  if (key !== null) return key;
  throw new CommandError(
    `--key is ${JSON.stringify(text)}; give an Ed25519 key as name+id+base64, which \`ledger { verifierKeys }\` lists.`,
    EXIT.usage,
  );
};

interface Trust {
  readonly keys: readonly VerifierKey[];
  readonly because: string;
}

/** Keys that count: those given, else the one of this machine, else those that the database names itself. */
const trustOf = async (
  config: Config,
  database: Database,
  given: readonly string[],
): Promise<Trust> => {
  if (given.length > 0) return { keys: given.map(parseKey), because: 'given with --key' };
  const signer = await readSigningKey(config);
  if (signer !== null) return { keys: [signer.verifierKey], because: config.signingKey };
  const keys = await signingKeys(database);
  return { keys, because: 'named by the database itself: pass --key with one that you kept' };
};

const witnessesOf = async (
  config: Config,
  database: Database,
  files: readonly string[],
): Promise<readonly Witness[]> => {
  const given = await Promise.all(
    files.map(async (where) => ({ note: await readFile(where, 'utf8'), where })),
  );
  const latest = await latestCheckpoint(database);
  const origin = latest === null ? null : originOf(latest.note);
  return [...given, ...(await keptCheckpoints(config, database, origin))];
};

/** Throws unless the database is as this version of Hindcast makes it. */
export const refuseUnmigrated = async (database: Database): Promise<void> => {
  const missing = await unappliedMigrations(database, await readMigrations());
  if (missing.length === 0) return;
  throw new CommandError(
    `${database.location} is not up to date; bring it there with \`hindcast migrate\` first.`,
    EXIT.refused,
  );
};

const reportText = (report: VerificationReport, { keys, because }: Trust): string => {
  const { entries, checkpoints, pending, predictions, outcomes, rows, artifacts, archives } =
    report;
  const lines = [
    `Ledger   ${entries} entries, checkpoints: ${checkpoints}, not sealed yet: ${pending}`,
    `Read     ${predictions} predictions, ${outcomes} outcomes, ${rows} rows of registry and histories, ${artifacts} files, ${archives} archives`,
    `Trusted  ${keys.map(({ name, id }) => `${name}+${id}`).join(', ') || 'no key'} (${because})`,
    ...report.discrepancies.map(
      ({ kind, source, row, message }) => `${kind}  ${source}  ${row}: ${message}`,
    ),
    ...(report.discrepancyCount > report.discrepancies.length
      ? [`… and ${report.discrepancyCount - report.discrepancies.length} more`]
      : []),
    report.discrepancyCount === 0
      ? 'Everything is as it was recorded.'
      : `${report.discrepancyCount} things are not as they were recorded.`,
  ];
  return `${lines.join('\n')}\n`;
};

/** Verifies the database that the configuration names, and prints what comes of it. */
export const verifyDatabase = async (options: VerifyOptions): Promise<void> => {
  const config = configOf(options);
  const database = await openDatabase(config);
  try {
    await refuseUnmigrated(database);
    const trust = await trustOf(config, database, options.key ?? []);
    const witnesses = await witnessesOf(config, database, options.checkpoint ?? []);
    const artifacts = openArtifactStore(config);
    const archive = openArchiveStore(config);
    const { keys } = trust;
    const report = await verifyLedger(database, { keys, witnesses, artifacts, archive });
    process.stdout.write(
      options.json === true ? `${JSON.stringify(report)}\n` : reportText(report, trust),
    );
    if (report.discrepancyCount > 0) process.exitCode = EXIT.refused;
  } finally {
    await database.close();
  }
};

export const verifyCommand = (): Command =>
  new Command('verify')
    .description(
      'Recompute everything that is recorded, and name what was altered, removed or inserted; or check a dossier.',
    )
    .argument('[dossier]', 'file of a dossier, checked without any database')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .option('--key <key...>', 'public keys to trust, as name+id+base64')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExample:\n  hindcast verify --checkpoint kept/checkpoint-2026-11')
    .action((file: string | undefined, options: VerifyOptions) =>
      file === undefined
        ? verifyDatabase(options)
        : verifyDossierFile(file, (options.key ?? []).map(parseKey)),
    );
