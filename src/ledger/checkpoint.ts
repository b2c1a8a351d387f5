import { openNote, type VerifierKey } from '../platform/signed-note.ts';
import type { TreeHead } from './merkle-check.ts';

/** What a checkpoint says (C2SP tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  /** Name of the ledger. */
  readonly origin: string;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;

/** Name of the ledger that a note is of. */
export const originOf = (note: string): string => note.split('\n', 1)[0] ?? '';

/** Size of the tree that a note is of, whoever signed it. */
export const sizeOf = (note: string): number => Number(note.split('\n', 2)[1]);

/** Reads the text of a checkpoint, or of the note that it is signed in; null when it is none. */
export const parseCheckpointText = (text: string): Checkpoint | null => {
  const [origin = '', size = '', root = ''] = text.split('\n');
  const bytes = new Uint8Array(Buffer.from(root, 'base64'));
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || bytes.length !== 32) return null;
  return { origin, size: Number(size), root: bytes };
};

/** What a checkpoint says that one of the keys signed; null when none did. */
export const openCheckpoint = (note: string, keys: readonly VerifierKey[]): Checkpoint | null => {
  const text = openNote(note, keys);
  return text === null ? null : parseCheckpointText(text);
};
