import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { findPredictions, type PredictionOptions } from './find-predictions.ts';
import { commandDocument } from './ready-made.ts';

interface Answer {
  readonly dossier: {
    readonly envelope: string;
    readonly fileName: string;
    readonly digest: string;
  };
}

interface DossierOptions extends TargetOptions, PredictionOptions {
  readonly output?: string;
}

const run = async (requestId: string, options: DossierOptions): Promise<void> => {
  const connection = await connect(options);
  try {
    const { ids } = await findPredictions(connection, requestId, options);
    const [id, ...others] = ids;
    if (others.length > 0) {
      throw new CommandError(
        `Request ${requestId} has ${ids.length} predictions, and a dossier is about one: choose with --endpoint, --item or --at.`,
        EXIT.usage,
      );
    }
    const { dossier } = await connection.ask<Answer>(await commandDocument('dossier'), {
      prediction: { id },
    });
    const file = options.output ?? dossier.fileName;
    if (file === '-') {
      process.stdout.write(`${dossier.envelope}\n`);
      return;
    }
    await writeFile(file, dossier.envelope);
    process.stdout.write(`${dossier.digest}  ${file}\n`);
  } finally {
    await connection.close();
  }
};

export const dossierCommand = (): Command =>
  withTarget(new Command('dossier'))
    .description('Write one signed file that proves a prediction, for `hindcast verify FILE`.')
    .argument('<request-id>', 'ID of the request as its caller knows it')
    .option('--endpoint <environment/name>', 'what this endpoint answered')
    .option('--item <number>', 'this item of a batch')
    .option('--at <time>', 'what was answered at this time')
    .option(
      '-o, --output <file>',
      'the file, or - for standard output (default: named after the request)',
    )
    .addHelpText(
      'after',
      '\nExample:\n  hindcast dossier 00e5a0c4-2f4f-7b1e-8b6a-1d2c3b4a5f60 -o case-17.json',
    )
    .action(run);
