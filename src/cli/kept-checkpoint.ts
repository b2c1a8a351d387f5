import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { originOf, sizeOf } from '../ledger/checkpoint.ts';
import type { Config } from '../platform/config.ts';

type Folder = Pick<Config, 'checkpointFolder'>;

const pathOf = ({ checkpointFolder }: Folder, origin: string): string =>
  join(checkpointFolder, origin.replaceAll(/[^\w.-]/g, '-'));

/** The newest checkpoint that was kept of a ledger; null when none was. */
export const keptCheckpoint = async (
  folder: Folder,
  origin: string,
): Promise<{ readonly note: string; readonly where: string } | null> => {
  const where = pathOf(folder, origin);
  try {
    return { note: await readFile(where, 'utf8'), where };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
};

/** Keeps the newest checkpoint of a ledger in a file of its own; false when that of a larger tree is there. */
export const keepCheckpoint = async (folder: Folder, note: string): Promise<boolean> => {
  const kept = await keptCheckpoint(folder, originOf(note));
  if (kept !== null && sizeOf(kept.note) > sizeOf(note)) return false;
  await mkdir(folder.checkpointFolder, { recursive: true });
  const path = pathOf(folder, originOf(note));
  // A reader never sees half of it.
  const unfinished = `${path}.${randomUUID()}`;
  await writeFile(unfinished, note);
  await rename(unfinished, path);
  return true;
};
