import { builder } from '../platform/builder.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import type { Issues } from '../platform/issues.ts';
import { needsWithinModels } from '../platform/needs.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';
import { valueChanges } from '../platform/value-change.ts';
import {
  type ContentAddressed,
  ContentAddressedRef,
  findableByDigest,
  shortDigest,
} from './content-addressed.ts';
import { EvidenceConflictError } from './evidence-conflict.ts';
import {
  checkLocation,
  locationsOf,
  MAX_LOCATION_BYTES,
  recordLocation,
} from './evidence-location.ts';
import { LineageNodeRef } from './lineage-node.ts';

/** A stored file of known content; `digest` is the SHA-256 of its bytes. */
export interface Artifact extends ContentAddressed {
  readonly mediaType: string;
  readonly sizeBytes: bigint;
}

export const ArtifactInput = builder.inputType('ArtifactInput', {
  description: 'A stored file to record.',
  fields: (t) => ({
    digest: t.field({
      type: 'Digest',
      required: true,
      description: "SHA-256 of the file's bytes.",
    }),
    location: t.string({
      required: true,
      description: `Where the bytes are; at most ${MAX_LOCATION_BYTES} bytes. Not part of the identity.`,
    }),
    mediaType: t.string({
      required: true,
      description: 'Media type, such as `application/x-onnx`.',
    }),
    sizeBytes: t.field({ type: 'SafeInt', required: true, description: 'Size in bytes.' }),
  }),
});

export type ArtifactSource = typeof ArtifactInput.$inferInput;

export const checkArtifact = (
  { location, mediaType, sizeBytes }: ArtifactSource,
  path: readonly (string | number)[],
  issues: Issues,
): void => {
  checkLocation(location, [...path, 'location'], issues);
  if (!/^[\w.+-]+\/[\w.+-]+( *;[ -~]*)?$/.test(mediaType) || mediaType.length > 200) {
    issues.add(
      [...path, 'mediaType'],
      `${JSON.stringify(mediaType.slice(0, 100))} is not a media type, such as application/x-onnx.`,
    );
  }
  if (sizeBytes < 0)
    issues.add([...path, 'sizeBytes'], `sizeBytes is ${sizeBytes}; give 0 or more.`);
};

/** Records a checked file; the same bytes cannot have another size or media type. */
export const recordArtifact = async (
  transaction: Transaction,
  { digest, location, mediaType, sizeBytes }: ArtifactSource,
  path: readonly string[],
): Promise<{ readonly artifact: Artifact; readonly isNew: boolean }> => {
  const { count } = await transaction.artifact.createMany({
    data: [{ digest, mediaType, sizeBytes, recordedAt: await recordedAtIn(transaction) }],
    skipDuplicates: true,
  });
  const artifact = await transaction.artifact.findUniqueOrThrow({ where: { digest } });
  const differences = valueChanges(
    { mediaType: artifact.mediaType, sizeBytes: Number(artifact.sizeBytes) },
    { mediaType, sizeBytes },
  );
  if (differences.length > 0) {
    throw new EvidenceConflictError(
      `File ${shortDigest(digest)} is on record as ${artifact.mediaType} of ${artifact.sizeBytes} bytes, not ${mediaType} of ${sizeBytes}. One content has one size and type: correct the values.`,
      [...path, 'digest'],
      { existing: digest, submitted: digest },
      differences,
    );
  }
  await recordLocation(transaction, digest, location);
  return { artifact, isNew: count === 1 };
};

export const artifactById = immutableLoader<number, Artifact>(
  'Artifact',
  async ({ prisma }, ids) => {
    const rows = await prisma.artifact.findMany({ where: { id: { in: [...ids] } } });
    return new Map(rows.map((row) => [row.id, row]));
  },
);

export const artifactByDigest = immutableLoader<string, Artifact>(
  'Artifact',
  async ({ prisma }, digests) => {
    const rows = await prisma.artifact.findMany({ where: { digest: { in: [...digests] } } });
    return new Map(rows.map((row) => [row.digest, row]));
  },
);

findableByDigest((database, digest) => artifactByDigest(database).load(digest));

export const ArtifactRef = builder.objectRef<Artifact>('Artifact');

builder.node(ArtifactRef, {
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'A stored file of known content.',
  interfaces: [ContentAddressedRef, LineageNodeRef],
  id: { resolve: ({ digest }) => digest, description: 'Opaque global ID.' },
  loadOne: (digest: string, { database }) => artifactByDigest(database).load(digest),
  fields: (t) => ({
    displayName: t.string({
      description: 'File name, from where it was first said to be, and abbreviated digest.',
      resolve: async ({ digest }, _, context) => {
        const [location = ''] = await locationsOf(context).load(digest);
        return `${location.split('/').at(-1)} (${shortDigest(digest)})`;
      },
    }),
    location: t.string({
      description: 'Where the bytes were first said to be, such as an object-store URI.',
      resolve: async ({ digest }, _, context) => (await locationsOf(context).load(digest))[0] ?? '',
    }),
    locations: t.stringList({
      description: 'Every place where the bytes were said to be, first recorded first.',
      resolve: async ({ digest }, _, context) => [...(await locationsOf(context).load(digest))],
    }),
    mediaType: t.exposeString('mediaType', {
      description: 'Media type, such as `application/x-onnx`.',
    }),
    sizeBytes: t.expose('sizeBytes', { type: 'SafeInt', description: 'Size in bytes.' }),
  }),
});
