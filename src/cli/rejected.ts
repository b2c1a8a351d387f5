import { Command } from 'commander';
import { connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { commandDocument } from './ready-made.ts';

interface RejectedNode {
  readonly id: string;
  readonly kind: string;
  readonly code: string;
  readonly path: string | null;
  readonly message: string | null;
  readonly requestId: string | null;
  readonly attempts: number;
  readonly receivedAt: string;
  readonly resolvedAt: string | null;
}

interface ListOptions extends TargetOptions {
  readonly code?: string;
  readonly kind?: string;
  readonly unresolved?: boolean;
  readonly first: string;
  readonly json?: boolean;
}

const line = (node: RejectedNode): string =>
  [
    `${node.receivedAt}  ${node.kind} ${node.code}${node.requestId === null ? '' : `  ${node.requestId}`}`,
    `  ${node.path === null ? '' : `${node.path}: `}${node.message ?? ''}`,
    `  ${node.resolvedAt === null ? 'waiting' : `resolved ${node.resolvedAt}`}, ${node.attempts} attempt${node.attempts === 1 ? '' : 's'}, id ${node.id}`,
  ].join('\n');

const list = async (options: ListOptions): Promise<void> => {
  const first = Number(options.first);
  if (!Number.isInteger(first) || first < 1 || first > 200) {
    throw new CommandError(
      `--first is ${JSON.stringify(options.first)}; give 1 to 200.`,
      EXIT.usage,
    );
  }
  const connection = await connect(options);
  try {
    const filter = {
      ...(options.code === undefined ? {} : { codes: [options.code] }),
      ...(options.kind === undefined ? {} : { kind: options.kind }),
      ...(options.unresolved === true ? { isResolved: false } : {}),
    };
    const { rejectedRecords } = await connection.ask<{
      rejectedRecords: { nodes: readonly RejectedNode[]; pageInfo: { hasNextPage: boolean } };
    }>(await commandDocument('rejected-records'), { filter, first });
    const text = rejectedRecords.nodes.map((node) =>
      options.json === true ? JSON.stringify(node) : line(node),
    );
    process.stdout.write(text.length === 0 ? '' : `${text.join('\n')}\n`);
    if (options.json !== true && text.length === 0) process.stdout.write('Nothing was rejected.\n');
    if (rejectedRecords.pageInfo.hasNextPage) {
      process.stderr.write(`Only the newest ${first} are shown; --first shows more.\n`);
    }
  } finally {
    await connection.close();
  }
};

interface RetryOptions extends TargetOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

interface RetryResult {
  readonly message?: string;
  readonly triedCount?: number;
  readonly resolvedCount?: number;
  readonly conflictCount?: number;
  readonly rejectedCount?: number;
}

const retry = async (ids: readonly string[], options: RetryOptions): Promise<void> => {
  if (ids.length === 0 && options.all !== true) {
    throw new CommandError('Name the records to retry, or give --all.', EXIT.usage);
  }
  const connection = await connect(options);
  try {
    const input = { records: ids.length === 0 ? { filter: {} } : { ids } };
    const { resubmitRejectedRecords: result } = await connection.ask<{
      resubmitRejectedRecords: RetryResult;
    }>(await commandDocument('resubmit-rejected-records'), { input });
    if (result.message !== undefined) throw new CommandError(result.message, EXIT.refused);
    const { triedCount, resolvedCount, conflictCount, rejectedCount } = result;
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ triedCount, resolvedCount, conflictCount, rejectedCount })}\n`
        : `${triedCount} tried again: ${resolvedCount} in the log, ${rejectedCount} rejected again\n`,
    );
    if ((rejectedCount ?? 0) > 0) process.exitCode = EXIT.refused;
  } finally {
    await connection.close();
  }
};

export const rejectedCommand = (): Command => {
  const command = new Command('rejected').description('See and retry what was refused.');
  withTarget(command.command('list', { isDefault: true }))
    .description('List rejected records, newest first.')
    .option('--code <code>', 'only with this code, such as UNKNOWN_MODEL_VERSION')
    .option('--kind <kind>', 'only PREDICTION or OUTCOME')
    .option('--unresolved', 'only those that still wait')
    .option('--first <number>', 'how many, 1 to 200', '20')
    .option('--json', 'print one JSON record a line')
    .addHelpText('after', '\nExample:\n  hindcast rejected list --unresolved')
    .action(list);
  withTarget(command.command('retry'))
    .description('Submit rejected records again.')
    .argument('[ids...]', 'global IDs, as `rejected list` prints them')
    .option('--all', 'all that still wait')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  hindcast rejected retry --all')
    .action(retry);
  return command;
};
