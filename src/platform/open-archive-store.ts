import { type ArchiveStore, folderArchive } from './archive-store.ts';
import type { Config } from './config.ts';
import { s3Archive } from './s3-archive-store.ts';

/** The store that the configuration names. Nothing is opened or made before it is used. */
export const openArchiveStore = ({ archive }: Pick<Config, 'archive'>): ArchiveStore =>
  'folder' in archive ? folderArchive(archive.folder) : s3Archive(archive);
