import { Command } from 'commander';
import { connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { findPredictions, type PredictionOptions } from './find-predictions.ts';
import { commandDocument } from './ready-made.ts';

interface Replay {
  readonly modelVersion: { readonly displayName: string };
  readonly verdict: string;
  readonly message: string | null;
  readonly suspects: readonly string[];
  readonly otherMeanings: readonly string[];
  readonly outputs: readonly {
    readonly output: string;
    readonly index: number;
    readonly logged: string;
    readonly replayed: string;
    readonly verdict: string;
  }[];
  readonly runner: { readonly name: string; readonly version: string } | null;
}

interface ReplayCommandOptions extends TargetOptions, PredictionOptions {
  readonly with?: string;
  readonly acceptOtherMeanings?: boolean;
  readonly json?: boolean;
}

const releaseOf = (text: string) => {
  const [, model, semver] = /^(.+)@([^@]+)$/.exec(text) ?? [];
  if (model !== undefined && semver !== undefined) return { release: { model, semver } };
  throw new CommandError(
    `--with is ${JSON.stringify(text)}; give model@semver, such as flight-delay@1.1.0.`,
    EXIT.usage,
  );
};

const reportOf = ({ replay }: { readonly replay: Replay }): string => {
  const { modelVersion, verdict, message, outputs, runner, suspects, otherMeanings } = replay;
  const lines = [
    `${verdict}  ${modelVersion.displayName}${runner === null ? '' : ` · ${runner.name} ${runner.version}`}`,
    ...(message === null ? [] : [message]),
    ...outputs.map(
      ({ output, index, logged, replayed, verdict: one }) =>
        `  ${`${output}[${index}]`.padEnd(24)} ${logged} → ${replayed}  ${one}`,
    ),
    ...(otherMeanings.length === 0 ? [] : [`  another meaning: ${otherMeanings.join(', ')}`]),
    ...(suspects.length === 0 ? [] : [`  where to look: ${suspects.join(', ')}`]),
  ];
  return `${lines.join('\n')}\n`;
};

const run = async (requestId: string, options: ReplayCommandOptions): Promise<void> => {
  const other = options.with === undefined ? null : releaseOf(options.with);
  const connection = await connect(options);
  try {
    const { ids } = await findPredictions(connection, requestId, options);
    for (const id of ids) {
      const { predictionLog } = await connection.ask<{ predictionLog: { replay: Replay } }>(
        await commandDocument('replay'),
        { prediction: { id }, with: other, accept: options.acceptOtherMeanings === true },
      );
      const text =
        options.json === true ? `${JSON.stringify(predictionLog)}\n` : reportOf(predictionLog);
      process.stdout.write(text);
      const { verdict } = predictionLog.replay;
      // Another version may well say something else; the one that answered may not.
      if (verdict === 'NOT_REPLAYABLE' || (verdict === 'MISMATCH' && other === null)) {
        process.exitCode = EXIT.refused;
      }
    }
  } finally {
    await connection.close();
  }
};

export const replayCommand = (): Command =>
  withTarget(new Command('replay'))
    .description('Run a prediction again on the values it was made from, and compare.')
    .argument('<request-id>', 'ID of the request as its caller knows it')
    .option('--with <model@semver>', 'another version than the one that answered')
    .option(
      '--accept-other-meanings',
      'run it also on features that mean something else to it, as a bad rollback would',
    )
    .option('--endpoint <environment/name>', 'only what this endpoint answered')
    .option('--item <number>', 'only this item of a batch')
    .option('--at <time>', 'only what was answered at this time')
    .option('--json', 'print one JSON object a line')
    .addHelpText(
      'after',
      '\nEnds with 1 when it cannot be run, or the version that answered says something else now.\n\nExample:\n  hindcast replay 00e5a4fb-784b-7119-82b5-11f4d387e40f --with flight-delay@1.1.0',
    )
    .action(run);
