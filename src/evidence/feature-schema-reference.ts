import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import {
  type FeatureSchema,
  featureSchemaByDigest,
  featureSchemaByRelease,
} from './feature-schema.ts';

const FeatureSchemaReleaseInput = builder.inputType('FeatureSchemaReleaseInput', {
  description: 'A feature schema name with a semantic version.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Feature schema name.' }),
    semver: t.field({ type: 'SemVer', required: true, description: 'Semantic version.' }),
  }),
});

export const FeatureSchemaReferenceInput = builder.inputType('FeatureSchemaReference', {
  description: 'A way to name one feature schema.',
  isOneOf: true,
  fields: (t) => ({
    digest: t.field({ type: 'Digest', description: 'Digest of the schema.' }),
    release: t.field({
      type: FeatureSchemaReleaseInput,
      description: 'Schema name and semantic version.',
    }),
  }),
});

export type FeatureSchemaReference = typeof FeatureSchemaReferenceInput.$inferInput;

/** The feature schema that a reference names; null when there is none. */
export const findFeatureSchema = (
  database: Database,
  { digest, release }: FeatureSchemaReference,
): Promise<FeatureSchema | null> => {
  if (digest != null) return featureSchemaByDigest(database).load(digest);
  if (release == null) return Promise.resolve(null);
  return featureSchemaByRelease(database).load(`${release.name}@${release.semver}`);
};
