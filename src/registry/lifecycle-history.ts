import DataLoader from 'dataloader';
import type { Prisma } from '../generated/prisma/client.ts';
import { type Context, perRequest } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { historyCache } from '../platform/history-cache.ts';
import { dateOf, type Instant, instantOf } from '../platform/instant.ts';
import { recordingTimeAfter, type Transaction } from '../platform/transaction.ts';
import { type LifecycleFact, type LifecycleStage, lifecycleDigest } from './lifecycle.ts';

/** A row of the history as selected by `LIFECYCLE_COLUMNS`. */
export interface LifecycleRow {
  readonly model_version_id: number;
  readonly sequence: number;
  readonly from_stage: LifecycleStage | null;
  readonly to_stage: LifecycleStage;
  readonly reason: string;
  readonly actor: string;
  readonly occurred_at: Instant;
  readonly recorded_at: Instant;
  readonly corrects_sequence: number | null;
  readonly digest: string;
  readonly previous_digest: string | null;
}

/** Columns of a row `t` of the history. */
export const LIFECYCLE_COLUMNS = `t.model_version_id, t.sequence, t.from_stage, t.to_stage, t.reason, t.actor,
  t.occurred_at, t.recorded_at, t.corrects_sequence, t.digest, t.previous_digest`;

const historiesOf = async (
  database: Database,
  ids: readonly number[],
): Promise<readonly (readonly LifecycleFact[])[]> => {
  const rows = await database.query<LifecycleRow>({
    name: 'lifecycle_of_versions',
    text: `SELECT ${LIFECYCLE_COLUMNS} FROM lifecycle_transition t
            WHERE t.model_version_id = ANY($1::int[]) ORDER BY t.model_version_id, t.sequence`,
    values: [ids],
  });
  return ids.map((id) => rows.filter((row) => row.model_version_id === id).map(factOf));
};

/** Histories by version, in the order of recording. One statement a tick; read anew by each request. */
export const lifecycleOf = perRequest(
  ({ database }: Context) =>
    new DataLoader<number, readonly LifecycleFact[]>((ids) => historiesOf(database, ids)),
);

/** An SQL expression for the length of the history of a version. */
export const lifecycleLength = (versionId: string): string =>
  `(SELECT count(*)::int FROM lifecycle_transition t WHERE t.model_version_id = ${versionId})`;

/** The history of a version that has this many facts: from memory, where it is known. */
export const lifecycleOfLength = historyCache(
  async (database, id) => (await historiesOf(database, [id]))[0] ?? [],
  ({ length }) => length,
);

export const factOf = (row: LifecycleRow): LifecycleFact => ({
  sequence: row.sequence,
  from: row.from_stage,
  to: row.to_stage,
  reason: row.reason,
  actor: row.actor,
  occurredAt: row.occurred_at,
  recordedAt: row.recorded_at,
  correctsSequence: row.corrects_sequence,
  digest: row.digest,
  previousDigest: row.previous_digest,
});

/** The history inside a transaction, in the order of recording. */
export const historyIn = async (
  transaction: Transaction,
  modelVersionId: number,
): Promise<readonly LifecycleFact[]> => {
  const rows = await transaction.lifecycleTransition.findMany({
    where: { modelVersionId },
    orderBy: { sequence: 'asc' },
  });
  return rows.map((row) => ({
    ...row,
    occurredAt: instantOf(row.occurredAt),
    recordedAt: instantOf(row.recordedAt),
  }));
};

/** Appends a fact to the end of a version's chain. The caller holds the version's lock and has checked the fact. */
export const appendFact = async (
  transaction: Transaction,
  version: { readonly id: number; readonly digest: string },
  history: readonly LifecycleFact[],
  fact: Pick<LifecycleFact, 'from' | 'to' | 'reason' | 'actor' | 'correctsSequence'> & {
    /** When it took effect; the moment of recording when null. */
    readonly occurredAt: Instant | null;
  },
): Promise<LifecycleFact> => {
  const last = history.at(-1);
  const recordedAt = await recordingTimeAfter(
    transaction,
    history.map((earlier) => earlier.recordedAt),
  );
  const content = {
    ...fact,
    sequence: (last?.sequence ?? 0) + 1,
    occurredAt: instantOf(dateOf(fact.occurredAt ?? recordedAt)),
    recordedAt,
    previousDigest: last?.digest ?? null,
  };
  const appended = { ...content, digest: lifecycleDigest(version.digest, content) };
  const data: Prisma.LifecycleTransitionUncheckedCreateInput = {
    ...appended,
    modelVersionId: version.id,
    occurredAt: dateOf(appended.occurredAt),
    recordedAt: dateOf(appended.recordedAt),
  };
  await transaction.lifecycleTransition.createMany({ data: [data] });
  return appended;
};
