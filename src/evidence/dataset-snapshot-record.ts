import { builder } from '../platform/builder.ts';
import { canonicalJson } from '../platform/canonical-json.ts';
import { NotFoundError } from '../platform/errors.ts';
import { dateOf } from '../platform/instant.ts';
import type { Issues } from '../platform/issues.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';
import { type DatasetSnapshot, snapshotDigest } from './dataset-snapshot.ts';
import { checkLocation, MAX_LOCATION_BYTES, recordLocation } from './evidence-location.ts';
import { FeatureStatisticsInput, statisticsContent, statisticsOf } from './feature-statistics.ts';
import { checkStatistics } from './feature-statistics-check.ts';

export const DatasetSnapshotInput = builder.inputType('DatasetSnapshotInput', {
  description: 'A dataset snapshot to record.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Dataset name, such as `payments.labelled`.' }),
    contentDigest: t.field({
      type: 'Digest',
      required: true,
      description: "SHA-256 of the snapshot's bytes, or of the manifest of its files.",
    }),
    location: t.string({
      required: true,
      description: `Where the bytes are, such as an object-store URI; at most ${MAX_LOCATION_BYTES} bytes. Not part of the identity.`,
    }),
    rowCount: t.field({ type: 'SafeInt', description: 'Number of rows.' }),
    sizeBytes: t.field({ type: 'SafeInt', description: 'Size in bytes.' }),
    eventTime: t.field({
      type: TimeWindowInput,
      description: 'Events covered, to the millisecond.',
    }),
    derivedFrom: t.field({
      type: ['Digest'],
      required: true,
      defaultValue: [],
      description: 'Digests of the recorded snapshots this one was derived from; at most 100.',
    }),
    statistics: t.field({
      type: [FeatureStatisticsInput],
      required: true,
      defaultValue: [],
      description:
        'Statistics of the features, frozen with the snapshot; each feature once, at most 5000.',
    }),
  }),
});

export type SnapshotSource = typeof DatasetSnapshotInput.$inferInput;

export const checkSnapshot = (
  source: SnapshotSource,
  path: readonly (string | number)[],
  issues: Issues,
): void => {
  issues.name([...path, 'name'], source.name);
  checkLocation(source.location, [...path, 'location'], issues);
  for (const name of ['rowCount', 'sizeBytes'] as const) {
    const value = source[name];
    if (value != null && value < 0)
      issues.add([...path, name], `${name} is ${value}; give 0 or more.`);
  }
  const { from, to } = source.eventTime ?? {};
  if (from != null && to != null && from >= to) {
    issues.add(
      [...path, 'eventTime'],
      'eventTime ends before it starts; give a start before the end.',
    );
  }
  if (source.derivedFrom.length > 100) {
    issues.add(
      [...path, 'derivedFrom'],
      `${source.derivedFrom.length} sources were given; give at most 100.`,
    );
  }
  const features = new Set(source.statistics.map(({ feature }) => feature));
  if (features.size !== source.statistics.length || features.size > 5000) {
    issues.add(
      [...path, 'statistics'],
      'Give the statistics of each feature once, of at most 5000.',
    );
  }
  for (const [index, statistics] of source.statistics.entries()) {
    checkStatistics(statistics, [...path, 'statistics', index], issues);
  }
};

const byFeature = (a: { feature: string }, b: { feature: string }): number =>
  a.feature < b.feature ? -1 : 1;

const descriptionOf = (
  source: SnapshotSource,
): Omit<DatasetSnapshot, 'id' | 'digest' | 'recordedAt'> => ({
  name: source.name,
  contentDigest: source.contentDigest,
  rowCount: source.rowCount ?? null,
  sizeBytes: source.sizeBytes ?? null,
  eventTimeFrom: source.eventTime?.from == null ? null : dateOf(source.eventTime.from),
  eventTimeTo: source.eventTime?.to == null ? null : dateOf(source.eventTime.to),
  derivedFrom: [...new Set(source.derivedFrom)].sort(),
  statistics: source.statistics.map(statisticsOf).sort(byFeature),
});

/** Records a checked snapshot and where it is. */
export const recordSnapshot = async (
  transaction: Transaction,
  source: SnapshotSource,
  path: readonly string[],
): Promise<{
  readonly snapshot: Pick<DatasetSnapshot, 'id' | 'digest'>;
  readonly isNew: boolean;
}> => {
  const description = descriptionOf(source);
  const digest = snapshotDigest(description);
  const { derivedFrom, statistics, ...row } = description;
  const sources = await transaction.datasetSnapshot.findMany({
    where: { digest: { in: [...derivedFrom] } },
    select: { id: true, digest: true },
  });
  const known = new Set(sources.map((found) => found.digest));
  const unknown = derivedFrom.find((source) => !known.has(source));
  if (unknown !== undefined) {
    throw new NotFoundError(`No dataset snapshot ${unknown} is on record; record it first.`, [
      ...path,
      'derivedFrom',
    ]);
  }
  const { count } = await transaction.datasetSnapshot.createMany({
    data: [{ ...row, digest, recordedAt: await recordedAtIn(transaction) }],
    skipDuplicates: true,
  });
  const { id } = await transaction.datasetSnapshot.findUniqueOrThrow({
    where: { digest },
    select: { id: true },
  });
  if (count === 1) {
    await transaction.datasetDerivation.createMany({
      data: sources.map((from) => ({ derivedId: id, sourceId: from.id })),
    });
    await transaction.featureStatistics.createMany({
      data: statistics.map((summary) => ({
        datasetSnapshotId: id,
        feature: summary.feature,
        summary: canonicalJson(statisticsContent(summary)),
      })),
    });
  }
  await recordLocation(transaction, digest, source.location);
  return { snapshot: { id, digest }, isNew: count === 1 };
};
