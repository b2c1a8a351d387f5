import { type DatasetSnapshot, DatasetSnapshotRef } from '../evidence/dataset-snapshot.ts';
import { builder } from '../platform/builder.ts';
import type { Metric } from './metric.ts';

/** One metric of two versions, measured on one dataset; the values are in the order of recording. */
export interface MetricChange {
  readonly name: string;
  readonly dataset: DatasetSnapshot | null;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Metrics of either version, by name and dataset: those of the base in the order of recording, then those only in the head. */
export const metricChanges = (
  base: readonly Metric[],
  head: readonly Metric[],
): readonly MetricChange[] => {
  const changes = new Map<string, MetricChange & { before: number[]; after: number[] }>();
  const changeOf = ({ name, dataset }: Metric) => {
    const key = JSON.stringify([name, dataset?.digest ?? null]);
    const change = changes.get(key) ?? { name, dataset, before: [], after: [] };
    changes.set(key, change);
    return change;
  };
  for (const metric of base) changeOf(metric).before.push(metric.value);
  for (const metric of head) changeOf(metric).after.push(metric.value);
  return [...changes.values()];
};

/** The difference of the values recorded last; null unless both versions have one, and where no 64-bit float holds it. */
export const deltaOf = ({ before, after }: MetricChange): number | null => {
  const delta = (after.at(-1) ?? Number.NaN) - (before.at(-1) ?? Number.NaN);
  return Number.isFinite(delta) ? delta : null;
};

const LAST = 'the one recorded last where there are several';

export const MetricChangeRef = builder.objectRef<MetricChange>('MetricChange').implement({
  description: 'One metric of two versions, measured on one dataset. It need not differ.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Metric name.' }),
    dataset: t.field({
      type: DatasetSnapshotRef,
      nullable: true,
      description:
        'Snapshot that both were measured on; null when not stated. Values of different snapshots are not compared.',
      resolve: ({ dataset }) => dataset,
    }),
    before: t.float({
      nullable: true,
      description: `Value in the base, ${LAST}; null when absent.`,
      resolve: ({ before }) => before.at(-1) ?? null,
    }),
    after: t.float({
      nullable: true,
      description: `Value in the head, ${LAST}; null when absent.`,
      resolve: ({ after }) => after.at(-1) ?? null,
    }),
    delta: t.float({
      nullable: true,
      description:
        '`after - before` as a 64-bit float; null unless both are present, and where it is beyond the largest.',
      resolve: deltaOf,
    }),
    beforeValues: t.floatList({
      description: 'Every value in the base, in the order of recording.',
      resolve: ({ before }) => [...before],
    }),
    afterValues: t.floatList({
      description: 'Every value in the head, in the order of recording.',
      resolve: ({ after }) => [...after],
    }),
  }),
});
