import type { ArchiveStore } from '../platform/archive-store.ts';
import type { ArtifactStore } from '../platform/artifact-store.ts';
import type { Database, Session } from '../platform/database.ts';
import type { VerifierKey } from '../platform/signed-note.ts';
import { collectDiscrepancies, type Discrepancy } from './discrepancy.ts';
import { inRecordSnapshot } from './record-snapshot.ts';
import { readArchives, tellMissingArchives } from './verify-archives.ts';
import { verifyArtifacts } from './verify-artifacts.ts';
import type { Witness } from './verify-heads.ts';
import { verifyHolds } from './verify-holds.ts';
import { verifyRecords } from './verify-records.ts';
import { verifyRollups } from './verify-rollups.ts';
import { verifyRows } from './verify-rows.ts';
import { type TreeReport, verifyTree } from './verify-tree.ts';

/** What was recomputed, and what is not as it was recorded. */
export interface VerificationReport extends TreeReport {
  readonly predictions: number;
  readonly outcomes: number;
  /** Rows of the registry and the histories. */
  readonly rows: number;
  /** Files read in the artifact store. */
  readonly artifacts: number;
  /** Files of archived predictions that were read. */
  readonly archives: number;
  /** Entries that are not sealed: no signature covers them yet. */
  readonly pending: number;
  /** At most 1000 of them. */
  readonly discrepancies: readonly Discrepancy[];
  readonly discrepancyCount: number;
}

export interface VerificationOptions {
  /** Keys whose signatures count. */
  readonly keys: readonly VerifierKey[];
  /** Checkpoints that were kept elsewhere. */
  readonly witnesses: readonly Witness[];
  readonly artifacts: ArtifactStore;
  readonly archive: ArchiveStore;
}

/**
 * Recomputes everything that is recorded, from the rows up to the signed heads, and names what was altered, removed or
 * inserted. Reads all of the database as it is at one moment, in bounded memory.
 */
export const verifyLedger = async (
  database: Database,
  { keys, witnesses, artifacts, archive }: VerificationOptions,
): Promise<VerificationReport> => {
  const discrepancies = collectDiscrepancies();
  const { missing, ...counts } = await inRecordSnapshot(
    database,
    async (session) => {
      const tree = await verifyTree(session, keys, witnesses, discrepancies);
      const rows = await verifyRows(session, discrepancies);
      await verifyHolds(session, discrepancies);
      const archived = await readArchives(session, archive, discrepancies);
      const predictions = await verifyRecords(
        session,
        'prediction_log',
        discrepancies,
        archived,
      ).finally(() => archived.close());
      const outcomes = await verifyRecords(session, 'prediction_outcome', discrepancies);
      await verifyRollups(session, discrepancies);
      const pending = await pendingEntries(session);
      const { files: archives, missing } = archived;
      return { ...tree, rows, predictions, outcomes, archives, missing, pending };
    },
    ['prediction_log'],
  );
  await tellMissingArchives(database, missing, archive, discrepancies);
  return {
    ...counts,
    artifacts: await verifyArtifacts(database, artifacts, discrepancies),
    discrepancies: discrepancies.list,
    discrepancyCount: discrepancies.count,
  };
};

const pendingEntries = async (session: Session): Promise<number> => {
  const [row] = await session.query<{ count: bigint }>({
    text: 'SELECT count(*) AS count FROM ledger_batch WHERE leaf_index IS NULL',
  });
  return Number(row?.count ?? 0n);
};
