import { AlteredArtifactError, type ArtifactStore } from '../platform/artifact-store.ts';
import type { Session } from '../platform/database.ts';
import type { Discrepancies } from './discrepancy.ts';

/** Reads every registered file that is in the store. What the store never had is no discrepancy, and rows are checked elsewhere. */
export const verifyArtifacts = async (
  session: Session,
  artifacts: ArtifactStore,
  discrepancies: Discrepancies,
): Promise<number> => {
  const rows = await session.query<{ digest: string }>({
    text: "SELECT digest FROM artifact WHERE digest ~ '^sha256:[0-9a-f]{64}$' ORDER BY id",
  });
  let read = 0;
  for (const { digest } of rows) {
    try {
      if ((await artifacts.read(digest)) !== null) read += 1;
    } catch (error) {
      if (!(error instanceof AlteredArtifactError)) throw error;
      const message = error.message;
      discrepancies.add({ kind: 'ALTERED', source: artifacts.location, row: digest, message });
    }
  }
  return read;
};
