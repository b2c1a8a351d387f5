import { CodeCommitRef, codeCommitById } from '../evidence/code-commit.ts';
import { ContentAddressedRef, findableByDigest } from '../evidence/content-addressed.ts';
import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { LineageNodeRef } from '../evidence/lineage-node.ts';
import { RuntimeEnvironmentRef, runtimeEnvironmentById } from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import type { JsonValue } from '../platform/canonical-json.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { needsModel, needsWithinModels } from '../platform/needs.ts';
import { ArtifactUseRef, artifactUsesOf } from './artifact-use.ts';
import { DatasetUseRef, datasetUsesOf } from './dataset-use.ts';
import { MetricRef, metricsOf } from './metric.ts';
import { ModelRef } from './model.ts';
import {
  findModelVersion,
  type ModelVersion,
  ModelVersionRef,
  ModelVersionReferenceInput,
  modelVersionByDigest,
  modelVersionById,
  releaseOf,
} from './model-version.ts';

findableByDigest((database, digest) => modelVersionByDigest(database).load(digest));

builder.node(ModelVersionRef, {
  extensions: {
    ...needsModel(({ model }: ModelVersion) => model.name, 'registry:read'),
    ...IMMUTABLE,
  },
  description:
    'One immutable model: the exact code, data, feature schema, environment and parameters that produced it, addressed by the SHA-256 of its canonical manifest.',
  interfaces: [ContentAddressedRef, LineageNodeRef],
  id: { resolve: ({ digest }) => digest, description: 'Opaque global ID.' },
  loadOne: (digest: string, { database }) => modelVersionByDigest(database).load(digest),
  fields: (t) => ({
    displayName: t.string({
      description: 'Model name and semantic version, such as `flight-delay@1.0.0`.',
      resolve: releaseOf,
    }),
    recipeDigest: t.expose('recipeDigest', {
      type: 'Digest',
      description:
        'SHA-256 of the manifest without model name and semantic version. Two versions with the same recipe were made from the same inputs.',
    }),
    manifest: t.field({
      type: 'JSON',
      description: 'The canonical manifest that `digest` was computed over.',
      resolve: ({ manifest }) => JSON.parse(manifest) as JsonValue,
    }),
    model: t.field({
      type: ModelRef,
      description: 'The model this version belongs to.',
      resolve: ({ model }) => model,
    }),
    semver: t.expose('semver', {
      type: 'SemVer',
      description: 'Semantic version, unique within the model.',
    }),
    commit: t.field({
      type: CodeCommitRef,
      description: 'Commit of the training code.',
      resolve: async ({ codeCommitId }, _, { database }) =>
        referenced(await codeCommitById(database).load(codeCommitId)),
    }),
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description: 'Schema of the features the model expects, in order.',
      resolve: async ({ featureSchemaId }, _, { database }) =>
        referenced(await featureSchemaById(database).load(featureSchemaId)),
    }),
    environment: t.field({
      type: RuntimeEnvironmentRef,
      description: 'Environment the model was trained in and expects when serving.',
      resolve: async ({ runtimeEnvironmentId }, _, { database }) =>
        referenced(await runtimeEnvironmentById(database).load(runtimeEnvironmentId)),
    }),
    datasets: t.field({
      type: [DatasetUseRef],
      description: 'Dataset snapshots the model was trained and evaluated on.',
      resolve: ({ datasets }, _, { database }) => datasetUsesOf(database, datasets),
    }),
    artifacts: t.field({
      type: [ArtifactUseRef],
      description: 'Stored files of this version, such as weights.',
      resolve: ({ artifacts }, _, { database }) => artifactUsesOf(database, artifacts),
    }),
    parent: t.field({
      type: ModelVersionRef,
      nullable: true,
      description: 'Version that this one was fine-tuned from; null when trained from scratch.',
      resolve: ({ parentId }, _, { database }) =>
        parentId === null ? null : modelVersionById(database).load(parentId),
    }),
    hyperparameters: t.field({
      type: 'JSON',
      description: 'Training hyperparameters, as given.',
      resolve: ({ hyperparameters }) => JSON.parse(hyperparameters) as JsonValue,
    }),
    metrics: t.field({
      type: [MetricRef],
      description: 'Offline evaluation metrics, in the order of recording.',
      complexity: 5,
      resolve: async ({ id }, _, context) => [...(await metricsOf(context).load(id))],
    }),
    recordedBy: t.exposeString('recordedBy', { description: 'Who registered the version.' }),
  }),
});

builder.queryField('modelVersion', (t) =>
  t.field({
    extensions: needsWithinModels('registry:read'),
    type: ModelVersionRef,
    nullable: true,
    description: 'One model version.',
    complexity: 5,
    args: {
      by: t.arg({ type: ModelVersionReferenceInput, required: true, description: 'Which one.' }),
    },
    resolve: (_, { by }, { database }) => findModelVersion(database, by),
  }),
);
