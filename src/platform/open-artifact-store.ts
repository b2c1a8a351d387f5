import { type ArtifactStore, folderStore } from './artifact-store.ts';
import type { Config } from './config.ts';
import { s3Store } from './s3-artifact-store.ts';

/** The store that the configuration names. Nothing is opened or made before it is used. */
export const openArtifactStore = ({ artifacts }: Pick<Config, 'artifacts'>): ArtifactStore =>
  'folder' in artifacts ? folderStore(artifacts.folder) : s3Store(artifacts);
