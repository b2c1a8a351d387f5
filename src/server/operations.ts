import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A ready-made operation: `<name>.graphql` and, if it takes variables, `<name>.variables.json` beside it. */
export interface Operation {
  readonly name: string;
  readonly query: string;
  /** JSON text of an object; null when there is no such file. */
  readonly variables: string | null;
}

export const OPERATIONS_FOLDER = fileURLToPath(new URL('../../operations/', import.meta.url));

/** Where the operations of the command line are. */
export const COMMAND_OPERATIONS_FOLDER = `${OPERATIONS_FOLDER}command/`;

/** The operations in a folder by name; none when there is no such folder. */
export const readOperations = async (
  folder: string = OPERATIONS_FOLDER,
): Promise<readonly Operation[]> => {
  const files = new Set(await readdir(folder).catch(ifMissing([])));
  const names = [...files].filter((file) => file.endsWith('.graphql')).sort();
  return Promise.all(
    names.map(async (file) => {
      const name = file.slice(0, -'.graphql'.length);
      const variables = `${name}.variables.json`;
      return {
        name,
        query: await readFile(join(folder, file), 'utf8'),
        variables: files.has(variables) ? await readFile(join(folder, variables), 'utf8') : null,
      };
    }),
  );
};

const ifMissing =
  <Value>(value: Value) =>
  (error: NodeJS.ErrnoException): Value => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
