import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { needsWithinModels } from '../platform/needs.ts';
import { ContentAddressedRef, findableByDigest, shortDigest } from './content-addressed.ts';
import { DatasetSnapshotRef, datasetSnapshotByDigest } from './dataset-snapshot.ts';
import { locationsOf } from './evidence-location.ts';
import { FeatureStatisticsRef } from './feature-statistics-type.ts';
import { LineageNodeRef } from './lineage-node.ts';

findableByDigest((database, digest) => datasetSnapshotByDigest(database).load(digest));

builder.node(DatasetSnapshotRef, {
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'An immutable snapshot of a dataset.',
  interfaces: [ContentAddressedRef, LineageNodeRef],
  id: { resolve: ({ digest }) => digest, description: 'Opaque global ID.' },
  loadOne: (digest: string, { database }) => datasetSnapshotByDigest(database).load(digest),
  fields: (t) => ({
    displayName: t.string({
      description: 'Dataset name and abbreviated digest.',
      resolve: ({ name, digest }) => `${name} (${shortDigest(digest)})`,
    }),
    name: t.exposeString('name', {
      description: 'Dataset name, such as `payments.labelled`.',
    }),
    contentDigest: t.expose('contentDigest', {
      type: 'Digest',
      description:
        "SHA-256 of the snapshot's bytes, or of the manifest of its files. `digest` covers it and the description beside it.",
    }),
    location: t.string({
      description: 'Where the bytes were first said to be, such as an object-store URI.',
      resolve: async ({ digest }, _, context) => (await locationsOf(context).load(digest))[0] ?? '',
    }),
    locations: t.stringList({
      description: 'Every place where the bytes were said to be, first recorded first.',
      resolve: async ({ digest }, _, context) => [...(await locationsOf(context).load(digest))],
    }),
    rowCount: t.expose('rowCount', {
      type: 'SafeInt',
      nullable: true,
      description: 'Number of rows, when known.',
    }),
    sizeBytes: t.expose('sizeBytes', {
      type: 'SafeInt',
      nullable: true,
      description: 'Size in bytes, when known.',
    }),
    eventTimeFrom: t.expose('eventTimeFrom', {
      type: 'DateTime',
      nullable: true,
      description: 'Start of the events covered, inclusive.',
    }),
    eventTimeTo: t.expose('eventTimeTo', {
      type: 'DateTime',
      nullable: true,
      description: 'End of the events covered, exclusive.',
    }),
    derivedFrom: t.field({
      type: [DatasetSnapshotRef],
      description: 'Snapshots this one was derived from.',
      resolve: ({ derivedFrom }, _, { database }) =>
        Promise.all(
          derivedFrom.map(async (digest) =>
            referenced(await datasetSnapshotByDigest(database).load(digest)),
          ),
        ),
    }),
    statistics: t.field({
      type: [FeatureStatisticsRef],
      description: 'Frozen statistics, by name of the feature.',
      args: {
        names: t.arg.stringList({ description: 'Only these features; all when omitted.' }),
      },
      resolve: ({ statistics }, { names }) =>
        statistics.filter(({ feature }) => names == null || names.includes(feature)),
    }),
  }),
});
