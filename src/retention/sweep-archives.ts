import type { ArchiveStore } from '../platform/archive-store.ts';
import type { Database } from '../platform/database.ts';
import { CURRENT_ARCHIVE } from '../prediction/archive-index.ts';

/** Files that this process has deleted already. */
const swept = new WeakMap<Database, Set<string>>();

const LEFT_OVER = `SELECT DISTINCT f.digest FROM log_archive_file f JOIN log_archive a ON a.id = f.archive_id
  WHERE NOT (${CURRENT_ARCHIVE}) AND NOT EXISTS (SELECT FROM log_archive_file kept JOIN log_archive a
    ON a.id = kept.archive_id WHERE kept.digest = f.digest AND ${CURRENT_ARCHIVE})`;

/** Deletes the files that were replaced by an erasure or brought back into the log, should a crash have left some. */
export const sweepArchives = async (database: Database, store: ArchiveStore): Promise<void> => {
  const done = swept.get(database) ?? new Set<string>();
  swept.set(database, done);
  for (const { digest } of await database.query<{ digest: string }>({ text: LEFT_OVER })) {
    if (done.has(digest)) continue;
    await store.remove(digest);
    done.add(digest);
  }
};
