import DataLoader from 'dataloader';
import {
  type DatasetSnapshot,
  DatasetSnapshotRef,
  datasetSnapshotById,
} from '../evidence/dataset-snapshot.ts';
import { builder } from '../platform/builder.ts';
import { type Context, perRequest } from '../platform/context.ts';

/** An offline evaluation result. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly dataset: DatasetSnapshot | null;
  readonly recordedAt: Date;
}

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
