import { builder } from '../platform/builder.ts';
import { digestOf, type JsonValue } from '../platform/canonical-json.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { ContentAddressed } from './content-addressed.ts';
import { type FeatureStatistics, statisticsContent } from './feature-statistics.ts';

/** An immutable snapshot of a dataset, with the statistics that predictions are held against. */
export interface DatasetSnapshot extends ContentAddressed {
  readonly name: string;
  readonly contentDigest: string;
  readonly rowCount: number | null;
  readonly sizeBytes: number | null;
  readonly eventTimeFrom: Date | null;
  readonly eventTimeTo: Date | null;
  /** Digests of the snapshots this one was derived from, sorted. */
  readonly derivedFrom: readonly string[];
  /** By name of the feature. */
  readonly statistics: readonly FeatureStatistics[];
}

/** The canonical content that a snapshot's digest covers; where its bytes are is not part of it. */
export const snapshotContent = (
  snapshot: Omit<DatasetSnapshot, 'id' | 'digest' | 'recordedAt'>,
): JsonValue => ({
  name: snapshot.name,
  contentDigest: snapshot.contentDigest,
  rowCount: snapshot.rowCount,
  sizeBytes: snapshot.sizeBytes,
  eventTime: {
    from: snapshot.eventTimeFrom?.toISOString() ?? null,
    to: snapshot.eventTimeTo?.toISOString() ?? null,
  },
  derivedFrom: snapshot.derivedFrom,
  statistics: Object.fromEntries(
    snapshot.statistics.map((statistics) => [statistics.feature, statisticsContent(statistics)]),
  ),
});

export const snapshotDigest = (
  snapshot: Omit<DatasetSnapshot, 'id' | 'digest' | 'recordedAt'>,
): string => digestOf(snapshotContent(snapshot));

const include = {
  statistics: { orderBy: { feature: 'asc' } },
  derivedFrom: { include: { source: { select: { digest: true } } } },
} as const;

export const findSnapshots = async (
  prisma: Pick<Transaction, 'datasetSnapshot'>,
  where: { id: { in: number[] } } | { digest: { in: string[] } },
): Promise<DatasetSnapshot[]> => {
  const rows = await prisma.datasetSnapshot.findMany({ where, include });
  return rows.map(({ statistics, derivedFrom, rowCount, sizeBytes, ...snapshot }) => ({
    ...snapshot,
    rowCount: rowCount === null ? null : Number(rowCount),
    sizeBytes: sizeBytes === null ? null : Number(sizeBytes),
    derivedFrom: derivedFrom.map(({ source }) => source.digest).sort(),
    statistics: statistics.map(({ feature, summary }) => ({
      numeric: null,
      categorical: null,
      ...(JSON.parse(summary) as Partial<FeatureStatistics>),
      feature,
    })),
  }));
};

export const datasetSnapshotById = immutableLoader<number, DatasetSnapshot>(
  'DatasetSnapshot',
  async ({ prisma }, ids) => {
    const snapshots = await findSnapshots(prisma, { id: { in: [...ids] } });
    return new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  },
);

export const datasetSnapshotByDigest = immutableLoader<string, DatasetSnapshot>(
  'DatasetSnapshot',
  async ({ prisma }, digests) => {
    const snapshots = await findSnapshots(prisma, { digest: { in: [...digests] } });
    return new Map(snapshots.map((snapshot) => [snapshot.digest, snapshot]));
  },
);

export const DatasetSnapshotRef = builder.objectRef<DatasetSnapshot>('DatasetSnapshot');
