import { codeCommitById } from '../evidence/code-commit.ts';
import { featureSchemaById } from '../evidence/feature-schema.ts';
import { FeatureSchemaDiffRef } from '../evidence/feature-schema-diff.ts';
import {
  type RuntimeEnvironment,
  runtimeEnvironmentById,
} from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import type { JsonValue } from '../platform/canonical-json.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { needs } from '../platform/needs.ts';
import { ValueChangeRef, valueChanges } from '../platform/value-change.ts';
import { ArtifactChangeRef, artifactChanges } from './artifact-changes.ts';
import { artifactUsesOf } from './artifact-use.ts';
import { CodeDiffRef, codeDiff } from './code-diff.ts';
import { DatasetChangeRef, datasetChanges } from './dataset-changes.ts';
import { datasetUsesOf } from './dataset-use.ts';
import { metricsOf } from './metric.ts';
import { MetricChangeRef, metricChanges } from './metric-changes.ts';
import { type ModelVersion, ModelVersionRef, modelVersionById } from './model-version.ts';
import { PackageChangeRef, packageChanges } from './package-changes.ts';

/** Two versions to be compared. */
export interface ModelVersionDiff {
  readonly base: ModelVersion;
  readonly head: ModelVersion;
}

const both = async <Part>(
  { base, head }: ModelVersionDiff,
  partOf: (version: ModelVersion) => Promise<Part>,
): Promise<readonly [Part, Part]> => Promise.all([partOf(base), partOf(head)]);

const environmentsOf = (diff: ModelVersionDiff, database: Database) =>
  both(diff, async ({ runtimeEnvironmentId }) =>
    referenced(await runtimeEnvironmentById(database).load(runtimeEnvironmentId)),
  );

const settingsOf = (environment: RuntimeEnvironment): JsonValue => ({
  runtime: environment.runtime,
  platform: environment.platform,
  accelerator: environment.accelerator,
  imageDigest: environment.imageDigest,
  threads: environment.threads,
});

const ParentChangeRef = builder.objectRef<ModelVersionDiff>('ParentChange').implement({
  description: 'Two versions that were not fine-tuned from the same one.',
  fields: (t) => ({
    before: t.field({
      type: ModelVersionRef,
      nullable: true,
      description: 'Parent of the base; null when it was trained from scratch.',
      resolve: ({ base: { parentId } }, _, { database }) =>
        parentId === null ? null : modelVersionById(database).load(parentId),
    }),
    after: t.field({
      type: ModelVersionRef,
      nullable: true,
      description: 'Parent of the head; null when it was trained from scratch.',
      resolve: ({ head: { parentId } }, _, { database }) =>
        parentId === null ? null : modelVersionById(database).load(parentId),
    }),
  }),
});

export const ModelVersionDiffRef = builder.objectRef<ModelVersionDiff>('ModelVersionDiff');

ModelVersionDiffRef.implement({
  extensions: needs('registry:read'),
  description:
    'Differences of two model versions: of everything that the digest of a version covers, and of their metrics.',
  fields: (t) => ({
    base: t.field({
      type: ModelVersionRef,
      description: 'Version compared from.',
      resolve: ({ base }) => base,
    }),
    head: t.field({
      type: ModelVersionRef,
      description: 'Version compared to.',
      resolve: ({ head }) => head,
    }),
    isSameRecipe: t.boolean({
      description: 'Whether both were made from the same recipe: then only their names differ.',
      resolve: ({ base, head }) => base.recipeDigest === head.recipeDigest,
    }),
    code: t.field({
      type: CodeDiffRef,
      nullable: true,
      description: 'Change of training code; null when the commit is the same.',
      resolve: async (diff, _, { database }) => {
        const [base, head] = await both(diff, async ({ codeCommitId }) =>
          referenced(await codeCommitById(database).load(codeCommitId)),
        );
        return codeDiff(base, head);
      },
    }),
    features: t.field({
      type: FeatureSchemaDiffRef,
      description: 'Change of feature schema.',
      resolve: async (diff, _, { database }) => {
        const [base, head] = await both(diff, async ({ featureSchemaId }) =>
          referenced(await featureSchemaById(database).load(featureSchemaId)),
        );
        return { base, head };
      },
    }),
    datasets: t.field({
      type: [DatasetChangeRef],
      description: 'Dataset snapshots added, removed or replaced, by role and name.',
      resolve: async (diff, _, { database }) => {
        const [base, head] = await both(diff, ({ datasets }) => datasetUsesOf(database, datasets));
        return [...datasetChanges(base, head)];
      },
    }),
    environment: t.field({
      type: [ValueChangeRef],
      description:
        'Differences of the environments beside their packages: `/runtime`, `/platform`, `/accelerator`, `/imageDigest` and `/threads`.',
      resolve: async (diff, _, { database }) => {
        const [base, head] = await environmentsOf(diff, database);
        return [...valueChanges(settingsOf(base), settingsOf(head))];
      },
    }),
    packages: t.field({
      type: [PackageChangeRef],
      description: 'Packages added, removed or changed, by package URL.',
      resolve: async (diff, _, { database }) => {
        const [base, head] = await environmentsOf(diff, database);
        return [...packageChanges(base.packages, head.packages)];
      },
    }),
    artifacts: t.field({
      type: [ArtifactChangeRef],
      description: 'Files added, removed or replaced, by role.',
      resolve: async (diff, _, { database }) => {
        const [base, head] = await both(diff, ({ artifacts }) =>
          artifactUsesOf(database, artifacts),
        );
        return [...artifactChanges(base, head)];
      },
    }),
    hyperparameters: t.field({
      type: [ValueChangeRef],
      description: 'Hyperparameters added, removed or changed; lists are compared by position.',
      resolve: ({ base, head }) => [
        ...valueChanges(
          JSON.parse(base.hyperparameters) as JsonValue,
          JSON.parse(head.hyperparameters) as JsonValue,
        ),
      ],
    }),
    parent: t.field({
      type: ParentChangeRef,
      nullable: true,
      description: 'Change of the version that each was fine-tuned from; null when the same.',
      resolve: (diff) => (diff.base.parentId === diff.head.parentId ? null : diff),
    }),
    metrics: t.field({
      type: [MetricChangeRef],
      description:
        'Metrics present in either version, by name and dataset: those of the base in the order of recording, then those that only the head has.',
      complexity: 5,
      resolve: async (diff, _, context) => {
        const [base, head] = await both(diff, ({ id }) => metricsOf(context).load(id));
        return [...metricChanges(base, head)];
      },
    }),
  }),
});
