import { Command } from 'commander';
import { type Config, readConfig } from '../platform/config.ts';
import { migrate, readMigrations, unappliedMigrations } from '../platform/migrate.ts';
import { openDatabase, openReplicas } from '../platform/open-database.ts';
import { makePartitionsAhead } from '../prediction/partitions-ahead.ts';
import { type RunningServer, startServer } from '../server/http-server.ts';
import { type KnownDocuments, readKnownDocuments } from '../server/known-documents.ts';
import { createLog } from '../server/log.ts';
import {
  COMMAND_OPERATIONS_FOLDER,
  OPERATIONS_FOLDER,
  readOperations,
} from '../server/operations.ts';
import { CommandError, EXIT } from './exit.ts';
import { serverOptionsOf } from './server-options.ts';

interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly logLevel?: string;
  /** A folder, or true for Hindcast's own documents alone. */
  readonly trustedDocuments?: string | true;
  readonly migrate: boolean;
}

export const portOf = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new CommandError(
    `--port is ${JSON.stringify(text)}; give a number from 0 to 65535.`,
    EXIT.usage,
  );
};

/** Resolves when the process is asked to end; a second request ends it at once. */
export const stopRequested = (): Promise<void> =>
  new Promise((resolve) => {
    const stop = () => {
      process.once('SIGINT', () => process.exit(130));
      process.once('SIGTERM', () => process.exit(143));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });

/** What a server knows: the questions, what the commands ask, and the files of a folder. */
const knownDocumentsOf = async ({
  documentsFolder: folder,
  onlyTrustedDocuments,
}: Config): Promise<KnownDocuments> => {
  if (folder !== null && (await readOperations(folder)).length === 0) {
    throw new CommandError(`${folder} holds no .graphql file.`, EXIT.notFound);
  }
  const folders = [
    OPERATIONS_FOLDER,
    COMMAND_OPERATIONS_FOLDER,
    ...(folder === null ? [] : [folder]),
  ];
  return readKnownDocuments(folders, onlyTrustedDocuments);
};

const serve = async (options: ServeOptions): Promise<void> => {
  const stop = stopRequested();
  const config = readConfig({
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: portOf(options.port) }),
    ...(options.data === undefined
      ? {}
      : { dataFolder: options.data, databaseUrl: null, replicaUrls: [] }),
    ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    ...(options.trustedDocuments === undefined ? {} : { onlyTrustedDocuments: true }),
    ...(typeof options.trustedDocuments === 'string'
      ? { documentsFolder: options.trustedDocuments }
      : {}),
  });
  const log = createLog(config.logLevel);
  const documents = await knownDocumentsOf(config);
  const limit = { statementSeconds: config.statementSeconds ?? undefined };
  const database = await openDatabase(config, limit);
  const replicas = await openReplicas(config, database, limit);
  let server: RunningServer | undefined;
  try {
    if (options.migrate) {
      const applied = await migrate(database);
      if (applied.length > 0) log.info({ applied }, 'migrated');
      await makePartitionsAhead(database, config.partitionsAhead);
    } else {
      // One that lacks migrations is waited for; of one that a newer version wrote nothing good can come.
      await unappliedMigrations(database, await readMigrations());
    }
    const serverOptions = await serverOptionsOf(config, database, log, replicas);
    server = await startServer({
      ...serverOptions,
      partitionsAhead: config.partitionsAhead,
      access: config.access,
      documents,
    });
    log.info({ engine: database.engine, database: database.location }, 'serving');
    process.stdout.write(`${server.url}/graphql\n`);
    await stop;
    log.info('stopping: finishing what was accepted');
  } finally {
    await server?.close();
    await replicas?.close();
    await database.close();
  }
};

export const serveCommand = (): Command =>
  new Command('serve')
    .description(
      'Serve the API until told to stop (SIGINT or SIGTERM); what was accepted is finished first.',
    )
    .option(
      '--host <address>',
      'an address to listen on; beyond this machine it takes credentials (default: 127.0.0.1)',
    )
    .option('--port <number>', '0 for any free one (default: 4000)')
    .option('--data <folder>', 'folder of the embedded database (default: .hindcast)')
    .option(
      '--log-level <level>',
      'fatal, error, warn, info, debug, trace or silent (default: info)',
    )
    .option(
      '--trusted-documents [folder]',
      "run only operations of Hindcast's own documents and of those in the folder",
    )
    .option('--no-migrate', 'do not bring the database up to date first')
    .addHelpText(
      'after',
      '\nExample:\n  DATABASE_URL=postgresql://localhost/hindcast hindcast serve --port 4000',
    )
    .action(serve);
