import { Command } from 'commander';
import { type Connection, connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { commandDocument } from './ready-made.ts';

interface Policies {
  readonly nodes: readonly {
    readonly model: string | null;
    readonly keepDays: number;
    readonly reason: string;
    readonly actor: string;
    readonly recordedAt: string;
  }[];
}

const show = ({ nodes }: Policies): void => {
  for (const { model, keepDays, reason, actor, recordedAt } of nodes) {
    const which = model ?? 'every other model';
    process.stdout.write(`${which}: ${keepDays} days  (${actor}, ${recordedAt}: ${reason})\n`);
  }
  if (nodes.length === 0) {
    process.stdout.write('No policy is in force: predictions stay in the log for ever.\n');
  }
};

const withConnection = async (
  options: TargetOptions,
  work: (connection: Connection) => Promise<void>,
): Promise<void> => {
  const connection = await connect(options);
  try {
    await work(connection);
  } finally {
    await connection.close();
  }
};

const list = (options: TargetOptions): Promise<void> =>
  withConnection(options, async ({ ask }) => {
    const { retentionPolicies } = await ask<{ retentionPolicies: Policies }>(
      await commandDocument('retention-policies'),
    );
    show(retentionPolicies);
  });

interface SetOptions extends TargetOptions {
  readonly model?: string;
  readonly reason: string;
}

const record = (input: object, options: SetOptions): Promise<void> =>
  withConnection(options, async ({ ask }) => {
    const { setRetentionPolicy: result } = await ask<{
      setRetentionPolicy: { readonly message?: string; readonly policies?: Policies };
    }>(await commandDocument('set-retention-policy'), {
      input: { ...input, model: options.model, reason: options.reason },
    });
    if (result.policies === undefined) {
      throw new CommandError(result.message ?? 'It was refused.', EXIT.refused);
    }
    show(result.policies);
  });

const set = (days: string, options: SetOptions): Promise<void> => {
  if (!/^\d{1,6}$/.test(days)) {
    throw new CommandError(`${JSON.stringify(days)} is no number of days.`, EXIT.usage);
  }
  return record({ keepDays: Number(days) }, options);
};

export const retentionCommand = (): Command => {
  const command = new Command('retention').description('How long predictions stay in the log.');
  withTarget(command.command('list', { isDefault: true }))
    .description('List the policies in force.')
    .addHelpText('after', '\nExample:\n  hindcast retention list')
    .action(list);
  withTarget(command.command('set'))
    .description('Set how many days a week stays in the log after it ended.')
    .argument('<days>', 'days')
    .option('--model <name>', 'of this model only')
    .requiredOption('--reason <text>', 'why; recorded for ever')
    .addHelpText('after', '\nExample:\n  hindcast retention set 400 --reason "policy 7.2"')
    .action(set);
  withTarget(command.command('release'))
    .description('Release a policy.')
    .option('--model <name>', 'the one of this model')
    .requiredOption('--reason <text>', 'why; recorded for ever')
    .addHelpText('after', '\nExample:\n  hindcast retention release --reason "policy 7.3"')
    .action((options: SetOptions) => record({}, options));
  return command;
};
