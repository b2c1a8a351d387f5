import { readFile } from 'node:fs/promises';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { wantsColor } from '../platform/config.ts';
import { OPERATIONS_FOLDER } from '../server/operations.ts';
import { type Connection, connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { findPredictions, type PredictionOptions } from './find-predictions.ts';
import type { TraceAnswer } from './trace-answer.ts';
import { type Paint, traceReport } from './trace-report.ts';

interface TraceOptions extends TargetOptions, PredictionOptions {
  readonly knownAt?: string;
  readonly json?: boolean;
}

/** Colours for a terminal that wants them (https://no-color.org). */
export const paintFor = (stream: { readonly isTTY?: boolean }): Paint =>
  stream.isTTY === true && wantsColor()
    ? (style, text) => styleText(style, text)
    : (_, text) => text;

/** The trace of a prediction by its global ID; null when it was not known at that record time. */
export const traceById = async (
  { ask }: Connection,
  id: string,
  knownAt: string | null = null,
): Promise<TraceAnswer | null> => {
  const document = await readFile(`${OPERATIONS_FOLDER}/trace.graphql`, 'utf8');
  const { trace } = await ask<{ trace: TraceAnswer | null }>(document, {
    prediction: { id },
    knownAt,
  });
  return trace;
};

const run = async (requestId: string, options: TraceOptions): Promise<void> => {
  const connection = await connect(options);
  try {
    const { ids, isTruncated } = await findPredictions(connection, requestId, options);
    const traces = [];
    for (const id of ids) traces.push(await traceById(connection, id, options.knownAt ?? null));
    const known = traces.filter((trace) => trace !== null);
    if (known.length === 0) {
      throw new CommandError(`Request ${requestId} was not known then.`, EXIT.notFound);
    }
    const paint = paintFor(process.stdout);
    const text =
      options.json === true
        ? known.map((trace) => `${JSON.stringify(trace)}\n`).join('')
        : known.map((trace) => traceReport(trace, paint)).join(`\n${'─'.repeat(100)}\n\n`);
    process.stdout.write(text);
    if (isTruncated) {
      process.stderr.write('Only the first 200 predictions of this request are shown.\n');
    }
  } finally {
    await connection.close();
  }
};

export const traceCommand = (): Command =>
  withTarget(new Command('trace'))
    .description('Tell what exactly produced a prediction, and what contradicts it or is missing.')
    .argument('<request-id>', 'ID of the request as its caller knows it')
    .option('--endpoint <environment/name>', 'only what this endpoint answered')
    .option('--item <number>', 'only this item of a batch')
    .option('--at <time>', 'only what was answered at this time')
    .option('--known-at <time>', 'use only what had been recorded by then')
    .option('--json', 'print one JSON trace a line')
    .addHelpText(
      'after',
      '\nExample:\n  hindcast trace 00e5a0c4-2f4f-7b1e-8b6a-1d2c3b4a5f60 --endpoint production/flight-delay',
    )
    .action(run);
