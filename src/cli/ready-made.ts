import { readFile } from 'node:fs/promises';
import { COMMAND_OPERATIONS_FOLDER, OPERATIONS_FOLDER } from '../server/operations.ts';
import type { Connection } from './connection.ts';

/** Runs a ready-made operation with its variables; those given here take the place of those of the same name. */
export const runOperation = async <Data>(
  { ask }: Connection,
  name: string,
  variables: Record<string, unknown> = {},
): Promise<Data> => {
  const [query, own] = await Promise.all([
    readFile(`${OPERATIONS_FOLDER}${name}.graphql`, 'utf8'),
    readFile(`${OPERATIONS_FOLDER}${name}.variables.json`, 'utf8'),
  ]);
  return ask<Data>(query, { ...(JSON.parse(own) as Record<string, unknown>), ...variables });
};

/** The text of a command's own operation. They are files, too, so that a server may know them all. */
export const commandDocument = (name: string): Promise<string> =>
  readFile(`${COMMAND_OPERATIONS_FOLDER}${name}.graphql`, 'utf8');
