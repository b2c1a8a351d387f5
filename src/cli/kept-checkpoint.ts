import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { originOf, sizeOf } from '../ledger/checkpoint.ts';
import { continuesCheckpoint } from '../ledger/ledger-proof.ts';
import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';

type Folder = Pick<Config, 'checkpointFolder'>;

interface KeptCheckpoint {
  readonly note: string;
  /** Path of the file. */
  readonly where: string;
}

/**
 * Where the newest checkpoint is kept: by the name of the ledger, which goes where the database goes, and by the place of
 * the database, where somebody could put another ledger.
 */
const pathsOf = (
  { checkpointFolder }: Folder,
  { location }: Pick<Database, 'location'>,
  origin: string | null,
): readonly string[] => {
  const place = createHash('sha256').update(location).digest('hex').slice(0, 16);
  const names = [...(origin === null ? [] : [origin.replaceAll(/[^\w.-]/g, '-')]), `at-${place}`];
  return names.map((name) => join(checkpointFolder, name));
};

const readKept = async (where: string): Promise<KeptCheckpoint | null> => {
  try {
    return { note: await readFile(where, 'utf8'), where };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
};

/** The newest checkpoints that were kept of a ledger, and of whatever ledger was last in that place. */
export const keptCheckpoints = async (
  folder: Folder,
  database: Pick<Database, 'location'>,
  origin: string | null,
): Promise<readonly KeptCheckpoint[]> => {
  const kept = await Promise.all(pathsOf(folder, database, origin).map(readKept));
  const found = kept.filter((one) => one !== null);
  return found.filter(({ note }, index) => found.findIndex((one) => one.note === note) === index);
};

const keepIn = async (path: string, note: string): Promise<void> => {
  // A reader never sees half of it.
  const unfinished = `${path}.${randomUUID()}`;
  await writeFile(unfinished, note);
  await rename(unfinished, path);
};

/**
 * Keeps the newest checkpoint of a ledger in files of its own; false when one is there that the ledger does not continue:
 * one of a larger tree, or of another history. That one stays, since it shows what happened.
 */
export const keepCheckpoint = async (
  folder: Folder,
  database: Database,
  note: string,
): Promise<boolean> => {
  for (const kept of await keptCheckpoints(folder, database, originOf(note))) {
    if (kept.note === note) continue;
    if (sizeOf(kept.note) > sizeOf(note)) return false;
    if (!(await continuesCheckpoint(database, kept.note))) return false;
  }
  await mkdir(folder.checkpointFolder, { recursive: true });
  for (const path of pathsOf(folder, database, originOf(note))) await keepIn(path, note);
  return true;
};
