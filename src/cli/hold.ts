import { Command } from 'commander';
import { connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { commandDocument } from './ready-made.ts';

interface Hold {
  readonly number: number;
  readonly model: string | null;
  readonly endpoint: { readonly environment: string; readonly name: string } | null;
  readonly isOnEntity: boolean;
  readonly entityKey: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly recordedAt: string;
  readonly releasedAt: string | null;
  readonly releaseReason: string | null;
}

const lineOf = (hold: Hold): string => {
  const { model, endpoint, isOnEntity, entityKey, from, to } = hold;
  const on = [
    ...(model === null ? [] : [`model ${model}`]),
    ...(endpoint === null ? [] : [`endpoint ${endpoint.environment}/${endpoint.name}`]),
    ...(isOnEntity ? [`entity ${entityKey ?? '(forgotten)'}`] : []),
    ...(from === null ? [] : [`from ${from}`]),
    ...(to === null ? [] : [`to ${to}`]),
  ];
  const end =
    hold.releasedAt === null ? '' : `; released ${hold.releasedAt}: ${hold.releaseReason ?? ''}`;
  return `${hold.number}  ${on.join(', ')}  (${hold.actor}, ${hold.recordedAt}: ${hold.reason}${end})\n`;
};

const list = async (options: TargetOptions & { readonly all?: boolean }): Promise<void> => {
  const connection = await connect(options);
  try {
    const areReleased = options.all === true ? null : false;
    const { legalHolds } = await connection.ask<{ legalHolds: { nodes: readonly Hold[] } }>(
      await commandDocument('legal-holds'),
      {
        areReleased,
      },
    );
    for (const hold of legalHolds.nodes) process.stdout.write(lineOf(hold));
    if (legalHolds.nodes.length === 0) process.stdout.write('No legal hold is in force.\n');
  } finally {
    await connection.close();
  }
};

const change = async (operation: string, input: object, options: TargetOptions): Promise<void> => {
  const connection = await connect(options);
  try {
    const { result } = await connection.ask<{
      result: { readonly hold?: Hold; readonly message?: string };
    }>(await commandDocument(operation), { input });
    if (result.hold === undefined) {
      throw new CommandError(result.message ?? 'It was refused.', EXIT.refused);
    }
    process.stdout.write(lineOf(result.hold));
  } finally {
    await connection.close();
  }
};

interface PlaceOptions extends TargetOptions {
  readonly model?: string;
  readonly endpoint?: string;
  readonly entity?: string;
  readonly from?: string;
  readonly to?: string;
  readonly reason: string;
}

const place = ({ model, endpoint, entity, from, to, reason, ...target }: PlaceOptions) => {
  const slash = endpoint?.indexOf('/') ?? 0;
  const route =
    endpoint === undefined
      ? undefined
      : { environment: endpoint.slice(0, slash), name: endpoint.slice(slash + 1) };
  const during = from === undefined && to === undefined ? undefined : { from, to };
  return change(
    'place-legal-hold',
    { model, endpoint: route, entityKey: entity, during, reason },
    target,
  );
};

const release = (number: string, { reason, ...target }: TargetOptions & { reason: string }) => {
  if (!/^\d{1,9}$/.test(number)) {
    throw new CommandError(`${JSON.stringify(number)} is no number of a hold.`, EXIT.usage);
  }
  return change('release-legal-hold', { number: Number(number), reason }, target);
};

export const holdCommand = (): Command => {
  const command = new Command('hold').description('What must stay in the log: legal holds.');
  withTarget(command.command('list', { isDefault: true }))
    .description('List the holds in force, newest first.')
    .option('--all', 'also those that were released')
    .addHelpText('after', '\nExample:\n  hindcast hold list')
    .action(list);
  withTarget(command.command('place'))
    .description('Keep predictions that fit everything given in the log, whatever their retention.')
    .option('--model <name>', 'of this model')
    .option('--endpoint <environment/name>', 'of this endpoint')
    .option('--entity <key>', 'about this entity')
    .option('--from <time>', 'made at this time or later')
    .option('--to <time>', 'made before this time')
    .requiredOption('--reason <text>', 'why; recorded for ever, so it must not name the entity')
    .addHelpText(
      'after',
      '\nExample:\n  hindcast hold place --model flight-delay --from 2001-04-03T00:00:00Z --to 2001-04-06T00:00:00Z --reason "case 17"',
    )
    .action(place);
  withTarget(command.command('release'))
    .description('End a hold, for good.')
    .argument('<number>', 'number, as `hold list` prints it')
    .requiredOption('--reason <text>', 'why; recorded for ever')
    .addHelpText('after', '\nExample:\n  hindcast hold release 1 --reason "case 17 closed"')
    .action(release);
  return command;
};
