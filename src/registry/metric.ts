import DataLoader from 'dataloader';
import {
  type DatasetSnapshot,
  DatasetSnapshotRef,
  datasetSnapshotById,
} from '../evidence/dataset-snapshot.ts';
import { builder } from '../platform/builder.ts';
import { type Context, perRequest } from '../platform/context.ts';
import { NotFoundError } from '../platform/errors.ts';
import { stringifyExactJson } from '../platform/exact-json.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';

/** An offline evaluation result. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly dataset: DatasetSnapshot | null;
  readonly recordedAt: Date;
}

interface MetricSource {
  readonly name: string;
  readonly value: number;
  /** Digest of a recorded snapshot. */
  readonly dataset?: string | null | undefined;
}

interface MetricRow {
  readonly name: string;
  readonly value: number;
  readonly datasetSnapshotId: number | null;
}

const metricText = ({ name, value, datasetSnapshotId }: MetricRow): string =>
  stringifyExactJson({ name, value, datasetSnapshotId });

/** Appends the metrics that are not on record for the version yet. The caller holds the version's lock. */
export const appendMetrics = async (
  transaction: Transaction,
  modelVersionId: number,
  metrics: readonly MetricSource[],
  recordedBy: string,
): Promise<void> => {
  if (metrics.length === 0) return;
  const snapshotIds = await findSnapshotIds(transaction, metrics);
  const recorded = await transaction.metric.findMany({ where: { modelVersionId } });
  const known = new Set(recorded.map(metricText));
  const submitted = metrics.map(({ name, value, dataset }) =>
    metricText({
      name,
      value,
      datasetSnapshotId: dataset == null ? null : (snapshotIds.get(dataset) ?? null),
    }),
  );
  const added = [...new Set(submitted)].filter((text) => !known.has(text));
  if (added.length === 0) return;
  const recordedAt = await recordedAtIn(transaction);
  // Prisma rounds large doubles to 16 digits (it changed a third of random ones beyond 1e20) and
  // writes the largest as one too large; the database reads every digit of this text.
  await transaction.$executeRaw`
    INSERT INTO metric (model_version_id, name, value, dataset_snapshot_id, recorded_by, recorded_at)
    SELECT ${modelVersionId}::int, name, value, "datasetSnapshotId", ${recordedBy}, ${recordedAt}::timestamptz
      FROM json_to_recordset(${`[${added.join(',')}]`}::json)
        AS added (name text, value float8, "datasetSnapshotId" int)`;
};

const findSnapshotIds = async (
  transaction: Transaction,
  metrics: readonly MetricSource[],
): Promise<ReadonlyMap<string, number>> => {
  const digests = metrics.flatMap(({ dataset }) => (dataset == null ? [] : [dataset]));
  const rows = await transaction.datasetSnapshot.findMany({
    where: { digest: { in: digests } },
    select: { id: true, digest: true },
  });
  const ids = new Map(rows.map(({ id, digest }) => [digest, id]));
  const index = metrics.findIndex(({ dataset }) => dataset != null && !ids.has(dataset));
  if (index === -1) return ids;
  throw new NotFoundError(
    `No dataset snapshot ${metrics[index]?.dataset} is on record; record it first.`,
    ['input', 'metrics', String(index), 'dataset'],
  );
};

/** Metrics by version, in the order of recording; more may be recorded later. */
export const metricsOf = perRequest(
  ({ database }: Context) =>
    new DataLoader<number, readonly Metric[]>(async (ids) => {
      const rows = await database.prisma.metric.findMany({
        where: { modelVersionId: { in: [...ids] } },
        orderBy: { id: 'asc' },
      });
      const metrics = await Promise.all(
        rows.map(async ({ modelVersionId, name, value, datasetSnapshotId, recordedAt }) => ({
          modelVersionId,
          name,
          value,
          recordedAt,
          dataset:
            datasetSnapshotId === null
              ? null
              : await datasetSnapshotById(database).load(datasetSnapshotId),
        })),
      );
      return ids.map((id) => metrics.filter(({ modelVersionId }) => modelVersionId === id));
    }),
);

export const MetricRef = builder.objectRef<Metric>('Metric').implement({
  description: 'An offline evaluation result: an observation about a version, not part of it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Metric name, such as `auc`.' }),
    value: t.exposeFloat('value', { description: 'Metric value.' }),
    dataset: t.field({
      type: DatasetSnapshotRef,
      nullable: true,
      description: 'Snapshot it was measured on, when known.',
      resolve: ({ dataset }) => dataset,
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Hindcast recorded it.',
    }),
  }),
});
