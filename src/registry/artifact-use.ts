import { type Artifact, ArtifactRef, artifactById } from '../evidence/artifact.ts';
import type { ArtifactRole } from '../generated/prisma/enums.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { needsWithinModels } from '../platform/needs.ts';

export const ArtifactRoleEnum = builder.enumType('ArtifactRole', {
  description: "Role of a model version's file.",
  values: {
    WEIGHTS: { description: 'Learned parameters or a serialized model.' },
    PREPROCESSOR: { description: 'Fitted preprocessing, such as an encoder.' },
    TOKENIZER: { description: 'Vocabulary or tokenizer.' },
    REPORT: { description: 'Evaluation or model-card report.' },
    OTHER: { description: 'Anything else.' },
  } as const,
});

/** A file in the role a model version holds it in. */
export interface ArtifactUse {
  readonly role: ArtifactRole;
  readonly artifact: Artifact;
}

export const artifactUsesOf = (
  database: Database,
  uses: readonly { readonly role: ArtifactRole; readonly artifactId: number }[],
): Promise<ArtifactUse[]> =>
  Promise.all(
    uses.map(async ({ role, artifactId }) => ({
      role,
      artifact: referenced(await artifactById(database).load(artifactId)),
    })),
  );

export const ArtifactUseRef = builder.objectRef<ArtifactUse>('ArtifactUse').implement({
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'An artifact in the role a model version holds it in.',
  fields: (t) => ({
    role: t.field({
      type: ArtifactRoleEnum,
      description: 'Role of the file.',
      resolve: ({ role }) => role,
    }),
    artifact: t.field({
      type: ArtifactRef,
      description: 'The file.',
      resolve: ({ artifact }) => artifact,
    }),
  }),
});
