import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import {
  type ExactJson,
  ExactJsonError,
  parseExactJson,
  stringifyExactJson,
} from '../platform/exact-json.ts';
import { type Connection, connect, type TargetOptions, withTarget } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { commandDocument } from './ready-made.ts';

interface Difference {
  readonly kind: string;
  readonly pointer: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface RegisterResult {
  readonly __typename: string;
  readonly isNew?: boolean;
  readonly modelVersion?: { readonly displayName: string; readonly digest: string };
  readonly message?: string;
  readonly path?: readonly string[] | null;
  readonly issues?: readonly { readonly message: string; readonly path: readonly string[] }[];
  readonly differences?: readonly Difference[];
}

interface Registration {
  readonly file: string;
  readonly input: ExactJson;
}

/** The registrations in a file: one, or an array of them. */
const registrationsIn = async (file: string): Promise<readonly Registration[]> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}.`, EXIT.notFound);
  }
  try {
    const parsed = parseExactJson(text);
    return [parsed].flat().map((input) => ({ file, input }));
  } catch (error) {
    if (!(error instanceof ExactJsonError)) throw error;
    throw new CommandError(`${file} is not JSON: ${error.message}.`, EXIT.refused);
  }
};

export const registerVersion = async (
  { ask }: Connection,
  input: ExactJson,
): Promise<RegisterResult> => {
  const { registerModelVersion } = await ask<{ registerModelVersion: RegisterResult }>(
    await commandDocument('register'),
    stringifyExactJson({ input }),
  );
  return registerModelVersion;
};

/** Names the file of what is refused as a whole. */
const registerFrom = async (
  connection: Connection,
  { file, input }: Registration,
): Promise<RegisterResult> => {
  try {
    return await registerVersion(connection, input);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.refused) throw error;
    throw new CommandError(`${file}: ${error.message}`, error.exitCode);
  }
};

/** A result in words, with everything that is wrong. */
export const describeResult = (result: RegisterResult): string => {
  if (result.modelVersion !== undefined) {
    const { displayName, digest } = result.modelVersion;
    return `${displayName}  ${digest}  ${result.isNew === true ? 'registered' : 'on record already'}`;
  }
  const issues = result.issues?.map(({ path, message }) => `  ${path.join('.')}: ${message}`) ?? [];
  const differences =
    result.differences?.map(
      ({ kind, pointer, before, after }) =>
        `  ${kind.toLowerCase()} ${pointer}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`,
    ) ?? [];
  return [`refused (${result.__typename}): ${result.message}`, ...issues, ...differences].join(
    '\n',
  );
};

const run = async (
  files: readonly string[],
  options: TargetOptions & { readonly json?: boolean },
) => {
  const registrations = (await Promise.all(files.map(registrationsIn))).flat();
  const connection = await connect(options);
  try {
    for (const registration of registrations) {
      const result = await registerFrom(connection, registration);
      const isRefused = result.modelVersion === undefined;
      const described = `${isRefused ? `${registration.file}: ` : ''}${describeResult(result)}`;
      process.stdout.write(`${options.json === true ? JSON.stringify(result) : described}\n`);
      if (isRefused) process.exitCode = EXIT.refused;
    }
  } finally {
    await connection.close();
  }
};

export const registerCommand = (): Command =>
  withTarget(new Command('register'))
    .description('Register model versions with everything they were made from.')
    .argument('<files...>', 'JSON files, each a RegisterModelVersionInput or an array of them')
    .option('--json', 'print one JSON result a line')
    .addHelpText('after', '\nExample:\n  hindcast register examples/flights/versions/*.json')
    .action(run);
