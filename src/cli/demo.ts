import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { readConfig } from '../platform/config.ts';
import { localActor } from '../platform/context.ts';
import { startServer } from '../server/http-server.ts';
import { createLog } from '../server/log.ts';
import { connect, openMigrated } from './connection.ts';
import { playHistory, registerVersions, storeModels } from './demo-history.ts';
import { tellStory } from './demo-story.ts';
import { OUTCOMES_ROUTE, PREDICTIONS_ROUTE, sendFile } from './ingest.ts';
import { portOf, stopRequested } from './serve.ts';
import { serverOptionsOf } from './server-options.ts';

/** The flights example, beside the sources and inside the package. */
export const EXAMPLE = fileURLToPath(new URL('../../examples/flights/', import.meta.url));

interface DemoOptions {
  readonly data: string;
  readonly port?: string;
  readonly serve: boolean;
}

const demo = async (options: DemoOptions): Promise<void> => {
  const stop = stopRequested();
  const config = readConfig({
    databaseUrl: null,
    dataFolder: options.data,
    ...(options.port === undefined ? {} : { port: portOf(options.port) }),
  });
  const database = await openMigrated(config);
  // The people of the story act in their own names while its history is played.
  const actor = { ...localActor(config.actor) };
  const serverOptions = await serverOptionsOf(config, database, createLog('warn'));
  const server = await startServer({
    ...serverOptions,
    actor,
    host: '127.0.0.1',
    // Without serving, any free port will do.
    port: options.serve ? config.port : 0,
  }).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  try {
    const connection = await connect({ url: server.url });
    await storeModels(serverOptions.artifacts, EXAMPLE);
    await registerVersions(connection, EXAMPLE);
    await playHistory(connection, EXAMPLE, (name) => {
      actor.name = name;
    });
    actor.name = config.actor;
    const predictions = await sendFile(
      connection,
      PREDICTIONS_ROUTE,
      `${EXAMPLE}predictions.ndjson.gz`,
      'Loading predictions',
    );
    const outcomes = await sendFile(
      connection,
      OUTCOMES_ROUTE,
      `${EXAMPLE}outcomes.ndjson.gz`,
      'Loading outcomes',
    );
    await tellStory(connection, EXAMPLE, { predictions, outcomes });
    if (!options.serve) return;
    process.stdout.write(
      `\nThe server is running: open ${server.url}/graphql and choose an operation. Ctrl+C ends it.\n`,
    );
    await stop;
  } finally {
    await server.close();
    await database.close();
  }
};

export const demoCommand = (): Command =>
  new Command('demo')
    .description('Load the flights example into an embedded database and tell its story.')
    .option('--data <folder>', 'folder of the embedded database', '.hindcast/demo')
    .option('--port <number>', 'port of the server (default: 4000)')
    .option('--no-serve', 'end after the story instead of leaving the server running')
    .addHelpText('after', '\nExample:\n  hindcast demo --no-serve')
    .action(demo);
