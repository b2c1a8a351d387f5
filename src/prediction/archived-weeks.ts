import type { Database } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { rejectedLine } from './append-report.ts';
import { rowsAt } from './log-rows.ts';
import { ensurePartitions, restorationKey, weekOf } from './partitions.ts';
import type { PredictionBatch, StagedPrediction } from './prepare-predictions.ts';
import type { RecordIssue } from './rejection.ts';

const weekArchived = ({ occurredAt }: StagedPrediction, partition: string): RecordIssue => {
  const at = formatInstant(occurredAt);
  return {
    code: 'WEEK_ARCHIVED',
    path: 'occurredAt',
    value: JSON.stringify(at),
    message: `occurredAt is ${at}, in a week of the log that is archived; bring it back with \`hindcast restore ${partition}\` and this record is tried again by itself`,
    waitsFor: restorationKey(partition),
  };
};

/**
 * Makes the partitions of a batch. Its records of weeks that are in the archive are rejected instead: what is there already
 * cannot be seen while they are.
 */
export const withoutArchivedWeeks = async (
  database: Database,
  batch: PredictionBatch,
): Promise<PredictionBatch> => {
  const times = batch.staged.map(({ occurredAt }) => occurredAt);
  const archived = await ensurePartitions(database, times);
  if (archived.size === 0) return batch;
  const partitionOf = ({ occurredAt }: StagedPrediction): string => weekOf(occurredAt).partition;
  const kept = [...batch.staged.entries()].filter(([, one]) => !archived.has(partitionOf(one)));
  const refused = batch.staged.filter((one) => archived.has(partitionOf(one)));
  return {
    ...batch,
    staged: kept.map(([, one]) => one),
    rows: rowsAt(batch.rows, kept),
    rejected: [
      ...batch.rejected,
      ...refused.map((one) =>
        rejectedLine(one.raw, one.requestId, [weekArchived(one, partitionOf(one))]),
      ),
    ],
  };
};
