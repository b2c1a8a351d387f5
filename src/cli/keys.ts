import { Command } from 'commander';
import {
  type ApiKey,
  createApiKey,
  listApiKeys,
  type NewApiKey,
  revokeApiKey,
} from '../access/api-key.ts';
import { readConfig } from '../platform/config.ts';
import { SCOPES, type Scope } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { brokenPatternReason } from '../platform/model-pattern.ts';
import { configOf, openMigrated } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';

interface DataOptions {
  readonly data?: string;
}

const onDatabase = async <Result>(
  options: DataOptions,
  work: (database: Database) => Promise<Result>,
): Promise<Result> => {
  const database = await openMigrated(configOf(options));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
};

const usage = (message: string): never => {
  throw new CommandError(message, EXIT.usage);
};

const isScope = (text: string): text is Scope => SCOPES.some((scope) => scope === text);

const partsOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const scopesOf = (text: string): readonly Scope[] => {
  const parts = partsOf(text);
  const unknown = parts.find((part) => !isScope(part));
  if (unknown !== undefined || parts.length === 0) {
    usage(`--scopes has ${JSON.stringify(unknown ?? '')}; give some of ${SCOPES.join(', ')}.`);
  }
  return [...new Set(parts.filter(isScope))];
};

const modelsOf = (text: string | undefined): readonly string[] | null => {
  if (text === undefined) return null;
  const parts = partsOf(text);
  if (parts.length === 0) usage('--models is empty; give names such as flight-delay or flight-*.');
  for (const part of parts) {
    const reason = brokenPatternReason(part);
    if (reason !== null) usage(`--models has ${JSON.stringify(part)}: ${reason}.`);
  }
  return parts;
};

const MAX_DAYS = 366;

const expiryOf = (text: string): Instant => {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    usage(`--days is ${JSON.stringify(text)}; give 1 to ${MAX_DAYS}.`);
  }
  return (Date.now() + days * 86_400_000) * 1000;
};

const rateOf = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  const rate = Number(text);
  if (!Number.isInteger(rate) || rate < 1 || rate > 1_000_000_000) {
    usage(`--rate is ${JSON.stringify(text)}; give a whole number from 1.`);
  }
  return rate;
};

interface CreateOptions extends DataOptions {
  readonly scopes: string;
  readonly models?: string;
  readonly days: string;
  readonly rate?: string;
}

const create = async (name: string, options: CreateOptions): Promise<void> => {
  if (name.trim() !== name || !/^[^\p{Cc}]{1,200}$/u.test(name)) {
    usage(`NAME is ${JSON.stringify(name)}; give 1 to 200 characters without white space around.`);
  }
  const key: NewApiKey = {
    name,
    scopes: scopesOf(options.scopes),
    models: modelsOf(options.models),
    rate: rateOf(options.rate),
    expiresAt: expiryOf(options.days),
    createdBy: readConfig().actor,
  };
  const { id, text } = await onDatabase(options, (database) => createApiKey(database, key));
  process.stderr.write(
    `Key ${id} for ${name} holds until ${formatInstant(key.expiresAt)}. It is shown this once:\n`,
  );
  process.stdout.write(`${text}\n`);
};

const stateOf = ({ revokedAt, expiresAt }: ApiKey): string => {
  if (revokedAt !== null) return `revoked ${formatInstant(revokedAt)}`;
  const isOver = expiresAt <= Date.now() * 1000;
  return `${isOver ? 'expired' : 'until'} ${formatInstant(expiresAt)}`;
};

const lineOf = (key: ApiKey): string =>
  [
    key.id,
    key.name,
    stateOf(key),
    key.scopes.join(','),
    `models ${key.models?.join(',') ?? 'all'}`,
    `last used ${key.lastUsedAt === null ? 'never' : formatInstant(key.lastUsedAt)}`,
    `by ${key.createdBy}`,
  ].join('  ');

const jsonOf = ({ recordedAt, revokedAt, expiresAt, lastUsedAt, ...key }: ApiKey): string => {
  const text = (at: Instant | null) => (at === null ? null : formatInstant(at));
  return JSON.stringify({
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    models: key.models,
    rate: key.rate,
    createdBy: key.createdBy,
    recordedAt: text(recordedAt),
    expiresAt: text(expiresAt),
    revokedAt: text(revokedAt),
    lastUsedAt: text(lastUsedAt),
  });
};

const list = async ({ json, ...options }: DataOptions & { json?: boolean }): Promise<void> => {
  const keys = await onDatabase(options, listApiKeys);
  if (keys.length === 0 && json !== true) process.stderr.write('There are no keys.\n');
  for (const key of keys) process.stdout.write(`${json === true ? jsonOf(key) : lineOf(key)}\n`);
};

const revoke = async (
  id: string,
  { reason, ...options }: DataOptions & { reason: string },
): Promise<void> => {
  const { actor } = readConfig();
  const isRevoked = await onDatabase(options, (database) =>
    revokeApiKey(database, id, { reason, actor }),
  );
  if (!isRevoked) {
    throw new CommandError(
      `No key ${JSON.stringify(id)} was revoked: there is none, or it was before.`,
      EXIT.refused,
    );
  }
  process.stdout.write(`Revoked ${id}. Servers refuse it within 5 seconds.\n`);
};

const withData = (command: Command): Command =>
  command.option('--data <folder>', 'folder of the embedded database (default: .hindcast)');

export const keysCommand = (): Command => {
  const keys = new Command('keys').description(
    'Make, list and revoke the keys that programs call a server with.',
  );
  withData(keys.command('create <name>'))
    .description('Make a key. It is shown once; its hash is kept.')
    .requiredOption('--scopes <list>', `what it allows, of ${SCOPES.join(', ')}`)
    .option('--models <list>', 'only these models: names, or beginnings such as flight-*')
    .option('--days <number>', 'how long it holds', '90')
    .option('--rate <cost>', 'cost of operations in a second (default: HINDCAST_RATE)')
    .addHelpText(
      'after',
      '\nExample:\n  hindcast keys create dashboard --scopes registry:read,predictions:read --days 30',
    )
    .action(create);
  withData(keys.command('list'))
    .description('List all keys, newest first, with their state and last use.')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  hindcast keys list')
    .action(list);
  withData(keys.command('revoke <id>'))
    .description('Revoke a key for good.')
    .requiredOption('--reason <text>', 'why; kept for ever')
    .addHelpText(
      'after',
      '\nExample:\n  hindcast keys revoke 0a1b2c3d4e5f6071 --reason "left in a log"',
    )
    .action(revoke);
  return keys;
};
