import { createHash, type Hash } from 'node:crypto';
import { type LogRow, logRowText } from './log-columns.ts';

/** Digests rows as the log has them: `addContent` each, in the order of their identity, then `contentDigestOf`. */
export const contentHash = (): Hash => createHash('sha256');

export const addContent = (hash: Hash, row: LogRow): void => {
  hash.update(`${logRowText(row)}\n`);
};

export const contentDigestOf = (hash: Hash): string => `sha256:${hash.digest('hex')}`;
