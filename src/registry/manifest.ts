import type { ArtifactRole, DatasetRole } from '../generated/prisma/enums.ts';
import {
  canonicalJson,
  digestOf,
  digestOfBytes,
  type JsonValue,
} from '../platform/canonical-json.ts';

/** What a model version is: every reference is a digest. */
export interface Manifest {
  readonly model: string;
  readonly semver: string;
  readonly commit: string;
  readonly featureSchema: string;
  readonly datasets: readonly { readonly role: DatasetRole; readonly digest: string }[];
  readonly environment: string;
  readonly artifacts: readonly { readonly role: ArtifactRole; readonly digest: string }[];
  /** RFC 8785 canonical JSON text. */
  readonly hyperparameters: string;
  /** Digest of the version this one was fine-tuned from. */
  readonly parent: string | null;
}

type Use = { readonly role: string; readonly digest: string };

// Roles and digests are a set: neither order nor repetition makes another version.
const asSet = (uses: readonly Use[]): JsonValue => {
  const unique = new Map(uses.map(({ role, digest }) => [`${role} ${digest}`, { role, digest }]));
  return [...unique.keys()].sort().map((key) => ({ ...unique.get(key) }));
};

const recipe = (manifest: Manifest): { readonly [key: string]: JsonValue } => ({
  commit: manifest.commit,
  featureSchema: manifest.featureSchema,
  datasets: asSet(manifest.datasets),
  environment: manifest.environment,
  artifacts: asSet(manifest.artifacts),
  hyperparameters: JSON.parse(manifest.hyperparameters) as JsonValue,
  parent: manifest.parent,
});

/** RFC 8785 text of the manifest. */
export const manifestText = (manifest: Manifest): string =>
  canonicalJson({ model: manifest.model, semver: manifest.semver, ...recipe(manifest) });

/** The identity of a version. */
export const manifestDigest = (manifest: Manifest): string => digestOfBytes(manifestText(manifest));

/** The same for versions made from the same inputs, whatever they are called. */
export const recipeDigest = (manifest: Manifest): string => digestOf(recipe(manifest));
